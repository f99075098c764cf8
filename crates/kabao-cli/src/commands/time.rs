//! Instants on the command line: RFC 3339, or dates, which mean whole days in
//! Chinese time.

use jiff::civil::Date;
use kabao::core::time::Time;

/// When something begins, for clap; of a day its first moment.
pub(crate) fn begin(text: &str) -> Result<Time, String> {
    instant(text, "00:00:00.000")
}

/// When something ends, for clap; of a day its last moment.
pub(crate) fn end(text: &str) -> Result<Time, String> {
    instant(text, "23:59:59.999")
}

fn instant(text: &str, time_of_day: &str) -> Result<Time, String> {
    if text.len() == 10 && text.parse::<Date>().is_ok() {
        return Ok(format!("{text}T{time_of_day}+08:00").into());
    }
    let time = Time::from(text);
    match time.instant() {
        Some(_) => Ok(time),
        None => Err(format!(
            "`{text}` is neither RFC 3339, such as 2026-01-01T08:00:00+08:00, nor a date, such \
             as 2026-01-01"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_whole_day_in_china() {
        let day = "2026-01-01";
        assert_eq!(begin(day), Ok("2026-01-01T00:00:00.000+08:00".into()));
        assert_eq!(end(day), Ok("2026-01-01T23:59:59.999+08:00".into()));
        let instant = "2026-12-31T20:00:00Z";
        assert_eq!(end(instant), Ok(instant.into()));
        for wrong in ["", "soon", "2026-02-30", "2026-01-01 08:00"] {
            assert!(begin(wrong).is_err_and(|issue| issue.contains("RFC 3339")));
        }
    }
}
