//! `--valid permanent|30d|BEGIN..END`.

use kabao::core::card_member::ValidDateInformation;

use super::time;

/// Reads the value of `--valid`, for clap.
///
/// BEGIN and END are RFC 3339, or dates; see [`time`].
pub(crate) fn parse(text: &str) -> Result<ValidDateInformation, String> {
    let validity = if text.eq_ignore_ascii_case("permanent") {
        ValidDateInformation::permanent()
    } else if let Some((begin, end)) = text.split_once("..") {
        let wrong = |issue| format!("{issue}; {FORMS}");
        ValidDateInformation::range(
            time::begin(begin).map_err(wrong)?,
            time::end(end).map_err(wrong)?,
        )
    } else {
        ValidDateInformation::days(days(text).ok_or_else(|| FORMS.to_owned())?)
    };
    validity.check("").map_err(|error| error.issue)?;
    Ok(validity)
}

/// `30d`, `30days`, `30-days`.
fn days(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|character: char| !character.is_ascii_digit());
    matches!(
        &text[digits.len()..],
        "d" | "day" | "days" | "-day" | "-days"
    )
    .then(|| digits.parse().ok())
    .flatten()
}

const FORMS: &str = "write permanent, a number of days such as 30d, or BEGIN..END such as \
                     2026-01-01..2026-12-31 or 2026-01-01T08:00:00+08:00..2026-12-31T20:00:00+08:00";

#[cfg(test)]
mod tests {
    use super::*;
    use kabao::core::time::Time;

    fn range(text: &str) -> (String, String) {
        let validity = parse(text).expect(text);
        let side = |time: Option<Time>| time.expect("a range").as_str().to_owned();
        (
            side(validity.available_begin_time),
            side(validity.available_end_time),
        )
    }

    #[test]
    fn the_three_forms() {
        assert_eq!(parse("permanent"), Ok(ValidDateInformation::permanent()));
        for text in ["30d", "30days", "30-days"] {
            assert_eq!(parse(text), Ok(ValidDateInformation::days(30)), "{text}");
        }
        let (begin, end) = range("2026-01-01T08:00:00+08:00..2026-12-31T20:00:00Z");
        assert_eq!(begin, "2026-01-01T08:00:00+08:00");
        assert_eq!(end, "2026-12-31T20:00:00Z");
    }

    #[test]
    fn dates_mean_whole_days_in_china() {
        let (begin, end) = range("2026-01-01..2026-01-01");
        assert_eq!(begin, "2026-01-01T00:00:00.000+08:00");
        assert_eq!(end, "2026-01-01T23:59:59.999+08:00");
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_way_to_write_it() {
        for (text, wanted) in [
            ("", "permanent"),
            ("30", "30d"),
            ("d", "30d"),
            ("0d", "1 to 10958"),
            ("10959d", "1 to 10958"),
            ("-3d", "1 to 10958"),
            ("99999999999999999999d", "permanent"),
            ("soon..later", "`soon` is neither"),
            ("2026-02-30..2026-03-01", "`2026-02-30` is neither"),
            ("2026-01-02..2026-01-01", "after the beginning"),
            ("三十d", "permanent"),
        ] {
            let issue = parse(text).expect_err(text);
            assert!(issue.contains(wanted), "{text}: {issue}");
        }
    }
}
