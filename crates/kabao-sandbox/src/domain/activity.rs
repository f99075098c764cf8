use jiff::Timestamp;
use kabao_core::time::Time;
use serde::{Deserialize, Serialize};

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

    /// Begin and end in milliseconds since 1970.
    #[must_use]
    pub fn period_ms(&self) -> (i64, i64) {
        let ms = |time: &Time| time.instant().map_or(0, Timestamp::as_millisecond);
        (ms(&self.begin_time), ms(&self.end_time))
    }
}
