//! The two streams: data to stdout, everything else to stderr.

use std::io::{self, IsTerminal as _, Write as _};

use super::{
    paint::{Paint, Tone},
    width::printable,
};
use crate::problem::Problem;

/// How data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people: aligned, in colour on a terminal.
    #[default]
    Table,
    /// One JSON value, indented.
    Json,
    /// One JSON value a line.
    Jsonl,
}

/// Writes what a command has to say.
#[derive(Debug)]
pub(crate) struct Printer {
    pub(crate) format: Format,
    is_quiet: bool,
    paint: Paint,
    error_paint: Paint,
}

impl Printer {
    pub(crate) fn new(format: Format, is_quiet: bool) -> Self {
        let env = |name: &str| std::env::var(name).ok();
        Self {
            format,
            is_quiet,
            paint: Paint::detect(io::stdout().is_terminal(), env),
            error_paint: Paint::detect(io::stderr().is_terminal(), env),
        }
    }

    /// Colour on stdout.
    pub(crate) fn paint(&self) -> Paint {
        self.paint
    }

    /// Whether cards are drawn: for people, where there is colour.
    pub(crate) fn draws_faces(&self) -> bool {
        self.format == Format::Table && self.paint.is_on()
    }

    /// Whether a person reads stdout directly.
    pub(crate) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Columns of the terminal, 80 if there is none.
    pub(crate) fn width(&self) -> usize {
        terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0))
    }

    /// Data. A reader that went away has seen enough; that is no error.
    pub(crate) fn data(&self, bytes: impl AsRef<[u8]>) -> Result<(), Problem> {
        let mut stdout = io::stdout().lock();
        match stdout
            .write_all(bytes.as_ref())
            .and_then(|()| stdout.flush())
        {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Problem::new("cannot write to stdout").caused_by(&error))
            }
            _ => Ok(()),
        }
    }

    /// JSON in the chosen form; tables have none of their own, so indented.
    pub(crate) fn json(&self, value: &impl serde::Serialize) -> Result<(), Problem> {
        let text = match self.format {
            Format::Jsonl => serde_json::to_string(value),
            Format::Json | Format::Table => serde_json::to_string_pretty(value),
        };
        let text = text.map_err(|error| Problem::new("cannot write JSON").caused_by(&error))?;
        self.data(text + "\n")
    }

    /// A remark, unless `--quiet`.
    pub(crate) fn note(&self, text: &str) {
        if !self.is_quiet {
            self.error_line(Tone::Dim, text);
        }
    }

    /// Something that may surprise later, even with `--quiet`.
    pub(crate) fn warn(&self, text: &str) {
        self.error_line(Tone::Warn, &format!("warning: {text}"));
    }

    /// Why the command ends here.
    pub(crate) fn problem(&self, problem: &Problem) {
        let text = problem.to_string();
        let text = match text.strip_prefix("error:") {
            Some(rest) => format!("{}{rest}", self.error_paint.tone(Tone::Bad, "error:")),
            None => text,
        };
        line_to_stderr(text);
    }

    fn error_line(&self, tone: Tone, text: &str) {
        line_to_stderr(self.error_paint.tone(tone, &printable(text)));
    }
}

/// One write, so that a line stays whole whoever else writes, and if this process
/// is killed.
pub(crate) fn line_to_stderr(mut text: String) {
    text.push('\n');
    // Nobody is left to be told if stderr is gone.
    let _ = io::stderr().write_all(text.as_bytes());
}
