//! Counting calls, together with the other processes on one store.

use std::{fmt, num::NonZeroU32, sync::Arc};

use serde::Serialize;

use super::{RateLimits, leases::Leases};
use crate::{
    app::failed,
    current::Current,
    keys::{CallerKeys, CallerKind},
    operations::Operation,
    refusal::Refusal,
    store::Store,
};

/// Counts calls.
#[derive(Debug)]
pub(crate) struct Limiter {
    store: Arc<dyn Store>,
    current: Arc<Current>,
    own: RateLimits,
    leases: Leases,
}

/// Limits in a line of the log.
struct Shown<'a>(&'a RateLimits);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            RateLimits::Documented => f.write_str("documented"),
            RateLimits::Off => f.write_str("off"),
            RateLimits::Table(_) => f.write_str("a table"),
        }
    }
}

/// How a call stands to its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Counted {
    pub(crate) limit: NonZeroU32,
    /// How many more there may be at this moment.
    pub(crate) remaining: u32,
    /// Whether this was one too many.
    #[serde(skip)]
    pub(crate) is_over: bool,
}

impl Limiter {
    /// `own` are the limits to keep unless others are set for all.
    pub(crate) fn new(store: Arc<dyn Store>, current: Arc<Current>, own: RateLimits) -> Self {
        Self {
            store,
            current,
            own,
            leases: Leases::default(),
        }
    }

    /// Counts a call; `None` if there is no limit.
    ///
    /// # Errors
    /// What to answer if it cannot be counted.
    pub(crate) async fn count(
        &self,
        operation: &Operation,
        caller: &CallerKeys,
    ) -> Result<Option<Counted>, Refusal> {
        let kind = CallerKind::of(operation.scheme);
        let limit = self.current.set_limits(|set| {
            let kept = set.unwrap_or(&self.own);
            kept.per_second(operation.id, kind, operation.per_second)
        });
        let Some(limit) = limit else {
            return Ok(None);
        };
        let (store, counter) = (&*self.store, (kind, operation.id));
        let left = self.leases.take(store, counter, &caller.identity, limit);
        let left = left.await?;
        Ok(Some(Counted {
            limit,
            remaining: left.unwrap_or(0),
            is_over: left.is_none(),
        }))
    }

    /// What is kept to, and whether that was set for all.
    pub(crate) fn limits(&self) -> (RateLimits, bool) {
        self.current.set_limits(|set| {
            let kept = set.unwrap_or(&self.own);
            (kept.clone(), set.is_some())
        })
    }

    /// Tells in the log if others than these were set for all.
    pub(crate) fn warn_unless_kept(&self, asked: &RateLimits) {
        let (kept, _) = self.limits();
        if kept != *asked {
            tracing::warn!(
                kept = %Shown(&kept),
                asked = %Shown(asked),
                "the rate limits that were set for this store hold, not those asked for; \
                 `kabao sandbox rate-limits set started`, or \
                 PUT /_sandbox/rate-limits {{\"limits\": null}}, takes them back",
            );
        }
    }

    /// Sets limits for all processes from now on, or lets each go by its own
    /// again, and forgets what was used up.
    ///
    /// # Errors
    /// What to answer if that is not known to be saved.
    pub(crate) async fn set(&self, limits: Option<RateLimits>) -> Result<(), Refusal> {
        let set = self.store.set_rate_limits(limits.as_ref()).await;
        set.map_err(|error| failed(&error))?;
        self.current.look().await?;
        self.leases.clear();
        Ok(())
    }

    /// Forgets what was taken from the store.
    pub(crate) fn reset(&self) {
        self.leases.clear();
    }
}
