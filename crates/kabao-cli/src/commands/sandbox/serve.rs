//! `kabao sandbox serve`.

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use jiff::SignedDuration;
use kabao_sandbox::{Sandbox, Switches};

use zeroize::Zeroizing;

use super::{files, rate_limits, seed};
use crate::{
    embedded::start_problem,
    output::printer::Printer,
    problem::Problem,
    settings::{SandboxSettings, paths, read_token, readable_by_others, waits},
    trace::LogFormat,
};

/// How the sandbox is to run.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0", value_parser = address)]
    listen: SocketAddr,
    /// Where to keep state: sqlite:PATH, memory or
    /// postgres://USER@HOST/DATABASE, which several sandboxes may share; its
    /// password comes from PGPASSWORD. [default: sqlite in the data folder]
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// A folder to write keys, certificates and credentials.json to, under the
    /// names of the merchant console.
    #[arg(long, value_name = "DIR")]
    credentials: Option<PathBuf>,
    /// Which rate limits to keep: documented, off, or those of a TOML file; unless
    /// others were set for its store. [default: documented]
    #[arg(long, value_name = "LIMITS")]
    rate_limits: Option<String>,
    /// What a new store begins with, and what a reset goes back to, instead of the
    /// sample data: a TOML or JSON file, or a snapshot.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// Speak TLS under a local authority, ca.pem of the credentials.
    #[arg(long)]
    tls: bool,
    /// A file with the token that opens the control plane, from other machines
    /// too [env: KABAO_CONTROL_TOKEN, the token itself]. Without one the control
    /// plane answers this machine only.
    #[arg(long, value_name = "FILE")]
    control_token_file: Option<PathBuf>,
    /// How many connections there may be at once; others are answered 503.
    /// [default: 10000, or what the limit of open files leaves]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_connections: Option<u32>,
    /// Do something differently; --help lists what. Repeatable.
    #[arg(long = "switch", value_name = "NAME[=VALUE]", value_parser = switch)]
    switches: Vec<Switch>,
    /// Upon a signal, answer 503 at /_sandbox/ready for so long before stopping,
    /// such as 10s, so that a balancer sends nobody any more.
    #[arg(long, value_name = "SPAN", default_value = "0s", value_parser = span)]
    drain_delay: Duration,
    /// How to write the log on stderr; -v has a line for each request.
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        env = "KABAO_LOG_FORMAT"
    )]
    pub(crate) log_format: LogFormat,
    #[command(flatten, next_help_heading = "Notifications")]
    notifications: NotificationArgs,
}

/// How notifications are delivered. (Where to is a switch, notify_hosts.)
#[derive(Debug, Args)]
struct NotificationArgs {
    /// An authority (PEM) to trust for https addresses, beside the system's and
    /// the sandbox's own. Repeatable.
    #[arg(long, value_name = "FILE")]
    notify_root_certificate: Vec<PathBuf>,
    /// How long to wait before each retry of a card event, such as 15s,3m,1h, or
    /// none. [default: 60s, eleven times]
    #[arg(long, value_name = "WAIT,…", value_parser = waits)]
    card_event_retries: Option<Waits>,
    /// The same for the other events. [default: the documented schedule, from
    /// 15s to 6h, fifteen times]
    #[arg(long, value_name = "WAIT,…", value_parser = waits)]
    other_event_retries: Option<Waits>,
}

/// Clap would take a bare list for a flag that is repeated.
type Waits = Vec<Duration>;

/// A switch that exists, with a value that it takes.
#[derive(Debug, Clone)]
struct Switch {
    name: String,
    value: Option<String>,
}

/// Serves until a signal comes.
pub(crate) async fn serve(args: ServeArgs, printer: &Printer) -> Result<(), Problem> {
    // Before anybody can see the ready line and send a signal.
    let mut signals = Signals::listen()
        .map_err(|error| Problem::new("cannot listen for signals").caused_by(&error))?;
    let mut builder = Sandbox::builder()
        .listen(args.listen)
        .tls(args.tls)
        .max_connections(connections(args.max_connections));
    if let Some(limits) = &args.rate_limits {
        builder = builder.rate_limits(rate_limits::read(limits)?);
    }
    if let Some(token) = control_token(args.control_token_file.as_deref())? {
        builder = builder.control_token(&*token);
    }
    builder = settings(args.switches, args.notifications)?.apply(builder)?;
    match args.store {
        // Its master key lies beside it, so that the two move together.
        Some(store) if store.starts_with("sqlite:") || store == "memory" => {
            builder = builder.store(store);
        }
        Some(store) => builder = builder.store(store).data_dir(data_dir()?),
        None => builder = builder.data_dir(data_dir()?),
    }
    if let Some(path) = &args.seed {
        builder = builder.seed(seed::read(path)?);
    }
    if let Some(folder) = &args.credentials {
        builder = builder.credentials_dir(folder);
    }
    let sandbox = builder
        .start()
        .await
        .map_err(|error| start_problem(&error))?;
    let tell = |text: String| match args.log_format {
        LogFormat::Text => printer.note(&text),
        LogFormat::Json => tracing::info!("{text}"),
    };
    printer.data(format!("listening on {}\n", sandbox.base_url()))?;
    if args.log_format == LogFormat::Json {
        // Where logs are collected stdout may not be.
        tracing::info!(url = sandbox.base_url(), "listening");
    }
    if let Some(folder) = &args.credentials {
        tell(format!("credentials are in {}", folder.display()));
    }
    signals.next().await;
    if !args.drain_delay.is_zero() {
        tell(format!("stopping in {:?}", args.drain_delay));
        sandbox.drain();
        tokio::select! {
            () = tokio::time::sleep(args.drain_delay) => {}
            () = signals.next() => {}
        }
    }
    tell("stopping".into());
    tokio::select! {
        () = sandbox.stop() => Ok(()),
        // Whoever asks twice does not want to wait for running requests.
        () = signals.next() => Ok(()),
    }
}

/// The token of the file, or else that of the environment.
fn control_token(file: Option<&Path>) -> Result<Option<Zeroizing<String>>, Problem> {
    let Some(file) = file else {
        return token_of_environment();
    };
    if let Some(warning) = readable_by_others(file) {
        tracing::warn!("{warning}");
    }
    read_token(file).map(Some)
}

/// Whoever sets the variable wants a token, so a value that is none does not open
/// the control plane.
fn token_of_environment() -> Result<Option<Zeroizing<String>>, Problem> {
    const NAME: &str = "KABAO_CONTROL_TOKEN";
    let Some(token) = std::env::var_os(NAME) else {
        return Ok(None);
    };
    match token.into_string() {
        Ok(token) if !token.is_empty() => Ok(Some(Zeroizing::new(token))),
        Ok(_) => Err(Problem::new(format!("{NAME} is set, but empty"))
            .hint("unset it, or make one: openssl rand -hex 32")),
        Err(_) => {
            Err(Problem::new(format!("{NAME} is not text")).hint("make one: openssl rand -hex 32"))
        }
    }
}

/// As many connections as were asked for and files may be opened.
fn connections(wanted: Option<u32>) -> usize {
    const USUAL: u32 = 10_000;
    let most = files::most_connections();
    let wanted = wanted.inspect(|wanted| {
        if let Some(most) = most.filter(|most| most < wanted) {
            tracing::warn!(
                "the limit of open files allows {most} connections, not {wanted}; raise it with \
                 ulimit -Hn"
            );
        }
    });
    let allowed = wanted.unwrap_or(USUAL).min(most.unwrap_or(u32::MAX));
    usize::try_from(allowed).unwrap_or(usize::MAX)
}

/// The configuration file's settings, and over them the flags'.
fn settings(
    switches: Vec<Switch>,
    notifications: NotificationArgs,
) -> Result<SandboxSettings, Problem> {
    let mut settings = SandboxSettings::load()?;
    for Switch { name, value } in &switches {
        let set = settings.switches.set(name, value.as_deref());
        set.map_err(|error| Problem::new(error.to_string()))?;
    }
    let roots = &mut settings.notify_root_certificates;
    roots.extend(notifications.notify_root_certificate);
    if let Some(waits) = notifications.card_event_retries {
        settings.card_event_retries = Some(waits);
    }
    if let Some(waits) = notifications.other_event_retries {
        settings.other_event_retries = Some(waits);
    }
    Ok(settings)
}

/// Every switch, for the help.
pub(super) fn help() -> String {
    let lines = Switches::ALL.iter().map(|(name, about)| {
        let name = match *name {
            "notify_hosts" => "notify_hosts=HOST,…",
            name => name,
        };
        format!("  {name}\n      {about}")
    });
    let switches: Vec<String> = lines.collect();
    format!(
        "{EXAMPLES}\n\n{}\n\nSwitches:\n{}\n\n\
         [sandbox] of the configuration file takes the same, and the settings of notifications,\n\
         for the embedded sandbox, too:\n\n  \
         [sandbox]\n  update_time = true\n  notify_hosts = [\"hooks.test\"]\n  \
         card_event_retries = \"15s,3m,1h\"\n  notify_root_certificates = [\"ca.pem\"]",
        rate_limits::SAMPLE,
        switches.join("\n")
    )
}

fn switch(text: &str) -> Result<Switch, String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let set = Switches::default().set(name, value);
    set.map_err(|error| error.to_string())?;
    Ok(Switch {
        name: name.to_owned(),
        value: value.map(str::to_owned),
    })
}

pub(super) const EXAMPLES: &str = "\
Examples:
  kabao sandbox serve --credentials ./credentials
  kabao sandbox serve --listen 127.0.0.1:8080 --store memory --rate-limits off
  kabao sandbox serve --switch update_time --switch notify_hosts=hooks.test";

fn data_dir() -> Result<PathBuf, Problem> {
    paths::data_dir(&|name: &str| std::env::var(name).ok())
}

/// `10s`, `1m`.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    let span = text.parse::<SignedDuration>().ok();
    span.and_then(|span| Duration::try_from(span).ok())
        .ok_or_else(|| "write a span such as 10s or 1m".to_owned())
}

/// `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let found: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; write ADDRESS:PORT such as 127.0.0.1:8080"))?
        .collect();
    let first = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first());
    first
        .copied()
        .ok_or_else(|| "the name has no address".into())
}

/// SIGINT and SIGTERM.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // Without a handler the process ends anyway.
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_can_be_given_and_is_in_the_help() {
        let mut switches = Switches::default();
        for (name, _) in Switches::ALL {
            let text = match *name {
                "notify_hosts" => "notify_hosts=a,b".to_owned(),
                name => name.to_owned(),
            };
            let Switch { name, value } = switch(&text).expect(name);
            switches.set(&name, value.as_deref()).expect("checked");
            assert!(help().contains(&format!("\n  {name}")), "{name}");
        }
        assert!(switches.refuse_replays && switches.other_card_types);
        assert_eq!(switches.notify_hosts, ["a", "b"]);
        assert!(switch("update_time=false").is_ok());
        for wrong in ["upsidedown", "update_time=x", "notify_hosts", "=true"] {
            assert!(switch(wrong).is_err(), "{wrong}");
        }
    }
}
