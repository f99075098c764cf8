use std::num::NonZeroU32;

use governor::{
    DefaultDirectRateLimiter, Quota,
    clock::{Clock as _, DefaultClock},
};
use tokio::sync::Mutex;

/// Lets so many requests a second go out, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Pace {
    limiter: DefaultDirectRateLimiter,
    clock: DefaultClock,
    /// One waits for the clock, the others for their turn: a thousand waiters
    /// must not wake up for each request.
    turn: Mutex<()>,
}

impl Pace {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        // Evenly spread, since the server counts whole seconds. The small
        // allowance makes up for timers that fire late; without it each of them
        // would cost a little of the rate.
        let allowance = NonZeroU32::new(per_second.get() / 50)
            .map_or(NonZeroU32::MIN.saturating_add(1), |n| n.saturating_add(1));
        Self {
            limiter: DefaultDirectRateLimiter::direct(
                Quota::per_second(per_second).allow_burst(allowance),
            ),
            clock: DefaultClock::default(),
            turn: Mutex::new(()),
        }
    }

    /// Comes back when the next request may go.
    pub(crate) async fn wait(&self) {
        let _turn = self.turn.lock().await;
        while let Err(not_until) = self.limiter.check() {
            tokio::time::sleep(not_until.wait_time_from(self.clock.now())).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[tokio::test]
    async fn the_rate_is_kept_and_not_lost() {
        let pace = Pace::new(NonZeroU32::new(200).unwrap_or(NonZeroU32::MIN));
        let start = Instant::now();
        for _ in 0..100 {
            pace.wait().await;
        }
        let took = start.elapsed();
        assert!(took > Duration::from_millis(450), "{took:?}");
        assert!(took < Duration::from_millis(900), "{took:?}");
    }
}
