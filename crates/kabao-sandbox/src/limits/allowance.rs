use std::{num::NonZeroU32, time::Duration};

pub(crate) const SECOND_US: i64 = 1_000_000;

/// What a caller has used of a rate. So many calls as the rate is may come at
/// once; each comes back after its share of a second, so that somebody who keeps
/// an even pace is never refused.
///
/// It is one number, in microseconds of real time: what lies beyond now is used,
/// what is within a second of now is free.
#[cfg(feature = "sqlite")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    pub(crate) used_until_us: i64,
}

/// What was taken of an allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// How many calls may be made.
    pub granted: u32,
    /// How many more could have been.
    pub left: u32,
    /// How long until there is another; zero if one is left.
    pub wait: Duration,
}

#[cfg(feature = "sqlite")]
impl Allowance {
    /// Nothing is used.
    pub(crate) const UNUSED: Self = Self {
        used_until_us: i64::MIN,
    };

    /// Takes up to `wanted` calls. PostgreSQL does the same in a statement of its
    /// own.
    pub(crate) fn take(&mut self, wanted: u32, per_second: NonZeroU32, now_us: i64) -> Taken {
        let (one, all) = shares(per_second);
        let end = now_us.saturating_add(all);
        // Another machine's clock may be ahead of this one; a clock that was put
        // back must not block for longer than that.
        let latest = end.saturating_add(SECOND_US);
        let used_until = self.used_until_us.clamp(now_us, latest);
        let available = ((end - used_until) / one).max(0);
        let granted = available.min(i64::from(wanted));
        self.used_until_us = used_until + granted * one;
        Taken::of(granted, self.used_until_us, per_second, now_us)
    }
}

impl Taken {
    /// What is to be said once so many were taken, and that was written.
    pub(crate) fn of(
        granted: i64,
        used_until_us: i64,
        per_second: NonZeroU32,
        now_us: i64,
    ) -> Self {
        let (one, all) = shares(per_second);
        let free = now_us.saturating_add(all).saturating_sub(used_until_us);
        let wait = match free < one {
            true => one - free,
            false => 0,
        };
        Self {
            granted: count(granted),
            left: count(free.max(0) / one),
            wait: Duration::from_micros(wait.unsigned_abs()),
        }
    }
}

/// What one call takes, and all of them, in microseconds.
pub(crate) fn shares(per_second: NonZeroU32) -> (i64, i64) {
    let one = (SECOND_US / i64::from(per_second.get())).max(1);
    (one, one * i64::from(per_second.get()))
}

/// At most the rate.
fn count(calls: i64) -> u32 {
    u32::try_from(calls).unwrap_or(u32::MAX)
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    fn rate(per_second: u32) -> NonZeroU32 {
        NonZeroU32::new(per_second).expect("a rate")
    }

    #[test]
    fn so_many_at_once_and_then_one_by_one() {
        let mut allowance = Allowance::UNUSED;
        let mut take = |now_us| allowance.take(1, rate(5), now_us);
        for left in (0..5).rev() {
            let taken = take(7);
            assert_eq!((taken.granted, taken.left), (1, left));
        }
        let refused = take(7);
        assert_eq!(refused.granted, 0);
        assert_eq!(refused.wait, Duration::from_millis(200));
        assert_eq!(take(7 + 199_999).granted, 0);
        assert_eq!(take(7 + 200_000).granted, 1);
        assert_eq!(take(7 + 200_000).granted, 0);
        // A long pause gives no more than a second's.
        let taken = take(60 * SECOND_US);
        assert_eq!((taken.granted, taken.left), (1, 4));
    }

    #[test]
    fn a_clock_that_is_behind_gives_nothing_back() {
        let mut allowance = Allowance::UNUSED;
        let _ = allowance.take(5, rate(5), SECOND_US);
        assert_eq!(allowance.take(5, rate(5), SECOND_US / 2).granted, 0);
        assert_eq!(allowance.take(5, rate(5), SECOND_US).granted, 0);
        // One that was put back by hours blocks for a moment and no longer.
        let mut allowance = Allowance::UNUSED;
        let _ = allowance.take(5, rate(5), 7200 * SECOND_US);
        assert_eq!(allowance.take(1, rate(5), 0).granted, 0);
        assert_eq!(allowance.take(5, rate(5), 2 * SECOND_US).granted, 5);
    }

    #[test]
    fn any_rate_and_any_time_are_counted() {
        const HOUR_US: i64 = 3600 * SECOND_US;
        for per_second in [1, 3, 7, 1_000_000, u32::MAX] {
            let mut allowance = Allowance::UNUSED;
            for now_us in [i64::MIN, 0, 2 * HOUR_US, i64::MAX - 2 * HOUR_US] {
                let taken = allowance.take(1, rate(per_second), now_us);
                assert_eq!(taken.granted, 1, "{per_second} at {now_us}");
            }
        }
    }
}
