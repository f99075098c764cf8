//! `kabao sandbox clock`: the sandbox's business time.

use clap::Subcommand;
use jiff::{Span, Timestamp};
use kabao::core::time::Time;
use kabao_sandbox::store::Speed;
use serde_json::{Value, json};

use crate::{
    commands::time,
    output::{members, printer::Printer},
    problem::Problem,
    steering::{Aim, Steering},
};

/// What to do with the clock. Signatures stay on real time.
#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Show the time.
    Show,
    /// Set it; it goes on from there at its pace, or stands there if it is frozen.
    Set {
        /// RFC 3339, such as 2030-01-01T08:00:00+08:00; or a day, which begins in
        /// Chinese time.
        #[arg(value_parser = time::begin)]
        time: Time,
    },
    /// Let time pass.
    Advance {
        /// Such as 30d, 12h or 1h30m; a day has 24 hours.
        #[arg(value_parser = seconds)]
        span: i64,
    },
    /// Let it run faster or slower from where it stands, until it is set to
    /// another speed, frozen or reset.
    Speed {
        /// A multiple of real time's pace, from 0.001 to 1000000: 60 is an hour a
        /// minute.
        #[arg(value_name = "TIMES")]
        speed: Speed,
    },
    /// Stop the clock.
    Freeze,
    /// Let the clock run on from where it stands, as fast as before it was
    /// frozen.
    Run,
    /// Go back to real time.
    Reset,
}

impl ClockCommand {
    pub(crate) async fn run(self, aim: Aim<'_>, printer: &Printer) -> Result<(), Problem> {
        let outcome = Steering::with(aim, printer, async |steering| {
            let control = &steering.control;
            let setting = match self {
                Self::Show => return control.get("clock").await,
                Self::Set { time } => json!({"now": time.as_str()}),
                Self::Advance { span } => {
                    let clock = control.get("clock").await?;
                    later(&clock, span)?
                }
                Self::Speed { speed } => json!({"speed": speed.times()}),
                Self::Freeze => json!({"frozen": true}),
                Self::Run => json!({"frozen": false}),
                Self::Reset => json!({"offset_seconds": 0, "frozen": false}),
            };
            control.put("clock", &setting).await
        });
        members::show(&outcome.await?, None, printer)
    }
}

/// The setting that moves a clock on. One that runs in step with real time moves
/// by its offset, so that nothing is lost on the way; the others keep their pace.
fn later(clock: &Value, seconds: i64) -> Result<Value, Problem> {
    let unreadable = || Problem::refused("the sandbox's clock cannot be read");
    let too_far = || Problem::new("that is too far away");
    if clock.get("speed").and_then(Value::as_f64) == Some(1.0) {
        let offset = clock.get("offset_seconds").and_then(Value::as_i64);
        let moved = offset.ok_or_else(unreadable)?.checked_add(seconds);
        return Ok(json!({"offset_seconds": moved.ok_or_else(too_far)?}));
    }
    let now = clock.get("now").and_then(Value::as_str);
    let now: Timestamp = now
        .and_then(|now| now.parse().ok())
        .ok_or_else(unreadable)?;
    let span = Span::new().try_seconds(seconds);
    let moved = span.and_then(|span| now.checked_add(span));
    Ok(json!({"now": moved.map_err(|_| too_far())?.to_string()}))
}

pub(super) fn seconds(text: &str) -> Result<i64, String> {
    // A month or a year has no length of its own.
    let length = |span: Span| {
        let days = jiff::SpanRelativeTo::days_are_24_hours();
        span.total((jiff::Unit::Second, days)).ok()
    };
    let seconds = text.parse().ok().and_then(length);
    let seconds = seconds.ok_or("write days, hours, minutes and seconds: 30d, 12h, 1h30m, 45s")?;
    Ok(seconds.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_units() {
        assert_eq!(seconds("30d"), Ok(30 * 86_400));
        assert_eq!(seconds("1h30m"), Ok(5400));
        assert_eq!(seconds("-2h"), Ok(-7200));
        for text in ["", "30", "soon", "1mo", "1y"] {
            assert!(seconds(text).expect_err(text).contains("30d"));
        }
    }

    #[test]
    fn time_passes_from_where_the_clock_stands() {
        let running = json!({"now": "x", "offset_seconds": 5, "frozen": false, "speed": 1});
        let moved = later(&running, 60).expect("moved");
        assert_eq!(moved, json!({"offset_seconds": 65}));
        let now = "2026-01-01T00:00:00.000+08:00";
        let frozen = json!({"now": now, "offset_seconds": 5, "frozen": true, "speed": 0});
        let sped = json!({"now": now, "offset_seconds": 5, "frozen": false, "speed": 60});
        for clock in [&frozen, &sped] {
            let moved = later(clock, 86_400).expect("moved");
            assert_eq!(moved, json!({"now": "2026-01-01T16:00:00Z"}));
        }
        for clock in [&running, &frozen, &sped] {
            assert!(later(clock, i64::MAX).is_err());
        }
        assert!(later(&Value::Null, 1).is_err());
    }
}
