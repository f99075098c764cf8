//! Calls that this process took from the store and may pass without asking: one
//! at first, and more at once the faster they are used, up to a tenth of a
//! second's. So the store is asked some twenty times a second at most, however
//! often a caller calls, and a rate below twenty is counted call by call.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::Taken;
use crate::{
    clock::real_now,
    store::{Calls, Store, StoreError},
};

/// What was not used by then comes back in the store, so it is given up here. A
/// process that dies leaves nothing else to give back.
const LIFE: Duration = Duration::from_secs(1);

/// A lease that was used up within this was too small.
const SHORT: Duration = Duration::from_millis(100);

/// When this many are kept, those that are over are dropped.
const SWEEP_AT: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<HashMap<Calls, Lease>>);

#[derive(Debug, Clone, Copy)]
struct Lease {
    /// Calls that may be passed.
    here: u32,
    /// Calls that were left in the store.
    there: u32,
    /// How many to ask for if it is soon used up.
    next: u32,
    /// When it was made.
    since: Instant,
    /// Until when it holds; if nothing was left anywhere, until there may be
    /// something again.
    until: Instant,
}

impl Leases {
    /// Takes one call.
    pub(super) async fn take(&self, store: &dyn Store, calls: Calls) -> Result<Taken, StoreError> {
        let wanted = match self.take_here(&calls) {
            Ok(taken) => return Ok(taken),
            Err(wanted) => wanted,
        };
        let taken = store.take_calls(&calls, wanted, real_now()).await?;
        Ok(self.keep(calls, wanted, taken))
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// What can be said without asking, or how many to ask for.
    fn take_here(&self, calls: &Calls) -> Result<Taken, u32> {
        let now = Instant::now();
        let mut leases = self.lock();
        let Some(lease) = leases.get_mut(calls) else {
            return Err(1);
        };
        if lease.until <= now {
            return Err(1);
        }
        if lease.here > 0 {
            lease.here -= 1;
            return Ok(lease.told(1, now));
        }
        if lease.there == 0 {
            return Ok(lease.told(0, now));
        }
        match now.duration_since(lease.since) < SHORT {
            true => Err(lease.next),
            false => Err(1),
        }
    }

    fn keep(&self, calls: Calls, wanted: u32, taken: Taken) -> Taken {
        let now = Instant::now();
        let largest = (calls.per_second.get() / 10).max(1);
        let mut leases = self.lock();
        if leases.len() >= SWEEP_AT && leases.len().is_power_of_two() {
            leases.retain(|_, lease| lease.until > now);
        }
        // Several may have asked at once; what the others got is still here.
        let before = leases.get(&calls).filter(|lease| lease.until > now);
        let here = taken.granted.saturating_sub(1);
        let all = before.map_or(0, |lease| lease.here).saturating_add(here);
        let lease = Lease {
            here: all,
            there: taken.left,
            next: wanted.saturating_mul(2).min(largest),
            since: now,
            until: now
                + match all == 0 && taken.left == 0 {
                    true => taken.wait,
                    false => LIFE,
                },
        };
        leases.insert(calls, lease);
        lease.told(taken.granted.min(1), now)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Calls, Lease>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease {
    fn told(&self, granted: u32, now: Instant) -> Taken {
        Taken {
            granted,
            left: self.here.saturating_add(self.there),
            wait: self.until.saturating_duration_since(now),
        }
    }
}
