//! Trouble on demand.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// What goes wrong, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    /// What goes wrong.
    pub(crate) kind: FaultKind,
    /// How many more answers (or notifications) it befalls; without it, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u64>,
    /// Only requests with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    /// Only requests, or notifications, whose path begins like this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
}

/// The kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FaultKind {
    /// The answer's signature does not match it.
    BadSignature,
    /// A notification carries a probe: a wrong signature that says so, as WeChat
    /// Pay sends now and then to see whether the receiver verifies.
    ProbeNotification,
}

/// The faults that are armed, in the order of arming.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Mutex<Vec<Fault>>,
}

impl Faults {
    /// Arms a fault. One with a count of 0 does nothing.
    pub(crate) fn arm(&self, fault: Fault) {
        self.lock().push(fault);
    }

    /// What is armed.
    pub(crate) fn armed(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// Disarms all.
    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Whether this answer is befallen; counts it.
    pub(crate) fn strikes(&self, kind: FaultKind, method: &str, path: &str) -> bool {
        let mut armed = self.lock();
        let Some(place) = armed.iter().position(|fault| {
            fault.kind == kind
                && fault.count != Some(0)
                && fault
                    .method
                    .as_deref()
                    .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && fault
                    .path
                    .as_deref()
                    .is_none_or(|start| path.starts_with(start))
        }) else {
            return false;
        };
        if let Some(left) = &mut armed[place].count {
            *left -= 1;
            if *left == 0 {
                armed.remove(place);
            }
        }
        true
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_as_often_as_asked_and_only_where_asked() {
        let faults = Faults::default();
        faults.arm(Fault {
            kind: FaultKind::BadSignature,
            count: Some(2),
            method: Some("get".into()),
            path: Some("/v3/".into()),
        });
        let strikes = |method, path| faults.strikes(FaultKind::BadSignature, method, path);
        assert!(!strikes("POST", "/v3/x"));
        assert!(!strikes("GET", "/brand/x"));
        assert!(strikes("GET", "/v3/x"));
        assert!(strikes("GET", "/v3/x"));
        assert!(!strikes("GET", "/v3/x"));
        assert!(faults.armed().is_empty());
    }
}
