//! Instants as the API writes them.

use std::fmt;

use jiff::{
    Timestamp,
    civil::Date,
    fmt::temporal::DateTimePrinter,
    tz::{Offset, TimeZone},
};
use serde::{Deserialize, Serialize};

/// RFC 3339 with an offset, kept exactly as written.
///
/// The pages write `2020-05-20T13:29:35+08:00`, samples carry milliseconds;
/// both are read. The sandbox writes milliseconds and `+08:00`.
///
/// ```
/// use kabao_core::time::Time;
///
/// let time = Time::from("2020-05-20T13:29:35.120+08:00");
/// assert_eq!(time.instant().unwrap().as_second(), 1_589_952_575);
/// assert_eq!(Time::at(time.instant().unwrap()), time);
/// assert!(Time::from("yesterday").instant().is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(String);

impl Time {
    /// Writes an instant with milliseconds in Chinese time.
    #[must_use]
    pub fn at(instant: Timestamp) -> Self {
        Self::printed(instant, 3)
    }

    /// Writes an instant in whole seconds in Chinese time, as certificate lists
    /// and notifications have it.
    #[must_use]
    pub fn seconds(instant: Timestamp) -> Self {
        Self::printed(instant, 0)
    }

    fn printed(instant: Timestamp, digits: u8) -> Self {
        let printer = DateTimePrinter::new().precision(Some(digits));
        Self(printer.timestamp_with_offset_to_string(&instant, CHINA))
    }

    /// The text on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The instant, or `None` if the text is not RFC 3339, or before the year 0
    /// in China, which could not be written.
    #[must_use]
    pub fn instant(&self) -> Option<Timestamp> {
        if !is_rfc3339(&self.0) {
            return None;
        }
        // People write 9999-12-31 for ever; it lies just beyond what is counted.
        let for_ever = self.0.starts_with("9999-12-3");
        self.0
            .parse::<Timestamp>()
            .ok()
            .or(for_ever.then_some(Timestamp::MAX))
            .filter(|instant| *instant >= FIRST)
    }
}

impl From<&str> for Time {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Time {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Timestamp> for Time {
    fn from(instant: Timestamp) -> Self {
        Self::at(instant)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The day on which an instant falls in Chinese time.
pub(crate) fn china_day(instant: Timestamp) -> Date {
    instant.to_zoned_datetime(china()).date()
}

/// When a day begins in Chinese time.
pub(crate) fn china_midnight(day: Date) -> Option<Timestamp> {
    day.to_zoned_datetime(china())
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// 0000-01-01T00:00:00+08:00.
const FIRST: Timestamp = Timestamp::constant(-62_167_248_000, 0);

/// China has had one offset and no summer time since 1991.
const CHINA: Offset = Offset::constant(8);

fn china() -> TimeZone {
    TimeZone::fixed(CHINA)
}

/// The shape alone; the parser behind it would also take other ISO 8601 forms.
fn is_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((head, tail)) = bytes.split_at_checked(19) else {
        return false;
    };
    let shape = b"0000-00-00T00:00:00";
    let head_fits = head.iter().zip(shape).all(|(byte, form)| match form {
        b'0' => byte.is_ascii_digit(),
        other => byte == other,
    });
    let zone = match tail {
        [b'.', fraction @ ..] => {
            let digits = fraction
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if digits == 0 {
                return false;
            }
            &fraction[digits..]
        }
        other => other,
    };
    let zone_fits = match zone {
        [b'Z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    };
    head_fits && zone_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_cut_not_rounded() {
        for (instant, at, seconds) in [
            (
                "2020-05-20T05:29:35Z",
                "2020-05-20T13:29:35.000+08:00",
                "2020-05-20T13:29:35+08:00",
            ),
            (
                "2020-12-31T23:59:59.999999Z",
                "2021-01-01T07:59:59.999+08:00",
                "2021-01-01T07:59:59+08:00",
            ),
        ] {
            let instant = instant.parse().expect("an instant");
            assert_eq!(Time::at(instant).as_str(), at);
            assert_eq!(Time::seconds(instant).as_str(), seconds);
        }
    }

    #[test]
    fn only_rfc_3339_is_an_instant() {
        for good in [
            "2015-05-20T13:29:35+08:00",
            "2015-05-20T13:29:35Z",
            "2015-05-20T13:29:35.1-00:30",
            "9999-12-31T23:59:59+08:00",
            "0000-01-01T00:00:00+08:00",
        ] {
            let instant = Time::from(good).instant().expect(good);
            assert!(Time::at(instant).instant().is_some(), "{good}");
        }
        for bad in [
            "2015-05-20 13:29:35+08:00",
            "2015-05-20T13:29:35",
            "2015-05-20T13:29:35.+08:00",
            "2015-13-20T13:29:35+08:00",
            "2015-05-20T13:29:35+0800",
            "0000-01-01T00:00:00+08:01",
            "",
        ] {
            assert!(Time::from(bad).instant().is_none(), "{bad}");
        }
    }
}
