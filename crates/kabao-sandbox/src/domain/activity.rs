use jiff::Timestamp;
use kabao_core::time::Time;
use serde::{Deserialize, Serialize};

use crate::{refusal::Refusal, store::Workspace};

/// A coupon-for-joining activity as the sandbox keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The brand.
    pub brand_id: String,
    /// Its id: digits.
    pub activity_id: String,
    /// The template whose new members are given something.
    pub card_id: String,
    /// The merchant's request number.
    pub out_request_no: String,
    /// Where it shows.
    pub activity_channel: String,
    /// Main title.
    pub title: String,
    /// Sub title.
    pub sub_title: String,
    /// When it begins, as written.
    pub begin_time: Time,
    /// When it ends, as written.
    pub end_time: Time,
    /// How many new members may get the gift.
    pub apply_total: i64,
    /// How many are left.
    pub apply_available: i64,
    /// The gift.
    pub product_coupon_stock_list: Vec<Stock>,
    /// Whether it was ended by a call.
    pub terminated: bool,
    /// When it came to be.
    pub create_time: Time,
    /// When it was last changed.
    pub modify_time: Time,
}

/// A batch of product coupons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// The coupon.
    pub product_coupon_id: String,
    /// The batch.
    pub stock_id: String,
}

/// What can be changed about an activity: all of it at once.
#[derive(Debug, Clone)]
pub(crate) struct ActivityChange {
    pub(crate) title: String,
    pub(crate) sub_title: String,
    pub(crate) begin_time: Time,
    pub(crate) end_time: Time,
}

/// The activity that a request names.
pub(crate) fn known<'a>(
    workspace: &'a Workspace,
    activity_id: &str,
) -> Result<&'a Activity, Refusal> {
    workspace
        .activity(activity_id)
        .ok_or_else(|| Refusal::not_exists("活动不存在，请核对activity_id"))
}

/// Where an activity stands at some moment; all but the end by a call follows
/// from the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivityStage {
    /// It has not begun.
    Created,
    /// It runs.
    Effective,
    /// It was ended by a call.
    Terminated,
    /// Its time is over.
    Expired,
}

impl ActivityStage {
    /// Every stage.
    pub const ALL: [Self; 4] = [
        Self::Created,
        Self::Effective,
        Self::Terminated,
        Self::Expired,
    ];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "MEMBERSHIP_ACTIVITY_CREATED",
            Self::Effective => "MEMBERSHIP_ACTIVITY_EFFECTIVE",
            Self::Terminated => "MEMBERSHIP_ACTIVITY_TERMINATED",
            Self::Expired => "MEMBERSHIP_ACTIVITY_EXPIRED",
        }
    }
}

impl Activity {
    /// Where it stands at `now`, to the millisecond.
    #[must_use]
    pub fn stage_at(&self, now: Timestamp) -> ActivityStage {
        let now = now.as_millisecond();
        match (self.terminated, self.period_ms()) {
            (true, _) => ActivityStage::Terminated,
            (false, (_, end)) if end <= now => ActivityStage::Expired,
            (false, (begin, _)) if begin <= now => ActivityStage::Effective,
            (false, _) => ActivityStage::Created,
        }
    }

    /// Refuses a period that is upside down or over.
    pub(crate) fn check_period(&self, now: Timestamp) -> Result<(), Refusal> {
        let (begin, end) = self.period_ms();
        if begin >= end {
            return Err(Refusal::invalid_request("begin_time必须早于end_time"));
        }
        if end <= now.as_millisecond() {
            return Err(Refusal::invalid_request("end_time必须晚于当前时间"));
        }
        Ok(())
    }

    /// Takes other titles and another period while it is not over.
    pub(crate) fn change(&mut self, change: ActivityChange, now: Timestamp) -> Result<(), Refusal> {
        self.refuse_over(now)?;
        if self.terminated {
            return Err(Refusal::invalid_request("活动已终止，不能修改"));
        }
        self.title = change.title;
        self.sub_title = change.sub_title;
        self.begin_time = change.begin_time;
        self.end_time = change.end_time;
        self.modify_time = Time::at(now);
        self.check_period(now)
    }

    /// Ends it before its time; once is enough.
    pub(crate) fn terminate(&mut self, now: Timestamp) -> Result<(), Refusal> {
        if !self.terminated {
            self.refuse_over(now)?;
            self.terminated = true;
            self.modify_time = Time::at(now);
        }
        Ok(())
    }

    fn refuse_over(&self, now: Timestamp) -> Result<(), Refusal> {
        match self.stage_at(now) {
            ActivityStage::Expired => Err(Refusal::invalid_request("活动已结束")),
            _ => Ok(()),
        }
    }

    /// Begin and end in milliseconds since 1970.
    #[must_use]
    pub fn period_ms(&self) -> (i64, i64) {
        let ms = |time: &Time| time.instant().map_or(0, Timestamp::as_millisecond);
        (ms(&self.begin_time), ms(&self.end_time))
    }
}
