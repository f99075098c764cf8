use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use crate::{
    extra::Extra,
    field::{FieldError, one_of},
    open_enum::open_enum,
    time::{Time, china_day, china_midnight},
};

open_enum! {
    /// How the validity of a card is given.
    pub enum ValidDateType {
        /// Between two instants.
        FixTimeRange = "FIX_TIME_RANGE",
        /// A number of natural days from pickup.
        FixTerm = "FIX_TERM",
        /// Without end.
        Permanent = "PERMANENT",
    }
}

/// `valid_date_information`: from when to when a card serves.
///
/// Members that the type does not use are kept and ignored, as the documented
/// samples send them all.
///
/// ```
/// use kabao_core::card_member::ValidDateInformation;
///
/// let validity = ValidDateInformation::days(30);
/// let pickup = "2026-01-01T23:00:00+08:00".parse()?;
/// // The pickup day is day 1; the end is the first instant after day 30.
/// assert_eq!(validity.end(pickup), Some("2026-01-31T00:00:00+08:00".parse()?));
/// # Ok::<(), jiff::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValidDateInformation {
    /// Which of the other members count.
    #[serde(rename = "type")]
    pub kind: ValidDateType,
    /// Beginning, for `FIX_TIME_RANGE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_begin_time: Option<Time>,
    /// End, for `FIX_TIME_RANGE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_end_time: Option<Time>,
    /// Natural days, 1 to 10958, for `FIX_TERM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_day_after_receive: Option<i64>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ValidDateInformation {
    /// The longest `FIX_TERM`, thirty years.
    pub const MAX_DAYS: i64 = 10_958;

    /// Without end.
    #[must_use]
    pub fn permanent() -> Self {
        Self::of(ValidDateType::Permanent)
    }

    /// Between two instants.
    pub fn range(begin: impl Into<Time>, end: impl Into<Time>) -> Self {
        Self {
            available_begin_time: Some(begin.into()),
            available_end_time: Some(end.into()),
            ..Self::of(ValidDateType::FixTimeRange)
        }
    }

    /// `days` natural days from pickup, 1 to [`MAX_DAYS`](Self::MAX_DAYS).
    #[must_use]
    pub fn days(days: i64) -> Self {
        Self {
            available_day_after_receive: Some(days),
            ..Self::of(ValidDateType::FixTerm)
        }
    }

    /// Whether the members that the type needs are there and make sense.
    ///
    /// # Errors
    /// [`FieldError`] with a pointer below `at`, such as
    /// `/valid_date_information`.
    pub fn check(&self, at: &str) -> Result<(), FieldError> {
        match &self.kind {
            ValidDateType::Permanent => Ok(()),
            ValidDateType::FixTerm => self.check_days(at),
            ValidDateType::FixTimeRange => self.check_range(at),
            ValidDateType::Unknown(name) => {
                one_of(&format!("{at}/type"), name, ValidDateType::KNOWN)
            }
        }
    }

    /// The first instant at which the card no longer serves; `None` if there is
    /// no end, or if the values do not say (see [`check`](Self::check)).
    #[must_use]
    pub fn end(&self, pickup: Timestamp) -> Option<Timestamp> {
        match self.kind {
            ValidDateType::FixTimeRange => self.available_end_time.as_ref()?.instant(),
            ValidDateType::FixTerm => {
                let days = self.available_day_after_receive?;
                let span = 0.days().try_days(days).ok()?;
                china_midnight(china_day(pickup).checked_add(span).ok()?)
            }
            ValidDateType::Permanent | ValidDateType::Unknown(_) => None,
        }
    }

    fn of(kind: ValidDateType) -> Self {
        Self {
            kind,
            available_begin_time: None,
            available_end_time: None,
            available_day_after_receive: None,
            extra: Extra::default(),
        }
    }

    fn check_days(&self, at: &str) -> Result<(), FieldError> {
        match self.available_day_after_receive {
            Some(1..=Self::MAX_DAYS) => Ok(()),
            other => Err(FieldError::new(
                format!("{at}/available_day_after_receive"),
                other.map_or_else(String::new, |days| days.to_string()),
                format!(
                    "FIX_TERM needs a number of days from 1 to {}",
                    Self::MAX_DAYS
                ),
            )),
        }
    }

    fn check_range(&self, at: &str) -> Result<(), FieldError> {
        let instant = |name: &str, time: &Option<Time>| {
            time.as_ref().and_then(Time::instant).ok_or_else(|| {
                FieldError::new(
                    format!("{at}/{name}"),
                    time.as_ref().map_or("", Time::as_str),
                    "FIX_TIME_RANGE needs RFC 3339, such as 2020-05-20T13:29:35.120+08:00",
                )
            })
        };
        let begin = instant("available_begin_time", &self.available_begin_time)?;
        let end = instant("available_end_time", &self.available_end_time)?;
        if begin < end {
            return Ok(());
        }
        Err(FieldError::new(
            format!("{at}/available_end_time"),
            self.available_end_time.as_ref().map_or("", Time::as_str),
            "the end lies after the beginning",
        ))
    }
}
