//! What happened lately, newest first: for people who wonder why a request was
//! refused.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use http::Method;
use jiff::Timestamp;
use kabao_core::{error_body::ErrorBody, keyring::KeyId, time::Time};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::{faults::Noted, keys::CallerKeys, limits::Counted, refusal::Refusal};

/// How many requests are remembered.
const CAPACITY: usize = 1000;

/// One request and what became of it. Noting it is part of every request, so it
/// is put into words only when somebody reads it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The `Request-ID` of the answer.
    pub(crate) id: String,
    /// When it arrived, real time.
    pub(crate) time: Timestamp,
    /// The same, to tell how long it takes.
    pub(crate) began: Instant,
    pub(crate) method: Method,
    /// Path and query as received.
    pub(crate) target: String,
    /// The operation, if the address is one.
    pub(crate) operation: Option<&'static str>,
    /// What was answered; none if nothing was to be.
    pub(crate) status: Option<u16>,
    /// What it was refused for.
    pub(crate) refusal: Option<Box<Refused>>,
    /// Who sent it, proved.
    pub(crate) caller: Option<Arc<CallerKeys>>,
    /// Who it says it is from, if that was not proved.
    pub(crate) claimed: Option<String>,
    /// Whether the same Authorization was seen before.
    pub(crate) replayed: bool,
    /// How it stood to its rate limit, if it came that far and there is one.
    pub(crate) rate: Option<Counted>,
    /// The key that signed the answer; none if it went out unsigned.
    pub(crate) signed_with: Option<KeyId>,
    /// Trouble that was ordered for it.
    pub(crate) faults: Vec<Noted>,
    /// The notification that this is a post of. Posts are here if a fault befell
    /// them; the others are with their notifications.
    pub(crate) notification: Option<String>,
    /// How the check of the signature went, if it failed.
    pub(crate) verdict: Option<Verdict>,
}

/// Code and message of an error answer.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code.into(),
            message: refusal.message,
        }
    }
}

impl From<ErrorBody> for Refused {
    fn from(body: ErrorBody) -> Self {
        Self {
            code: body.code.into(),
            message: body.message,
        }
    }
}

/// How the check of a request's signature failed.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    /// The step that failed.
    pub(crate) step: &'static str,
    /// In words a person can act on.
    pub(crate) reason: String,
    /// The message that the server built, if it came that far.
    pub(crate) message: Option<String>,
}

impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target.as_str(), None),
        };
        let proved = self.caller.as_ref().map(|caller| &caller.identity);
        let verdict = match &self.verdict {
            None if self.notification.is_some() => Value::Null,
            None => json!({
                "ok": true, "step": "done", "reason": "the signature matches", "message": null,
            }),
            Some(Verdict {
                step,
                reason,
                message,
            }) => json!({
                "ok": false, "step": step, "reason": reason, "message": message,
            }),
        };
        let mut entry = json!({
            "id": self.id,
            "time": Time::at(self.time),
            "method": self.method.as_str(),
            "path": path,
            "query": query,
            "operation": self.operation,
            "status": self.status,
            "code": self.refusal.as_ref().map(|refusal| &refusal.code),
            "error": self.refusal.as_ref().map(|refusal| &refusal.message),
            "caller": proved.or(self.claimed.as_ref()),
            "replayed": self.replayed,
            "rate": self.rate,
            "signed_with": self.signed_with.as_ref().map(KeyId::as_str),
            "fault": joined(&self.faults, |noted| noted.kind),
            "fault_effect": joined(&self.faults, |noted| &noted.effect),
            "verdict": verdict,
        });
        if let Some(id) = &self.notification {
            entry["notification"] = json!(id);
        }
        entry.serialize(serializer)
    }
}

/// Faults of several parts may come together.
fn joined<'a>(faults: &'a [Noted], part: fn(&'a Noted) -> &'a str) -> Option<String> {
    let parts: Vec<&str> = faults.iter().map(part).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

impl Entry {
    /// A request, or a post, of which nothing is known yet.
    pub(crate) fn new(id: String, time: Timestamp, method: Method, target: String) -> Self {
        Self {
            id,
            time,
            began: Instant::now(),
            method,
            target,
            operation: None,
            status: None,
            refusal: None,
            caller: None,
            claimed: None,
            replayed: false,
            rate: None,
            signed_with: None,
            faults: Vec::new(),
            notification: None,
            verdict: None,
        }
    }
}

impl Verdict {
    pub(crate) fn bad(step: &'static str, reason: impl Into<String>) -> Self {
        Self {
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
