//! One at a time at something that many want done.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::refusal::Refusal;

/// Lets one at a time ask the store for what others may want, too, so that these
/// find it when their turn comes.
#[derive(Debug, Default)]
pub(crate) struct Turns(tokio::sync::Mutex<Option<Failed>>);

#[derive(Debug)]
struct Failed {
    at: Instant,
    refusal: Refusal,
}

impl Turns {
    /// Does it when it is this one's turn. Who waited while somebody failed has
    /// failed as well: a store that says nothing is waited for once, not by one
    /// after the other.
    pub(crate) async fn wait<T>(
        &self,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let came = Instant::now();
        let mut failed = self.0.lock().await;
        match &*failed {
            Some(Failed { at, refusal }) if *at >= came => Err(refusal.clone()),
            _ => work_on(&mut failed, work).await,
        }
    }

    /// Does it, unless somebody is at it just now.
    async fn unless_taken(
        &self,
        work: impl Future<Output = Result<(), Refusal>>,
    ) -> Result<(), Refusal> {
        match self.0.try_lock() {
            Ok(mut failed) => work_on(&mut failed, work).await,
            Err(_) => Ok(()),
        }
    }
}

async fn work_on<T>(
    failed: &mut Option<Failed>,
    work: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    let outcome = work.await;
    *failed = outcome.as_ref().err().map(|refusal| Failed {
        at: Instant::now(),
        refusal: refusal.clone(),
    });
    outcome
}

/// Looking at what others change: each look serves all who came before it began.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    turns: Turns,
    /// When the last one began that came to something.
    last: Mutex<Option<Instant>>,
}

/// How long a change by others may go unseen.
const LATELY: Duration = Duration::from_secs(1);

/// How long it may while somebody is looking.
const LONG_AGO: Duration = Duration::from_secs(2);

impl Looks {
    /// Looks, unless somebody has since then. As one looks after the other, what
    /// is seen never gives way to something older.
    pub(crate) async fn since(
        &self,
        then: Instant,
        look: impl Future<Output = Result<(), Refusal>>,
    ) -> Result<(), Refusal> {
        self.turns.wait(self.unless_since(then, look)).await
    }

    /// Looks, unless somebody has lately, or is at it: then what was seen before
    /// will do, if that is not long ago.
    pub(crate) async fn lately(
        &self,
        look: impl Future<Output = Result<(), Refusal>>,
    ) -> Result<(), Refusal> {
        let now = Instant::now();
        let age = self.last().map(|began| now.duration_since(began));
        if age.is_some_and(|age| age <= LATELY) {
            return Ok(());
        }
        let then = now.checked_sub(LATELY).unwrap_or(now);
        let look = self.unless_since(then, look);
        match age.is_some_and(|age| age <= LONG_AGO) {
            true => self.turns.unless_taken(look).await,
            false => self.turns.wait(look).await,
        }
    }

    async fn unless_since(
        &self,
        then: Instant,
        look: impl Future<Output = Result<(), Refusal>>,
    ) -> Result<(), Refusal> {
        if self.last().is_some_and(|began| began >= then) {
            return Ok(());
        }
        let begins = Instant::now();
        look.await?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(begins);
        Ok(())
    }

    fn last(&self) -> Option<Instant> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        iter,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use tokio::{join, task::JoinSet, time::sleep};

    use super::*;

    const LONG: Duration = Duration::from_secs(5);

    async fn failing(asked: &AtomicUsize) -> Result<(), Refusal> {
        asked.fetch_add(1, Ordering::Relaxed);
        sleep(LONG).await;
        Err(Refusal::unavailable())
    }

    #[tokio::test(start_paused = true)]
    async fn who_waited_for_one_who_failed_has_failed() {
        let (turns, asked, begin) = (Turns::default(), AtomicUsize::new(0), Instant::now());
        let outcomes = join!(
            turns.wait(failing(&asked)),
            turns.wait(failing(&asked)),
            turns.wait(failing(&asked)),
        );
        assert_eq!(outcomes.0, Err(Refusal::unavailable()));
        assert_eq!((&outcomes.1, &outcomes.2), (&outcomes.0, &outcomes.0));
        assert_eq!((asked.load(Ordering::Relaxed), begin.elapsed()), (1, LONG));
        // Who comes later tries again.
        sleep(Duration::from_millis(1)).await;
        assert_eq!(turns.wait(async { Ok(7) }).await, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn one_is_at_it_and_who_need_not_wait_goes_on() {
        let (turns, asked) = (Turns::default(), AtomicUsize::new(0));
        let at_it = async || {
            assert_eq!(asked.fetch_add(1, Ordering::Relaxed), 0, "two are at it");
            sleep(LONG).await;
            asked.store(0, Ordering::Relaxed);
            Ok(())
        };
        let goes_on = async {
            sleep(LONG / 2).await;
            let begin = Instant::now();
            let never = async { panic!("somebody is at it") };
            assert_eq!(turns.unless_taken(never).await, Ok(()));
            assert_eq!(begin.elapsed(), Duration::ZERO);
        };
        let outcomes = join!(turns.wait(at_it()), turns.wait(at_it()), goes_on);
        assert_eq!((outcomes.0, outcomes.1), (Ok(()), Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_away_leaves_the_turn_to_the_next() {
        let (turns, asked) = (Turns::default(), AtomicUsize::new(0));
        let gone = tokio::time::timeout(LONG / 2, turns.wait(failing(&asked)));
        let outcomes = join!(gone, turns.wait(async { Ok(7) }));
        assert!(outcomes.0.is_err());
        assert_eq!(outcomes.1, Ok(7));
    }

    #[derive(Debug, Default)]
    struct Watching {
        looks: Looks,
        begun: AtomicUsize,
        ended: AtomicUsize,
        there: AtomicUsize,
        seen: AtomicUsize,
    }

    impl Watching {
        async fn look(&self) -> Result<(), Refusal> {
            self.begun.fetch_add(1, Ordering::Relaxed);
            let there = self.there.load(Ordering::Relaxed);
            sleep(LONG).await;
            self.seen.store(there, Ordering::Relaxed);
            self.ended.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }

        async fn since_now(&self) -> Result<(), Refusal> {
            self.looks.since(Instant::now(), self.look()).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_come_at_once_share_a_look() {
        let watching = Arc::new(Watching::default());
        let mut coming: JoinSet<_> = iter::repeat_n(Arc::clone(&watching), 50)
            .map(|watching| async move { watching.since_now().await })
            .collect();
        sleep(LONG / 2).await;
        for watching in iter::repeat_n(&watching, 50) {
            let watching = Arc::clone(watching);
            coming.spawn(async move { watching.since_now().await });
        }
        assert!(coming.join_all().await.iter().all(Result::is_ok));
        // What began before they came may have missed what they came for.
        assert_eq!(watching.begun.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_seen_never_gives_way_to_something_older() {
        let watching = Watching::default();
        let change = async {
            sleep(LONG / 2).await;
            watching.there.store(1, Ordering::Relaxed);
            let quick = async {
                watching.seen.store(1, Ordering::Relaxed);
                Ok(())
            };
            watching.looks.since(Instant::now(), quick).await
        };
        let (looked, changed) = join!(watching.since_now(), change);
        assert_eq!((looked, changed), (Ok(()), Ok(())));
        assert_eq!(watching.seen.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn once_a_second_somebody_looks_and_nobody_waits_for_it() {
        let watching = Watching::default();
        let lately = async || {
            let begin = Instant::now();
            let looked = watching.looks.lately(watching.look()).await;
            assert_eq!(looked, Ok(()));
            begin.elapsed()
        };
        let quick = async || watching.looks.lately(async { Ok(()) }).await;
        assert_eq!(quick().await, Ok(()));
        sleep(LATELY).await;
        let never = async { panic!("there was one a second ago") };
        assert_eq!(watching.looks.lately(never).await, Ok(()));
        sleep(Duration::from_millis(1)).await;
        // Who comes first looks, and it takes so long that others wait in the end.
        let later = LONG_AGO - LATELY;
        let last = async {
            sleep(later).await;
            lately().await
        };
        let waited = join!(lately(), lately(), last);
        assert_eq!(waited, (LONG, Duration::ZERO, LONG - later));
        assert_eq!(watching.ended.load(Ordering::Relaxed), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_goes_on_with_what_was_seen_long_ago() {
        let watching = Watching::default();
        let lately = async |comes: Duration| {
            sleep(comes).await;
            let looked = watching.looks.lately(watching.look()).await;
            assert_eq!(looked, Ok(()));
            watching.seen.load(Ordering::Relaxed)
        };
        for pause in [Duration::ZERO, Duration::from_secs(600)] {
            sleep(pause).await;
            let there = watching.there.fetch_add(1, Ordering::Relaxed) + 1;
            let first = lately(Duration::ZERO);
            let [second, third] = [1, 900].map(|ms| lately(Duration::from_millis(ms)));
            assert_eq!(join!(first, second, third), (there, there, there));
        }
        assert_eq!(watching.ended.load(Ordering::Relaxed), 2);
    }
}
