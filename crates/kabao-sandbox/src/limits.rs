//! Rate limits per operation and caller.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Which rate limits a sandbox keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RateLimits {
    /// Those of the documentation: 5 a second for most operations.
    #[default]
    Documented,
    /// None.
    Off,
}

#[derive(Debug)]
pub(crate) struct Limiter {
    limits: RateLimits,
    buckets: Mutex<HashMap<(&'static str, String), Arc<DefaultDirectRateLimiter>>>,
}

impl Limiter {
    pub(crate) fn new(limits: RateLimits) -> Self {
        Self {
            limits,
            buckets: Mutex::default(),
        }
    }

    /// Whether the caller may run the operation once more now.
    pub(crate) fn allows(
        &self,
        operation: &'static str,
        caller: &str,
        per_second: NonZeroU32,
    ) -> bool {
        if self.limits == RateLimits::Off {
            return true;
        }
        let bucket = {
            let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            let bucket = buckets
                .entry((operation, caller.to_owned()))
                .or_insert_with(|| Arc::new(RateLimiter::direct(Quota::per_second(per_second))));
            Arc::clone(bucket)
        };
        bucket.check().is_ok()
    }

    /// Forgets what was used up.
    pub(crate) fn reset(&self) {
        self.buckets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}
