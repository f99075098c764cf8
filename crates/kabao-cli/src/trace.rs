//! The SDK's and the sandbox's events on stderr: lines for people, or JSON.

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    filter::FilterFn,
    fmt,
    layer::{Context, Layer, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

use crate::output::{printer::line_to_stderr, width::printable};

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line, for programs that collect logs.
    Json,
}

/// Shows events from now on; how many depends on how often `-v` was given, and
/// on what the server says of itself if the sandbox is what the command is about.
pub(crate) fn show(verbosity: u8, server: Option<LogFormat>) {
    let is_shown = move |metadata: &Metadata<'_>| is_shown(verbosity, server, metadata);
    let filter = FilterFn::new(is_shown);
    let registry = tracing_subscriber::registry();
    // Somebody else's subscriber cannot be there: this is the program.
    let _ = match server {
        Some(LogFormat::Json) => {
            let json = fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .with_writer(std::io::stderr);
            registry.with(json.with_filter(filter)).try_init()
        }
        _ => registry.with(Lines.with_filter(filter)).try_init(),
    };
}

/// Only our own events: libraries may write request targets, and those hold
/// openids.
fn is_shown(verbosity: u8, server: Option<LogFormat>, metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let root = target.split("::").next().unwrap_or(target);
    let most = match (root, verbosity) {
        // Start and stop, which people are told otherwise.
        ("kabao_cli", 0) if server == Some(LogFormat::Json) => Level::INFO,
        ("kabao_cli" | "kabao" | "kabao_core" | "kabao_sandbox", 0) => Level::WARN,
        ("kabao_cli" | "kabao" | "kabao_core", 1) => Level::DEBUG,
        ("kabao_sandbox", 1) if server.is_some() => Level::DEBUG,
        ("kabao_sandbox", 1) => Level::INFO,
        ("kabao_cli" | "kabao" | "kabao_core" | "kabao_sandbox", _) => Level::TRACE,
        _ => return false,
    };
    *metadata.level() <= most
}

/// `what happened  name=value name=value`, one line an event.
struct Lines;

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let level = match *event.metadata().level() {
            Level::ERROR => "error: ",
            Level::WARN => "warning: ",
            _ => "",
        };
        let text = printable(&format!("{level}{}{}", line.message, line.fields));
        line_to_stderr(text);
    }
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.fields.push_str(&format!("  {name}={value:?}")),
        }
    }
}
