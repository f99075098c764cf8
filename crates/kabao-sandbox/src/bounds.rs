//! How much a stranger may send, hold and take, and for how long, so that
//! memory is bounded whoever calls. `docs/security.md` has the figures.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError},
    time::Instant,
};

const KIB: usize = 1024;

/// Connections at once, unless the builder says otherwise.
pub(crate) const CONNECTIONS: usize = 10_000;

/// Connections beyond that which are told so. The others are only closed.
pub(crate) const TURNED_AWAY: usize = 64;

/// Request line and headers. A connection's buffers are no larger.
pub(crate) const HEAD: usize = 16 * KIB;

/// Path and query.
pub(crate) const TARGET: usize = 8 * KIB;

/// The body of a call. The largest documented form has a tenth.
pub(crate) const JSON: usize = 256 * KIB;

/// A body in parts. Pictures have up to 2 MiB, and those that are larger are to
/// get the documented refusal as long as they are not absurd.
pub(crate) const UPLOAD: usize = 4 * KIB * KIB;

/// The body of a control call, and a snapshot in either direction: fifty
/// thousand cards.
pub(crate) const CONTROL: usize = 32 * KIB * KIB;

/// All bodies that are held at once, and again all answers.
pub(crate) const HELD: usize = 64 * KIB * KIB;

/// What of each is not counted: ordinary calls pass while somebody fills the
/// rest, and connections are counted already.
const UNCOUNTED: usize = 8 * KIB;

/// Production closes a connection that idles this long. A head, or a handshake,
/// has no more time either.
pub(crate) const IDLE: Duration = Duration::from_secs(8);

/// How long a peer may keep the sandbox waiting for a body, or with an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What it has to send or take in a second so that it may go on.
const PACE: usize = 8 * KIB;

/// The longest that a body, or an answer, may take at any pace.
const LONGEST: Duration = Duration::from_secs(60);

/// How long a connection that was ended early stays, so that its peer can read
/// why.
pub(crate) const FAREWELL: Duration = Duration::from_secs(2);

/// How long a peer that moves bytes may go on.
#[derive(Debug)]
pub(crate) struct Pace {
    deadline: Instant,
    end: Instant,
}

impl Pace {
    /// It begins now.
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self {
            deadline: now + PATIENCE,
            end: now + LONGEST,
        }
    }

    /// By when it has to move something.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// It moved so many bytes. It may not save up time.
    pub(crate) fn moved(&mut self, bytes: usize) {
        let micros = bytes.saturating_mul(1_000_000) / PACE;
        let earned = Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX));
        let latest = self.end.min(Instant::now() + PATIENCE);
        let deadline = self.deadline.checked_add(earned);
        self.deadline = deadline.map_or(latest, |deadline| deadline.min(latest));
    }
}

/// Bytes that everybody together may have held.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

/// What one of them holds, until it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    held: Option<OwnedSemaphorePermit>,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(HELD)))
    }

    pub(crate) fn share(&self) -> Share {
        let budget = self.clone();
        Share { budget, held: None }
    }
}

impl Share {
    /// Whether it may be this large. One that alone is larger than the budget
    /// takes all of it.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> bool {
        let held = self.held.as_ref().map_or(0, |held| held.num_permits());
        let counted = bytes.saturating_sub(UNCOUNTED).min(HELD);
        let Some(more @ 1..) = counted.checked_sub(held) else {
            return true;
        };
        // The budget is smaller than that.
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        let granted = Arc::clone(&self.budget.0).try_acquire_many_owned(more);
        match (granted, &mut self.held) {
            (Ok(granted), Some(held)) => held.merge(granted),
            (Ok(granted), none) => *none = Some(granted),
            (Err(TryAcquireError::NoPermits | TryAcquireError::Closed), _) => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[test]
    fn shares_come_from_one_budget_and_go_back() {
        let budget = Budget::new();
        let mut large = budget.share();
        assert!(large.grow_to(HELD / 2) && large.grow_to(10) && large.grow_to(HELD));
        let mut other = budget.share();
        assert!(other.grow_to(2 * UNCOUNTED), "what was not counted is left");
        assert!(!other.grow_to(2 * UNCOUNTED + 1));
        assert!(budget.share().grow_to(UNCOUNTED), "that is never counted");
        drop(large);
        assert!(other.grow_to(HELD / 2));
        drop(other);
        assert!(budget.share().grow_to(usize::MAX), "all of it");
    }

    #[tokio::test(start_paused = true)]
    async fn time_is_earned_by_bytes_and_not_saved_up() {
        let mut pace = Pace::new();
        let begun = Instant::now();
        pace.moved(0);
        pace.moved(PACE);
        assert_eq!(pace.deadline(), begun + PATIENCE);
        advance(PATIENCE).await;
        for (bytes, more) in [(0, 0), (PACE, 1), (100 * PACE, 5), (usize::MAX, 5)] {
            pace.moved(bytes);
            assert_eq!(pace.deadline(), Instant::now() + Duration::from_secs(more));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_pace_has_an_end() {
        let mut pace = Pace::new();
        let begun = Instant::now();
        while Instant::now() < pace.deadline() && begun.elapsed() < 2 * LONGEST {
            advance(Duration::from_secs(1)).await;
            pace.moved(2 * PACE);
        }
        assert_eq!(begun.elapsed(), LONGEST);
    }
}
