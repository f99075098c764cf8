//! A merchant's way from platform certificates to the WeChat Pay public key.

use std::sync::atomic::{AtomicU64, Ordering};

/// How far a merchant has come: which share of its notifications is signed with
/// the public key.
///
/// The real service lets the share grow over seven days, by chance. Here turns are
/// counted, so that of a thousand exactly as many are by public key as the share
/// says, evenly spread.
#[derive(Debug)]
pub struct Migration {
    thousandths: u16,
    turns: AtomicU64,
}

impl Migration {
    /// All of it, in thousandths.
    pub const WHOLE: u16 = 1000;

    /// A merchant that has come this far, in thousandths; more than
    /// [`WHOLE`](Self::WHOLE) is all.
    #[must_use]
    pub fn at(thousandths: u16) -> Self {
        Self {
            thousandths: thousandths.min(Self::WHOLE),
            turns: AtomicU64::new(0),
        }
    }

    /// A merchant that uses the public key alone.
    #[must_use]
    pub fn finished() -> Self {
        Self::at(Self::WHOLE)
    }

    /// A percentage in thousandths; `None` if it is none, or has more than one
    /// decimal.
    #[must_use]
    pub fn thousandths_of(percent: f64) -> Option<u16> {
        let thousandths = (0..=Self::WHOLE).find(|part| f64::from(*part) / 10.0 >= percent)?;
        let is_exact = (f64::from(thousandths) / 10.0 - percent).abs() < 1e-9;
        is_exact.then_some(thousandths)
    }

    /// How far it is, in percent.
    #[must_use]
    pub fn percent(&self) -> f64 {
        f64::from(self.thousandths) / 10.0
    }

    /// Whether the merchant uses certificates alone: naming the public key then
    /// has no effect.
    #[must_use]
    pub fn is_ahead(&self) -> bool {
        self.thousandths == 0
    }

    /// Whether the merchant uses the public key, and certificates only where it
    /// names them.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.thousandths == Self::WHOLE
    }

    /// Whether the next notification is signed with the public key.
    pub(super) fn takes_public_key(&self) -> bool {
        let whole = u64::from(Self::WHOLE);
        let share = u64::from(self.thousandths);
        if share == 0 || share == whole {
            return share == whole;
        }
        let turn = self.turns.fetch_add(1, Ordering::Relaxed) % whole;
        (turn + 1) * share / whole > turn * share / whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_thousand_as_many_as_the_share_says() {
        for thousandths in [0, 1, 10, 300, 500, 999, 1000] {
            let migration = Migration::at(thousandths);
            let count = || {
                let taken = (0..1000).filter(|_| migration.takes_public_key());
                taken.count()
            };
            assert_eq!(count(), usize::from(thousandths));
            assert_eq!(count(), usize::from(thousandths), "and again");
        }
        let migration = Migration::at(300);
        let of_a_hundred = (0..100).filter(|_| migration.takes_public_key());
        assert_eq!(of_a_hundred.count(), 30);
    }

    #[test]
    fn percentages_have_one_decimal() {
        for (percent, thousandths) in [(0.0, 0), (0.1, 1), (33.3, 333), (50.0, 500), (100.0, 1000)]
        {
            assert_eq!(Migration::thousandths_of(percent), Some(thousandths));
        }
        for percent in [-0.1, 0.05, 100.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Migration::thousandths_of(percent), None, "{percent}");
        }
    }
}
