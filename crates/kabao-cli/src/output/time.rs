//! Instants, spans and validity in words. Everything is Chinese time, as the
//! API writes it.

use jiff::{Timestamp, Unit, civil::DateTime, tz::Offset};
use kabao::core::{
    card_member::{UserCard, ValidDateInformation, ValidDateType},
    time::Time,
};

/// The present, for saying how much is left.
#[expect(clippy::disallowed_methods, reason = "this is the tool's clock module")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// `2020-05-20 13:29:35`; a text that is no instant stays as it is.
pub(crate) fn clock(time: &Time) -> String {
    time.instant()
        .map_or_else(|| time.as_str().to_owned(), clock_of)
}

/// A validity in words, and below it how much is left.
pub(crate) fn validity(
    validity: &ValidDateInformation,
    pickup: &Time,
    now: Timestamp,
) -> (String, Option<String>) {
    let end = pickup.instant().and_then(|pickup| validity.end(pickup));
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
            (range, left(begin.and_then(Time::instant), end, now))
        }
        ValidDateType::FixTerm => {
            let days = validity.available_day_after_receive.unwrap_or_default();
            let until = end.map_or_else(String::new, |end| format!(", until {}", clock_of(end)));
            let term = format!("{days} {} from pickup{until}", plural(days, "day"));
            (term, left(None, end, now))
        }
        other => (other.to_string(), None),
    }
}

/// Until when a card serves, in few words.
pub(crate) fn end<S>(card: &UserCard<S>) -> String {
    match (card.end(), &card.valid_date_information.kind) {
        (Some(end), _) => clock_of(end),
        (None, ValidDateType::Permanent) => "permanent".into(),
        (None, other) => other.to_string(),
    }
}

fn left(begin: Option<Timestamp>, end: Option<Timestamp>, now: Timestamp) -> Option<String> {
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
        let (main, note) = validity(given, &pickup, at(now));
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
