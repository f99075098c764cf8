use jiff::Timestamp;

use crate::{domain::Activity, store::Failure};

/// One row of `activities` beside its key.
pub(in crate::store) struct ActivityRow {
    pub(in crate::store) begin_ms: i64,
    pub(in crate::store) end_ms: i64,
    pub(in crate::store) create_ms: i64,
    pub(in crate::store) document: String,
}

impl ActivityRow {
    pub(in crate::store) fn of(activity: &Activity) -> Result<Self, Failure> {
        let (begin_ms, end_ms) = activity.period_ms();
        let create_time = activity.create_time.instant();
        Ok(Self {
            begin_ms,
            end_ms,
            create_ms: create_time.map_or(0, Timestamp::as_millisecond),
            document: serde_json::to_string(activity)?,
        })
    }

    /// The document says it all.
    pub(in crate::store) fn open(document: &str) -> Result<Activity, Failure> {
        Ok(serde_json::from_str(document)?)
    }
}
