//! How an answer leaves: whole, in part, late, or not at all.

use std::time::Duration;

use http::{Method, StatusCode};
use hyper::body::Body as _;

use crate::gate::Answer;

/// The way out. What happened is in the journal by then, so that a caller who
/// tires of waiting does not take it along.
#[derive(Debug)]
pub(crate) enum Departure {
    /// All of it, after a while, which is nearly always none.
    Whole { answer: Answer, wait: Duration },
    /// Half of its body; then the connection is reset.
    Torn(Answer),
    /// Nothing; the connection is closed after a while.
    Lost { wait: Duration },
    /// Nothing; the connection is reset.
    Reset,
}

impl Departure {
    /// The status that the caller sees.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Whole { answer, .. } | Self::Torn(answer) => Some(answer.status()),
            Self::Lost { .. } | Self::Reset => None,
        }
    }

    /// What has no body cannot end within it.
    pub(super) fn torn(answer: Answer, method: &Method) -> Self {
        match *method == Method::HEAD || answer.body().is_end_stream() {
            true => Self::Reset,
            false => Self::Torn(answer),
        }
    }
}
