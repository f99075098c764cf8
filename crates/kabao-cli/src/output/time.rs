//! Instants, spans and validity in words. Everything is Chinese time, as the
//! API writes it.

use jiff::{Timestamp, Unit, civil::DateTime, tz::Offset};
use kabao::core::{
    card_member::{ValidDateInformation, ValidDateType},
    time::Time,
};

/// This machine's present.
#[expect(clippy::disallowed_methods, reason = "this is the tool's clock module")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// `2020-05-20 13:29:35`; a text that is no instant stays as it is.
pub(crate) fn clock(time: &Time) -> String {
    time.instant()
        .map_or_else(|| time.as_str().to_owned(), clock_of)
}

/// A validity in words, and below it how much is left, if the present is known. A template's has no
/// pickup yet.
pub(crate) fn validity(
    validity: &ValidDateInformation,
    pickup: Option<&Time>,
    now: Option<Timestamp>,
) -> (String, Option<String>) {
    let end = end_of(validity, pickup);
    let begin = validity.available_begin_time.as_ref();
    match &validity.kind {
        ValidDateType::Permanent => ("permanent".into(), None),
        ValidDateType::FixTimeRange => {
            let side = |time: Option<&Time>| time.map_or_else(|| "?".into(), clock);
            let range = format!(
                "{} → {}",
                side(begin),
                side(validity.available_end_time.as_ref())
            );
            let begin = begin.and_then(Time::instant);
            (range, now.and_then(|now| left_of(begin, end, now)))
        }
        ValidDateType::FixTerm => {
            let until = end.map_or_else(String::new, |end| format!(", until {}", clock_of(end)));
            let term = format!("{} from pickup{until}", days(validity));
            (term, now.and_then(|now| left_of(None, end, now)))
        }
        other => (other.to_string(), None),
    }
}

/// Until when a card serves, in few words; a template's cards, how long.
pub(crate) fn end(validity: &ValidDateInformation, pickup: Option<&Time>) -> String {
    match (end_of(validity, pickup), &validity.kind) {
        (Some(end), _) => clock_of(end),
        (None, ValidDateType::Permanent) => "permanent".into(),
        (None, ValidDateType::FixTerm) => days(validity),
        (None, other) => other.to_string(),
    }
}

/// The same in still fewer: the day alone.
pub(crate) fn until(validity: &ValidDateInformation, pickup: Option<&Time>) -> String {
    let end = end(validity, pickup);
    match (end_of(validity, pickup), end.split_once(' ')) {
        (Some(_), Some((day, _))) => format!("until {day}"),
        _ => end,
    }
}

/// What is left until an end, or how long it is past; before the beginning, how
/// long until then.
pub(crate) fn left(begin: Option<&Time>, end: &Time, now: Timestamp) -> Option<String> {
    left_of(begin.and_then(Time::instant), end.instant(), now)
}

fn end_of(validity: &ValidDateInformation, pickup: Option<&Time>) -> Option<Timestamp> {
    match (&validity.kind, pickup) {
        // An end of its own, whenever the card was taken.
        (ValidDateType::FixTimeRange, None) => validity.available_end_time.as_ref()?.instant(),
        (_, pickup) => validity.end(pickup?.instant()?),
    }
}

fn days(validity: &ValidDateInformation) -> String {
    let days = validity.available_day_after_receive.unwrap_or_default();
    format!("{days} {}", plural(days, "day"))
}

fn left_of(begin: Option<Timestamp>, end: Option<Timestamp>, now: Timestamp) -> Option<String> {
    if let Some(begin) = begin.filter(|begin| *begin > now) {
        return Some(format!("begins in {}", distance(now, begin)));
    }
    let end = end?;
    Some(if end > now {
        format!("{} left", distance(now, end))
    } else {
        format!("ended {} ago", distance(end, now))
    })
}

/// The two largest units between two instants: `3 years 6 months`.
fn distance(from: Timestamp, to: Timestamp) -> String {
    let Ok(span) = china(from).until((Unit::Year, china(to))) else {
        return "a long time".into();
    };
    let units = [
        (i64::from(span.get_years()), "year"),
        (i64::from(span.get_months()), "month"),
        (i64::from(span.get_days()), "day"),
        (i64::from(span.get_hours()), "hour"),
        (span.get_minutes(), "minute"),
    ];
    let largest = units.iter().position(|(count, _)| *count > 0);
    let Some(largest) = largest else {
        return "less than a minute".into();
    };
    units[largest..]
        .iter()
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {}", plural(*count, unit)))
        .collect::<Vec<_>>()
        .join(" ")
}

fn clock_of(instant: Timestamp) -> String {
    china(instant).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// China has had no summer time since 1991.
fn china(instant: Timestamp) -> DateTime {
    Offset::constant(8).to_datetime(instant)
}

fn plural(count: i64, unit: &str) -> String {
    format!("{unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Time::from(text).instant().expect("RFC 3339")
    }

    fn words(given: &ValidDateInformation, now: &str) -> (String, String) {
        let pickup = Time::from("2020-05-20T13:29:35.120+08:00");
        let (main, note) = validity(given, Some(&pickup), Some(at(now)));
        (main, note.unwrap_or_default())
    }

    #[test]
    fn a_range_says_what_is_left() {
        let range = ValidDateInformation::range(
            "2020-05-20T13:29:35.120+08:00",
            "2030-05-20T13:29:35.120+08:00",
        );
        let (main, note) = words(&range, "2026-11-20T13:29:35.120+08:00");
        assert_eq!(main, "2020-05-20 13:29:35 → 2030-05-20 13:29:35");
        assert_eq!(note, "3 years 6 months left");
        let (_, note) = validity(&range, None, None);
        assert_eq!(note, None, "nobody knows what time it is");
        let (_, note) = words(&range, "2030-05-20T13:29:35.120+08:00");
        assert_eq!(note, "ended less than a minute ago");
        let (_, note) = words(&range, "2030-05-22T14:29:35.120+08:00");
        assert_eq!(note, "ended 2 days 1 hour ago");
        let (_, note) = words(&range, "2020-05-20T13:09:35.120+08:00");
        assert_eq!(note, "begins in 20 minutes");
    }

    #[test]
    fn a_term_says_until_when() {
        let (main, note) = words(&ValidDateInformation::days(1), "2020-05-20T23:00:00+08:00");
        assert_eq!(main, "1 day from pickup, until 2020-05-21 00:00:00");
        assert_eq!(note, "1 hour left");
    }

    #[test]
    fn a_template_has_no_pickup_yet() {
        let term = ValidDateInformation::days(200);
        let now = at("2026-01-01T00:00:00+08:00");
        let words = validity(&term, None, Some(now));
        assert_eq!(words, ("200 days from pickup".into(), None));
        assert_eq!(until(&term, None), "200 days");
        let range = ValidDateInformation::range(
            "2020-05-20T13:29:35.120+08:00",
            "2030-05-20T13:29:35.120+08:00",
        );
        assert_eq!(until(&range, None), "until 2030-05-20");
        assert_eq!(end(&ValidDateInformation::permanent(), None), "permanent");
    }

    #[test]
    fn permanent_needs_no_more_words() {
        let now = "2026-01-01T00:00:00+08:00";
        assert_eq!(
            words(&ValidDateInformation::permanent(), now).0,
            "permanent"
        );
    }

    #[test]
    fn an_instant_is_shown_in_chinese_time() {
        assert_eq!(
            clock(&Time::from("2020-05-20T05:29:35Z")),
            "2020-05-20 13:29:35"
        );
        assert_eq!(clock(&Time::from("soon")), "soon");
    }
}
