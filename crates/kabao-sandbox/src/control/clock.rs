//! `/_sandbox/clock`: the sandbox's business time.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use jiff::{SignedDuration, Timestamp};
use kabao_core::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Trouble, decimal, extract::Body};
use crate::{
    app::App,
    clock::{Speed, business_time, offset_ms, real_now},
    store::ClockSetting,
};

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/_sandbox/clock", get(show).put(set))
}

/// How the clock stands.
#[derive(Serialize)]
struct ClockState {
    now: String,
    offset_seconds: i64,
    frozen: bool,
    /// 1 in step with real time, 0 while it is frozen.
    speed: Value,
}

impl ClockState {
    fn of(setting: ClockSetting) -> Self {
        let real = real_now();
        let frozen = matches!(setting, ClockSetting::Frozen { .. });
        Self {
            now: Time::at(business_time(setting, real)).to_string(),
            offset_seconds: offset_ms(setting, real) / 1000,
            frozen,
            speed: match frozen {
                true => 0.into(),
                false => decimal(pace_of(setting).times()),
            },
        }
    }
}

async fn show(State(app): State<Arc<App>>) -> Result<Json<ClockState>, Trouble> {
    Ok(Json(ClockState::of(app.store.clock().await?)))
}

async fn set(
    State(app): State<Arc<App>>,
    Body(change): Body<ClockChange>,
) -> Result<Json<ClockState>, Trouble> {
    let changed = app
        .store
        .change_clock(|current| change.apply(current, real_now()));
    let setting = changed.await??;
    app.current.look().await?;
    app.notifier.wake();
    Ok(Json(ClockState::of(setting)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    now: Option<String>,
    offset_seconds: Option<i64>,
    frozen: Option<bool>,
    speed: Option<f64>,
}

impl ClockChange {
    fn apply(&self, current: ClockSetting, real: Timestamp) -> Result<ClockSetting, Trouble> {
        let at = self.shown(current, real)?;
        let speed = self.speed.map(parse_speed).transpose()?;
        // An offset from real time makes no sense on a clock that stands still,
        // nor does a speed.
        let is_moved = self.offset_seconds.is_some() || speed.is_some();
        let stays_frozen = !is_moved && matches!(current, ClockSetting::Frozen { .. });
        if self.frozen.unwrap_or(stays_frozen) {
            return match speed {
                Some(_) => Err(Trouble::param("speed: a frozen clock has none")),
                None => Ok(ClockSetting::Frozen {
                    at,
                    speed: pace_of(current),
                }),
            };
        }
        // Back to real time is back to its pace.
        let kept = match self.offset_seconds {
            None => pace_of(current),
            Some(_) => Speed::REAL,
        };
        let speed = speed.unwrap_or(kept);
        Ok(if speed == Speed::REAL {
            ClockSetting::Running {
                offset_ms: at.as_millisecond() - real.as_millisecond(),
            }
        } else {
            ClockSetting::Sped {
                speed,
                since: real,
                at,
            }
        })
    }

    /// What the clock shows from now on.
    fn shown(&self, current: ClockSetting, real: Timestamp) -> Result<Timestamp, Trouble> {
        match (&self.now, self.offset_seconds) {
            (Some(_), Some(_)) => Err(Trouble::param("give now or offset_seconds, not both")),
            (Some(text), None) => {
                let instant = Time::from(text.as_str()).instant();
                let instant = instant.ok_or_else(|| {
                    Trouble::param(format!(
                        "now: `{text}` is not RFC 3339, such as 2030-01-01T00:00:00+08:00"
                    ))
                })?;
                let at = Some(instant).filter(is_in_reach);
                at.ok_or_else(|| Trouble::param(format!("now: {text} is {OUT_OF_REACH}")))
            }
            (None, Some(seconds)) => shifted(real, seconds),
            (None, None) if self.frozen.is_some() || self.speed.is_some() => {
                Ok(business_time(current, real))
            }
            (None, None) => Err(Trouble::param("give now, offset_seconds, frozen or speed")),
        }
    }
}

fn shifted(real: Timestamp, seconds: i64) -> Result<Timestamp, Trouble> {
    let at = real.checked_add(SignedDuration::from_secs(seconds)).ok();
    at.filter(is_in_reach).ok_or_else(|| {
        Trouble::param(format!(
            "offset_seconds: {seconds} leads to what is {OUT_OF_REACH}"
        ))
    })
}

const OUT_OF_REACH: &str = "not between the years 1970 and 9000, which the clock can show";

/// Validity, leases and tokens reckon on from there, and must not reach the end of
/// time.
fn is_in_reach(at: &Timestamp) -> bool {
    /// The beginning of the year 9000.
    const END: Timestamp = Timestamp::constant(221_845_392_000, 0);
    (Timestamp::UNIX_EPOCH..END).contains(at)
}

fn parse_speed(times: f64) -> Result<Speed, Trouble> {
    Speed::new(times).ok_or_else(|| {
        Trouble::param(format!(
            "speed: {times} is not from 0.001 to 1000000; what stops the clock is frozen"
        ))
    })
}

/// How fast the clock runs, or ran before it was frozen.
fn pace_of(setting: ClockSetting) -> Speed {
    match setting {
        ClockSetting::Running { .. } => Speed::REAL,
        ClockSetting::Sped { speed, .. } | ClockSetting::Frozen { speed, .. } => speed,
    }
}
