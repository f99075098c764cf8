//! What stops a command: one line, its causes, a hint, an exit status.

use std::{error::Error, fmt, io};

/// How a command ended, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// The API refused.
    Refused = 1,
    /// Usage, local validation or set-up: nothing was changed.
    CouldNotRun = 2,
}

/// An error for people.
///
/// It holds finished texts, so nothing that is secret or personal can leak
/// through a `Debug` of what it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: Status,
    pub(crate) message: String,
    pub(crate) causes: Vec<String>,
    pub(crate) hint: Option<String>,
}

impl Problem {
    /// Something that keeps the command from running.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            status: Status::CouldNotRun,
            message: message.into(),
            causes: Vec::new(),
            hint: None,
        }
    }

    /// The API's no.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self {
            status: Status::Refused,
            ..Self::new(message)
        }
    }

    /// A file that cannot be read.
    pub(crate) fn unreadable(what: &str, path: &std::path::Path, error: &io::Error) -> Self {
        Self::new(format!("cannot read {what} {}: {error}", path.display()))
    }

    /// Adds an error and everything behind it, unless its words stand there
    /// already.
    pub(crate) fn caused_by(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let text = error.to_string();
            let said = |said: &String| said.contains(&text);
            if !said(&self.message) && !self.causes.iter().any(said) {
                self.causes.push(text);
            }
            next = error.source();
        }
        self
    }

    /// Adds a cause in words.
    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    /// `error: …`, `caused by: …`, `hint: …`, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", one_line(&self.message))?;
        for cause in &self.causes {
            write!(f, "\ncaused by: {}", one_line(cause))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {}", one_line(hint))?;
        }
        Ok(())
    }
}

/// Texts from elsewhere may hold line breaks or terminal escapes.
fn one_line(text: &str) -> String {
    crate::output::width::printable(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_lines_that_others_cannot_break() {
        let problem = Problem::new("bad\u{1b}[31m thing\nsecond")
            .caused_by(&io::Error::other("disk"))
            .hint("do this");
        assert_eq!(
            problem.to_string(),
            "error: bad\\u{1b}[31m thing\\nsecond\ncaused by: disk\nhint: do this"
        );
        assert_eq!(problem.status, Status::CouldNotRun);
    }

    #[test]
    fn a_cause_is_not_said_twice() {
        let problem =
            Problem::new("cannot start: disk full").caused_by(&io::Error::other("disk full"));
        assert_eq!(problem.causes, Vec::<String>::new());
        let problem = problem
            .because("the connection broke")
            .caused_by(&io::Error::other("disk full"));
        assert_eq!(problem.causes, ["the connection broke"]);
    }
}
