//! Authorizations that were seen before, within the window.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;
use kabao_core::answer::WINDOW_SECONDS;

use crate::{
    clock::real_now,
    store::{SignedRequest, Store, StoreError},
    switches::Switches,
};

/// Remembers signatures until their timestamps leave the window anyway: in this
/// process, where that only marks them; in the store, for all processes on it,
/// where they are refused.
#[derive(Debug)]
pub(crate) struct Replays {
    seen: Mutex<HashMap<String, i64>>,
    store: Option<Arc<dyn Store>>,
    swept: AtomicI64,
}

/// How often, in seconds, marks that are over are taken out of the store.
const SWEEP_EVERY: i64 = 60;

/// When this many are remembered, those out of the window are dropped.
const SWEEP_AT: usize = 4096;

impl Replays {
    pub(crate) fn new(store: &Arc<dyn Store>, switches: &Switches) -> Self {
        Self {
            seen: Mutex::default(),
            store: switches.refuse_replays.then(|| Arc::clone(store)),
            swept: AtomicI64::new(0),
        }
    }

    /// Whether this signature of `owner` was seen before. `now` is Unix seconds.
    ///
    /// # Errors
    /// [`StoreError`] if the store was to say it and could not.
    pub(crate) async fn repeated(
        &self,
        owner: &str,
        signature: &str,
        now: i64,
    ) -> Result<bool, StoreError> {
        let Some(store) = &self.store else {
            return Ok(self.repeated_here(signature, now));
        };
        let request = SignedRequest {
            owner: owner.to_owned(),
            signature: signature.to_owned(),
        };
        let until = Timestamp::from_second(now + 2 * WINDOW_SECONDS).unwrap_or(Timestamp::MAX);
        let real = real_now();
        let is_new = store.mark_request(&request, until, real).await?;
        let swept = self.swept.load(Ordering::Relaxed);
        if real.as_second() - swept >= SWEEP_EVERY {
            self.swept.store(real.as_second(), Ordering::Relaxed);
            store.sweep_marks(real).await?;
        }
        Ok(!is_new)
    }

    fn repeated_here(&self, signature: &str, now: i64) -> bool {
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
