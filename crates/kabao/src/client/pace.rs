use std::{num::NonZeroU32, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

/// How late a timer may fire without a loss: the next one then waits less. The
/// interval is so much longer that no second gets one too many by it.
const SLACK: Duration = Duration::from_millis(5);

/// Lets so many requests a second go out, evenly spread, in the order in which
/// they came. It is never more in any one second, which servers count.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    /// When the next one may go. One waits for the clock, the others for this: a
    /// thousand waiters must not wake up for each request.
    next: Mutex<Instant>,
}

impl Pace {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self {
            interval: (Duration::from_secs(1) + SLACK) / per_second.get(),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Comes back when the next request may go.
    pub(crate) async fn wait(&self) {
        let mut next = self.next.lock().await;
        sleep_until(*next).await;
        let late = next.elapsed().saturating_sub(SLACK);
        *next += self.interval + late;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{advance, sleep};

    use super::*;

    async fn times(per_second: u32, count: usize) -> Vec<Instant> {
        let pace = Pace::new(NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN));
        let mut times = Vec::with_capacity(count);
        for _ in 0..count {
            pace.wait().await;
            times.push(Instant::now());
        }
        times
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_kept_and_not_lost() {
        let start = Instant::now();
        times(200, 100).await;
        let took = start.elapsed();
        assert!(took > Duration::from_millis(450), "{took:?}");
        assert!(took < Duration::from_millis(510), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn no_second_has_more_than_the_limit() {
        // As on a busy machine, where timers fire late.
        let stall = async {
            for _ in 0..10 {
                sleep(Duration::from_millis(190)).await;
                advance(Duration::from_millis(70)).await;
            }
        };
        let (one, five, many, ()) = tokio::join!(times(1, 3), times(5, 13), times(300, 700), stall);
        for (limit, times) in [(1, one), (5, five), (300, many)] {
            for (first, beyond) in times.iter().zip(&times[limit..]) {
                let apart = *beyond - *first;
                assert!(apart >= Duration::from_secs(1), "{limit}: {apart:?}");
            }
        }
    }
}
