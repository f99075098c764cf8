//! What happened lately, newest first: for people who wonder why a request was
//! refused.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;

/// How many requests are remembered.
const CAPACITY: usize = 1000;

/// One request and what became of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    /// The `Request-ID` of the answer.
    pub(crate) id: String,
    /// When it arrived, real time.
    pub(crate) time: String,
    pub(crate) method: String,
    /// As received, without the query.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    /// The operation, if the address is one.
    pub(crate) operation: Option<&'static str>,
    pub(crate) status: u16,
    /// The error code, if it was refused.
    pub(crate) code: Option<String>,
    /// The error message, if it was refused.
    pub(crate) error: Option<String>,
    /// The mchid or brand id in `Authorization`.
    pub(crate) caller: Option<String>,
    /// Whether the same Authorization was seen before.
    pub(crate) replayed: bool,
    /// The key that signed the answer; none if it went out unsigned.
    pub(crate) signed_with: Option<String>,
    /// Trouble that was ordered for this answer.
    pub(crate) fault: Option<&'static str>,
    pub(crate) verdict: Verdict,
}

/// How the check of the request's signature went.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Verdict {
    pub(crate) ok: bool,
    /// The step that failed, or `done`.
    pub(crate) step: &'static str,
    /// In words a person can act on.
    pub(crate) reason: String,
    /// The message that the server built, if it came that far and the check
    /// failed.
    pub(crate) message: Option<String>,
}

impl Verdict {
    pub(crate) fn good() -> Self {
        Self {
            ok: true,
            step: "done",
            reason: "the signature matches".into(),
            message: None,
        }
    }

    pub(crate) fn bad(step: &'static str, reason: impl Into<String>) -> Self {
        Self {
            ok: false,
            step,
            reason: reason.into(),
            message: None,
        }
    }
}

/// The last requests, in memory.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: Mutex<VecDeque<Arc<Entry>>>,
}

impl Journal {
    /// Notes a request; the oldest falls out.
    pub(crate) fn note(&self, entry: Entry) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() == CAPACITY {
            entries.pop_back();
        }
        entries.push_front(Arc::new(entry));
    }

    /// The last `limit` requests, newest first.
    pub(crate) fn latest(&self, limit: usize) -> Vec<Arc<Entry>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().take(limit).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
