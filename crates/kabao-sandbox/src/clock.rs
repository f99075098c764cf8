//! The two clocks. Signatures live in real time; business time (validity,
//! tokens, activities) can be moved by the control plane.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jiff::Timestamp;

use crate::store::ClockSetting;

/// Real time. The only place that asks the system for it.
#[expect(clippy::disallowed_methods, reason = "this is the clock module")]
pub(crate) fn real_now() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::try_from(UNIX_EPOCH + since_epoch).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Business time at a moment of real time.
pub(crate) fn business_time(setting: ClockSetting, real: Timestamp) -> Timestamp {
    let nanosecond = match setting {
        ClockSetting::Frozen { at, .. } => return at,
        ClockSetting::Running { offset_ms } => {
            real.as_nanosecond() + i128::from(offset_ms) * 1_000_000
        }
        ClockSetting::Sped { speed, since, at } => {
            at.as_nanosecond() + speed.business(real.as_nanosecond() - since.as_nanosecond())
        }
    };
    // Time ends, where it is moved beyond.
    let (earliest, latest) = (Timestamp::MIN, Timestamp::MAX);
    let nanosecond = nanosecond.clamp(earliest.as_nanosecond(), latest.as_nanosecond());
    Timestamp::from_nanosecond(nanosecond).unwrap_or(latest)
}

/// How far business time is ahead of real time, in milliseconds.
pub(crate) fn offset_ms(setting: ClockSetting, real: Timestamp) -> i64 {
    match setting {
        ClockSetting::Running { offset_ms } => offset_ms,
        ClockSetting::Sped { .. } | ClockSetting::Frozen { .. } => {
            business_time(setting, real).as_millisecond() - real.as_millisecond()
        }
    }
}

/// How long it really takes until business time is `then`; `None` if it stands
/// still.
pub(crate) fn real_wait(
    setting: ClockSetting,
    real: Timestamp,
    then: Timestamp,
) -> Option<Duration> {
    let speed = match setting {
        ClockSetting::Frozen { .. } => return None,
        ClockSetting::Running { .. } => Speed::REAL,
        ClockSetting::Sped { speed, .. } => speed,
    };
    let left = then.as_nanosecond() - business_time(setting, real).as_nanosecond();
    let wait = u64::try_from(speed.real(left.max(0))).unwrap_or(u64::MAX);
    Some(Duration::from_nanos(wait))
}

/// How fast business time runs, as a multiple of real time's pace: 60 is an hour
/// a minute.
///
/// ```
/// use kabao_sandbox::store::Speed;
///
/// assert_eq!(Speed::new(60.0).unwrap().times(), 60.0);
/// assert!(Speed::new(0.0).is_none());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speed {
    thousandths: u32,
}

impl Speed {
    /// That of real time.
    pub const REAL: Self = Self { thousandths: 1000 };

    /// The fastest: eleven days a second.
    pub const FASTEST: Self = Self {
        thousandths: 1_000_000_000,
    };

    /// So many times as fast as real time, to the thousandth; from 0.001 to
    /// 1,000,000.
    #[must_use]
    pub fn new(times: f64) -> Option<Self> {
        let thousandths = (times * 1000.0).round();
        let slowest_to_fastest = 1.0..=f64::from(Self::FASTEST.thousandths);
        slowest_to_fastest
            .contains(&thousandths)
            // In range, and whole.
            .then_some(Self {
                thousandths: thousandths as u32,
            })
    }

    /// How many times as fast as real time.
    #[must_use]
    pub fn times(self) -> f64 {
        f64::from(self.thousandths) / 1000.0
    }

    /// What passes of business time while so much passes of real time.
    fn business(self, real: i128) -> i128 {
        real * i128::from(self.thousandths) / 1000
    }

    /// The reverse, rounded up: by then it has passed.
    fn real(self, business: i128) -> i128 {
        let thousandths = i128::from(self.thousandths);
        (business * 1000 + thousandths - 1) / thousandths
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.times().fmt(f)
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let speed = text.parse().ok().and_then(Self::new);
        speed.ok_or_else(|| format!("`{text}` is not a speed from 0.001 to 1000000"))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn sped(times: f64) -> ClockSetting {
        ClockSetting::Sped {
            speed: Speed::new(times).expect("a speed"),
            since: at("2026-01-01T00:00:00Z"),
            at: at("2030-01-01T00:00:00Z"),
        }
    }

    #[test]
    fn an_hour_a_minute_and_a_minute_an_hour() {
        let a_minute_later = at("2026-01-01T00:01:00Z");
        let time = |times| business_time(sped(times), a_minute_later);
        assert_eq!(time(60.0), at("2030-01-01T01:00:00Z"));
        assert_eq!(time(0.5), at("2030-01-01T00:00:30Z"));
        let before = business_time(sped(60.0), at("2025-12-31T23:59:00Z"));
        assert_eq!(before, at("2029-12-31T23:00:00Z"));
        let four_years = 1461 * 86_400_000;
        assert_eq!(offset_ms(sped(1.0), a_minute_later), four_years);
        assert_eq!(
            offset_ms(sped(60.0), a_minute_later),
            four_years + 59 * 60_000
        );
    }

    #[test]
    fn time_has_an_end() {
        let fastest = Speed::FASTEST.times();
        let real = at("2126-01-01T00:00:00Z");
        assert_eq!(business_time(sped(fastest), real), Timestamp::MAX);
        assert_eq!(business_time(sped(fastest), Timestamp::MIN), Timestamp::MIN);
        for (offset_ms, end) in [(i64::MAX, Timestamp::MAX), (i64::MIN, Timestamp::MIN)] {
            assert_eq!(
                business_time(ClockSetting::Running { offset_ms }, real),
                end
            );
        }
    }

    #[test]
    fn waits_are_as_long_as_the_clock_is_slow() {
        let real = at("2026-01-01T00:00:00Z");
        let then = at("2030-01-01T00:01:00Z");
        assert_eq!(
            real_wait(sped(60.0), real, then),
            Some(Duration::from_secs(1))
        );
        assert_eq!(
            real_wait(sped(0.5), real, then),
            Some(Duration::from_secs(120))
        );
        assert_eq!(
            real_wait(ClockSetting::default(), real, at("2026-01-01T00:00:15Z")),
            Some(Duration::from_secs(15))
        );
        let past = at("2029-01-01T00:00:00Z");
        assert_eq!(real_wait(sped(60.0), real, past), Some(Duration::ZERO));
        let frozen = ClockSetting::Frozen {
            at: past,
            speed: Speed::REAL,
        };
        assert_eq!(real_wait(frozen, real, then), None);
        // Rounded up, so that it is due when one wakes.
        let wait = real_wait(sped(7.0), real, then).expect("it runs");
        let awake = real + SignedDuration::try_from(wait).expect("short");
        assert!(business_time(sped(7.0), awake) >= then);
    }

    #[test]
    fn speeds_have_bounds_and_a_text() {
        for (times, text) in [
            (60.0, "60"),
            (0.001, "0.001"),
            (1e6, "1000000"),
            (1.5, "1.5"),
        ] {
            let speed = Speed::new(times).expect(text);
            assert_eq!(speed.to_string(), text);
            assert_eq!(text.parse(), Ok(speed));
        }
        for wrong in [0.0, -1.0, 0.0001, 1_000_001.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Speed::new(wrong), None, "{wrong}");
        }
        assert!("fast".parse::<Speed>().is_err());
    }
}
