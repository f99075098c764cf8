//! The two clocks. Signatures live in real time; business time (validity,
//! tokens, activities) can be moved by the control plane.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::{SignedDuration, Timestamp};

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
    match setting {
        ClockSetting::Frozen { at } => at,
        ClockSetting::Running { offset_ms } => real
            .checked_add(SignedDuration::from_millis(offset_ms))
            .unwrap_or(real),
    }
}

/// How far business time is ahead of real time, in milliseconds.
pub(crate) fn offset_ms(setting: ClockSetting, real: Timestamp) -> i64 {
    match setting {
        ClockSetting::Running { offset_ms } => offset_ms,
        ClockSetting::Frozen { at } => at.as_millisecond() - real.as_millisecond(),
    }
}
