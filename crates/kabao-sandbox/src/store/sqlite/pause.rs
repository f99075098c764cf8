//! Whether to wait a moment for changes that could share a sync.

use std::time::Duration;

/// How long: little beside what a request takes when many are in progress.
pub(super) const LENGTH: Duration = Duration::from_millis(1);

/// A change that comes so soon after the last ones were written is one of many.
/// Who writes alone through the API is busy with a signature for longer.
const SOON: Duration = Duration::from_micros(500);

/// Somebody who writes one change after the other, faster than the API could,
/// waits at one in so many at most.
const FEWEST: u32 = 64;

/// Learns from what waiting brought.
#[derive(Debug, Default)]
pub(super) struct Pause {
    /// How many that would have waited do not.
    skipped: u32,
    /// Of so many after a wait that brought nothing.
    skip: u32,
}

impl Pause {
    /// For what is written to no disk.
    pub(super) const NEVER: Self = Self {
        skipped: 0,
        skip: u32::MAX,
    };

    /// Whether to wait, if a change comes so long after the last ones were
    /// written.
    pub(super) fn pays(&mut self, after: Duration) -> bool {
        if after >= SOON {
            return false;
        }
        if self.skipped < self.skip {
            self.skipped += 1;
            return false;
        }
        true
    }

    /// What a wait brought.
    pub(super) fn brought(&mut self, changes: usize) {
        self.skipped = 0;
        self.skip = match changes {
            0 => (self.skip * 2 + 1).min(FEWEST),
            _ => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of 1,000 changes wait, if each comes `after` the last ones and a
    /// wait brings so many.
    fn waits(after: Duration, changes: usize) -> usize {
        let mut pause = Pause::default();
        let mut waits = 0;
        for _ in 0..1_000 {
            if pause.pays(after) {
                waits += 1;
                pause.brought(changes);
            }
        }
        waits
    }

    #[test]
    fn who_is_alone_waits_rarely_and_who_is_not_always() {
        assert_eq!(waits(Duration::from_millis(1), 0), 0, "one by one");
        assert_eq!(waits(Duration::ZERO, 3), 1_000, "many at once");
        assert!(waits(Duration::ZERO, 0) < 25, "in a loop");
    }

    #[test]
    fn company_is_noticed_again() {
        let mut pause = Pause::default();
        for _ in 0..1_000 {
            if pause.pays(Duration::ZERO) {
                pause.brought(0);
            }
        }
        let until = (0..).find(|_| pause.pays(Duration::ZERO));
        assert!(until <= Some(64), "{until:?}");
        pause.brought(1);
        assert!(pause.pays(Duration::ZERO));
    }
}
