//! Authorizations that were seen before, within the window.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use kabao_core::answer::WINDOW_SECONDS;

/// Remembers signatures until their timestamps leave the window anyway.
#[derive(Debug, Default)]
pub(crate) struct Replays {
    seen: Mutex<HashMap<String, i64>>,
}

/// When this many are remembered, those out of the window are dropped.
const SWEEP_AT: usize = 4096;

impl Replays {
    /// Whether this signature was seen before. `now` is Unix seconds.
    pub(crate) fn repeated(&self, signature: &str, now: i64) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= SWEEP_AT && seen.len().is_power_of_two() {
            seen.retain(|_, until| *until > now);
        }
        // A timestamp may lie a window ahead, so it can come back for two.
        let until = now + 2 * WINDOW_SECONDS;
        seen.insert(signature.to_owned(), until)
            .is_some_and(|until| until > now)
    }

    pub(crate) fn reset(&self) {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
