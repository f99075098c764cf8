//! Counting calls, together with the other processes on one store.

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{RateLimits, leases::Leases};
use crate::{
    keys::{CallerKeys, CallerKind},
    operations::Operation,
    store::{Calls, Store, StoreError},
};

/// How long limits that another process has set may go unseen.
const LOOK: Duration = Duration::from_secs(1);

/// Counts calls.
#[derive(Debug)]
pub(crate) struct Limiter {
    store: Arc<dyn Store>,
    own: RateLimits,
    set: RwLock<Option<RateLimits>>,
    looked: Mutex<Instant>,
    leases: Leases,
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
    pub(crate) fn new(store: Arc<dyn Store>, own: RateLimits) -> Self {
        Self {
            store,
            own,
            set: RwLock::default(),
            looked: Mutex::new(Instant::now()),
            leases: Leases::default(),
        }
    }

    /// Counts a call; `None` if there is no limit.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be counted.
    pub(crate) async fn count(
        &self,
        operation: &Operation,
        caller: &CallerKeys,
    ) -> Result<Option<Counted>, StoreError> {
        if self.is_due() {
            self.look().await?;
        }
        let kind = CallerKind::of(operation.scheme);
        let limit = self.kept(|limits| limits.per_second(operation.id, kind, operation.per_second));
        let Some(limit) = limit else {
            return Ok(None);
        };
        let calls = Calls {
            owner: format!("{} {}", kind.name(), caller.identity),
            operation: operation.id,
            per_second: limit,
        };
        let taken = self.leases.take(&*self.store, calls).await?;
        Ok(Some(Counted {
            limit,
            remaining: taken.left,
            is_over: taken.granted == 0,
        }))
    }

    /// Reads what was set for all.
    pub(crate) async fn look(&self) -> Result<(), StoreError> {
        self.keep_to(self.store.rate_limits().await?);
        Ok(())
    }

    /// What is kept to, and whether that was set for all.
    pub(crate) fn limits(&self) -> (RateLimits, bool) {
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        match &*set {
            Some(limits) => (limits.clone(), true),
            None => (self.own.clone(), false),
        }
    }

    /// Sets limits for all processes from now on, or lets each go by its own
    /// again, and forgets what was used up.
    pub(crate) async fn set(&self, limits: Option<RateLimits>) -> Result<(), StoreError> {
        self.store.set_rate_limits(limits.as_ref()).await?;
        self.keep_to(limits);
        self.leases.clear();
        Ok(())
    }

    /// Forgets what was taken from the store.
    pub(crate) fn reset(&self) {
        self.leases.clear();
    }

    fn keep_to(&self, limits: Option<RateLimits>) {
        let mut set = self.set.write().unwrap_or_else(PoisonError::into_inner);
        if *set != limits {
            *set = limits;
            self.leases.clear();
        }
    }

    fn kept<T>(&self, ask: impl Fn(&RateLimits) -> T) -> T {
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        ask(set.as_ref().unwrap_or(&self.own))
    }

    /// Whether it is time to look for changes; if so, it is this caller's turn.
    fn is_due(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = looked.elapsed() >= LOOK;
        if is_due {
            *looked = Instant::now();
        }
        is_due
    }
}
