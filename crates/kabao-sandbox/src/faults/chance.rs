//! Chance that can be repeated.

use std::f64::consts::TAU;

/// A sequence of numbers that its seed determines. It tosses coins for tests
/// and guards no secret.
#[derive(Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number, evenly from 0 up to but not 1.
    pub(super) fn number(&mut self) -> f64 {
        const BITS: u32 = f64::MANTISSA_DIGITS;
        (self.word() >> (u64::BITS - BITS)) as f64 / (1_u64 << BITS) as f64
    }

    /// The next number of the bell curve with mean 0 and deviation 1 (Box and
    /// Muller's way).
    pub(super) fn normal(&mut self) -> f64 {
        // Away from 0, which has no logarithm.
        let radius = (-2.0 * (1.0 - self.number()).ln()).sqrt();
        radius * (TAU * self.number()).cos()
    }

    /// The generator known as SplitMix64: a counter, well stirred.
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let stirred = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let stirred = (stirred ^ (stirred >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        stirred ^ (stirred >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spread_as_they_should_be() {
        const MANY: usize = 10_000;
        let mut chance = Chance::new(1);
        let even: Vec<f64> = (0..MANY).map(|_| chance.number()).collect();
        assert!(even.iter().all(|number| (0.0..1.0).contains(number)));
        let mean = even.iter().sum::<f64>() / MANY as f64;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        let bell: Vec<f64> = (0..MANY).map(|_| chance.normal()).collect();
        let mean = bell.iter().sum::<f64>() / MANY as f64;
        let variance = bell.iter().map(|number| number * number).sum::<f64>() / MANY as f64;
        assert!(
            mean.abs() < 0.05 && (variance - 1.0).abs() < 0.1,
            "{mean} {variance}"
        );
    }
}
