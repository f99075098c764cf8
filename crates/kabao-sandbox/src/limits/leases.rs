//! Calls that this process took from the store and may pass without asking: one
//! at first, and more at once the faster they are used, up to a tenth of a
//! second's. So the store is asked some twenty times a second, however often a
//! caller calls, and a rate below twenty is counted call by call.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::Taken;
use crate::{
    app::failed,
    clock::real_now,
    keys::CallerKind,
    refusal::Refusal,
    store::{Calls, Shared},
    turns::Turns,
};

/// What was not used by then comes back in the store, so it is given up here. A
/// process that dies leaves nothing else to give back.
const LIFE: Duration = Duration::from_secs(1);

/// A lease that was used up within this was too small.
const SHORT: Duration = Duration::from_millis(100);

/// How long nobody asks for a caller that comes too often, so that several calls
/// have come back, if each does sooner.
const PAUSE: Duration = Duration::from_millis(50);

/// By operation and then by caller, so that neither has to be copied to look for
/// them. There are at most as many as there are callers and operations.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<HashMap<Counter, HashMap<String, Arc<Lease>>>>);

type Counter = (CallerKind, &'static str);

#[derive(Debug)]
struct Lease {
    per_second: NonZeroU32,
    held: Mutex<Held>,
    /// One asks at a time, for all who wait.
    turns: Turns,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    /// Calls that may be passed,
    here: u32,
    /// until then.
    until: Instant,
    /// Calls that were left in the store.
    there: u32,
    /// When there may be another in the store, if nothing was left.
    again: Instant,
    /// How many to ask for if it is soon used up.
    next: u32,
    /// When it was asked for.
    since: Instant,
}

impl Leases {
    /// Takes one call. Gives how many more there may be, or `None` if this is one
    /// too many.
    pub(super) async fn take(
        &self,
        store: &dyn Shared,
        (kind, operation): Counter,
        identity: &str,
        per_second: NonZeroU32,
    ) -> Result<Option<u32>, Refusal> {
        let lease = self.of((kind, operation), identity, per_second);
        if let Ok(told) = lease.take_here() {
            return Ok(told);
        }
        let asking = async {
            // Whoever had the turn before may have got some for this one, too.
            let wanted = match lease.take_here() {
                Ok(told) => return Ok(told),
                Err(wanted) => wanted,
            };
            let calls = Calls {
                owner: format!("{} {identity}", kind.name()),
                operation,
                per_second,
            };
            let taken = store.take_calls(&calls, wanted, real_now()).await;
            Ok(lease.keep(wanted, taken.map_err(|error| failed(&error))?))
        };
        lease.turns.wait(asking).await
    }

    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }

    fn of(&self, counter: Counter, identity: &str, per_second: NonZeroU32) -> Arc<Lease> {
        let mut leases = lock(&self.0);
        let leases = leases.entry(counter).or_default();
        match leases.get(identity) {
            // What was taken of another rate says nothing of this one.
            Some(lease) if lease.per_second == per_second => Arc::clone(lease),
            _ => {
                let lease = Arc::new(Lease::new(per_second));
                leases.insert(identity.to_owned(), Arc::clone(&lease));
                lease
            }
        }
    }
}

impl Lease {
    fn new(per_second: NonZeroU32) -> Self {
        let now = Instant::now();
        Self {
            per_second,
            held: Mutex::new(Held {
                here: 0,
                until: now,
                there: 0,
                again: now,
                next: 1,
                since: now,
            }),
            turns: Turns::default(),
        }
    }

    /// What can be said without asking, or how many to ask for.
    fn take_here(&self) -> Result<Option<u32>, u32> {
        let now = Instant::now();
        let mut held = lock(&self.held);
        if held.here > 0 && held.until > now {
            held.here -= 1;
            return Ok(Some(held.here.saturating_add(held.there)));
        }
        if held.again > now {
            if self.largest() > 1 {
                held.again = held.again.max(held.since + PAUSE);
            }
            return Ok(None);
        }
        match now.duration_since(held.since) < SHORT {
            true => Err(held.next),
            false => Err(1),
        }
    }

    /// Keeps what is not used at once. Nothing is here when it is asked for more.
    fn keep(&self, wanted: u32, taken: Taken) -> Option<u32> {
        let now = Instant::now();
        let here = taken.granted.checked_sub(1);
        *lock(&self.held) = Held {
            here: here.unwrap_or(0),
            until: now + LIFE,
            there: taken.left,
            again: now + taken.wait,
            next: wanted.saturating_mul(2).min(self.largest()),
            since: now,
        };
        here.map(|here| here.saturating_add(taken.left))
    }

    /// How many to ask for at most.
    fn largest(&self) -> u32 {
        (self.per_second.get() / 10).max(1)
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use async_trait::async_trait;
    use jiff::Timestamp;
    use tokio::{task::JoinSet, time::sleep};

    use super::*;
    use crate::{
        limits::{Allowance, RateLimits},
        store::{FaultRule, OrderedFault, SignedRequest, StoreError},
    };

    /// Counts one caller's calls by a clock that tests move, and takes a while.
    #[derive(Debug)]
    struct Counting {
        allowance: Mutex<Allowance>,
        begun: Instant,
        asked: Mutex<Vec<u32>>,
        takes: Duration,
        is_away: bool,
    }

    impl Counting {
        fn new(takes: Duration) -> Self {
            Self {
                allowance: Mutex::new(Allowance::UNUSED),
                begun: Instant::now(),
                asked: Mutex::default(),
                takes,
                is_away: false,
            }
        }

        fn asked(&self) -> Vec<u32> {
            std::mem::take(&mut *lock(&self.asked))
        }
    }

    #[async_trait]
    impl Shared for Counting {
        async fn take_calls(
            &self,
            calls: &Calls,
            wanted: u32,
            _: Timestamp,
        ) -> Result<Taken, StoreError> {
            assert_eq!(calls.owner, "merchant 1");
            lock(&self.asked).push(wanted);
            sleep(self.takes).await;
            if self.is_away {
                return Err(StoreError::Unavailable {
                    context: "counting calls".into(),
                    source: "as told".into(),
                });
            }
            let now = i64::try_from(self.begun.elapsed().as_micros()).expect("soon");
            Ok(lock(&self.allowance).take(wanted, calls.per_second, now))
        }

        async fn set_rate_limits(&self, _: Option<&RateLimits>) -> Result<(), StoreError> {
            unreachable!("nobody sets limits")
        }

        async fn mark_request(
            &self,
            _: &SignedRequest,
            _: Timestamp,
            _: Timestamp,
        ) -> Result<bool, StoreError> {
            unreachable!("nobody marks requests")
        }

        async fn sweep_marks(&self, _: Timestamp, _: u32) -> Result<u64, StoreError> {
            unreachable!("nobody marks requests")
        }

        async fn change_faults(
            &self,
            _: FaultRule,
        ) -> Result<(bool, Vec<OrderedFault>), StoreError> {
            unreachable!("nobody orders faults")
        }
    }

    const RATE: NonZeroU32 = NonZeroU32::new(100).expect("not 0");

    async fn take(leases: &Leases, store: &Counting) -> Option<u32> {
        let counter = (CallerKind::Merchant, "get_card");
        let taken = leases.take(store, counter, "1", RATE).await;
        taken.expect("counted")
    }

    #[tokio::test(start_paused = true)]
    async fn an_even_pace_is_not_refused_after_a_burst() {
        let (leases, store) = (Leases::default(), Counting::new(Duration::ZERO));
        for left in (0..100).rev() {
            assert_eq!(take(&leases, &store).await, Some(left));
        }
        // One at first, and the more the faster they are used.
        let first = store.asked();
        assert_eq!(first[..5], [1, 2, 4, 8, 10]);
        for number in 0..300 {
            sleep(Duration::from_millis(10)).await;
            let taken = take(&leases, &store).await;
            assert!(taken.is_some(), "number {number} is refused");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_store_is_asked_seldom_however_often_it_is_called() {
        let (leases, store) = (Leases::default(), Counting::new(Duration::ZERO));
        let mut passed = 0;
        for _ in 0..3_000 {
            passed += u32::from(take(&leases, &store).await.is_some());
            sleep(Duration::from_millis(1)).await;
        }
        // A second's at once, and what has come back since, but for the last few.
        assert!((390..=400).contains(&passed), "{passed} in three seconds");
        let asked = store.asked().len();
        assert!(asked <= 14 + 3 * 20, "{asked} times in three seconds");
    }

    #[tokio::test(start_paused = true)]
    async fn many_at_once_ask_one_by_one_and_share() {
        let leases = Arc::new(Leases::default());
        let store = Arc::new(Counting::new(Duration::from_millis(2)));
        let mut taking = JoinSet::new();
        for _ in 0..100 {
            let (leases, store) = (Arc::clone(&leases), Arc::clone(&store));
            taking.spawn(async move { take(&leases, &store).await.is_some() });
        }
        // Nobody is refused what lies here, or there.
        assert!(taking.join_all().await.into_iter().all(|passes| passes));
        let asked = store.asked();
        assert_eq!(asked[..5], [1, 2, 4, 8, 10]);
        // What is kept for later is a tenth of a second's at most.
        assert!(asked.iter().sum::<u32>() < 110, "{asked:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_used_is_given_up() {
        let (leases, store) = (Leases::default(), Counting::new(Duration::ZERO));
        for _ in 0..4 {
            assert!(take(&leases, &store).await.is_some());
        }
        assert_eq!(store.asked(), [1, 2, 4]);
        sleep(LIFE).await;
        assert_eq!(take(&leases, &store).await, Some(99));
        assert_eq!(store.asked(), [1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_says_nothing_is_waited_for_once() {
        let (leases, takes) = (Arc::new(Leases::default()), Duration::from_secs(5));
        let store = Arc::new(Counting {
            is_away: true,
            ..Counting::new(takes)
        });
        let begin = Instant::now();
        let mut taking = JoinSet::new();
        for _ in 0..10 {
            let (leases, store) = (Arc::clone(&leases), Arc::clone(&store));
            let counter = (CallerKind::Merchant, "get_card");
            taking.spawn(async move { leases.take(&*store, counter, "1", RATE).await });
        }
        for taken in taking.join_all().await {
            assert_eq!(taken, Err(Refusal::unavailable()));
        }
        assert_eq!(begin.elapsed(), takes);
    }
}
