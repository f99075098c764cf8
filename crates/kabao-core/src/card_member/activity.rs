use serde::{Deserialize, Serialize};

use super::request::instant;
use crate::{
    extra::Extra,
    field::{FieldError, one_of, out_request_no, present, required},
    open_enum::open_enum,
    time::Time,
};

open_enum! {
    /// Where an activity shows.
    pub enum ActivityChannel {
        /// In the joining component, opened from the merchant's mini program or
        /// page. (The wire spells it so.)
        MerchantAppComponent = "MECHANT_APP_COMPONENT",
    }
}

open_enum! {
    /// Where an activity stands.
    pub enum ActivityState {
        /// Its beginning is ahead.
        Created = "MEMBERSHIP_ACTIVITY_CREATED",
        /// It runs.
        Effective = "MEMBERSHIP_ACTIVITY_EFFECTIVE",
        /// It was terminated.
        Terminated = "MEMBERSHIP_ACTIVITY_TERMINATED",
        /// Its end has passed.
        Expired = "MEMBERSHIP_ACTIVITY_EXPIRED",
    }
}

/// A batch of product coupons, given to a new member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProductCouponStock {
    /// The product coupon.
    pub product_coupon_id: String,
    /// The batch.
    pub stock_id: String,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ProductCouponStock {
    /// Names a batch.
    pub fn new(product_coupon_id: impl Into<String>, stock_id: impl Into<String>) -> Self {
        Self {
            product_coupon_id: product_coupon_id.into(),
            stock_id: stock_id.into(),
            extra: Extra::default(),
        }
    }

    fn check(&self, at: &str) -> Result<(), FieldError> {
        present(&format!("{at}/product_coupon_id"), &self.product_coupon_id)?;
        present(&format!("{at}/stock_id"), &self.stock_id)
    }
}

/// Coupons for joining.
///
/// It stands in the answers to the operations on `membership-activities`; page
/// 4016464918.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    /// The merchant's request number.
    pub out_request_no: String,
    /// The brand.
    pub brand_id: String,
    /// The card template.
    pub card_id: String,
    /// Where it shows.
    pub activity_channel: ActivityChannel,
    /// Main title.
    pub title: String,
    /// Sub title.
    pub sub_title: String,
    /// Beginning.
    pub begin_time: Time,
    /// End.
    pub end_time: Time,
    /// How many members can be given something in all.
    pub apply_total: i64,
    /// How many still can.
    pub apply_available: i64,
    /// What a new member is given.
    pub product_coupon_stock_list: Vec<ProductCouponStock>,
    /// The activity's id, digits.
    pub activity_id: String,
    /// Where it stands.
    pub activity_state: ActivityState,
    /// When it was created.
    pub create_time: Time,
    /// When it was last changed.
    pub modify_time: Time,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An activity to be created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewActivity {
    /// Your request number: unique, at most 128 of `0-9A-Za-z_-`.
    pub out_request_no: String,
    /// The card template, at most 32 characters.
    pub card_id: String,
    /// Where it shows.
    pub activity_channel: ActivityChannel,
    /// Main title, at most 128 characters.
    pub title: String,
    /// Sub title, at most 128 characters.
    pub sub_title: String,
    /// Beginning.
    pub begin_time: Time,
    /// End, after the beginning and ahead.
    pub end_time: Time,
    /// How many members can be given something; below the smallest available
    /// stock of the batches.
    pub apply_total: i64,
    /// What a new member is given.
    pub product_coupon_stock_list: Vec<ProductCouponStock>,
}

impl NewActivity {
    /// Whether every member has a form that is accepted.
    ///
    /// # Errors
    /// [`FieldError`] names the first one that has not.
    pub fn check(&self) -> Result<(), FieldError> {
        out_request_no(&self.out_request_no, 128)?;
        required("/card_id", &self.card_id, 32)?;
        let channel = self.activity_channel.as_str();
        one_of("/activity_channel", channel, ActivityChannel::KNOWN)?;
        check_period(
            &self.title,
            &self.sub_title,
            &self.begin_time,
            &self.end_time,
        )?;
        if self.apply_total < 1 {
            let issue = "a number above 0";
            let value = self.apply_total.to_string();
            return Err(FieldError::new("/apply_total", value, issue));
        }
        if self.product_coupon_stock_list.is_empty() {
            let issue = "at least one batch";
            return Err(FieldError::new("/product_coupon_stock_list", "", issue));
        }
        for (index, stock) in self.product_coupon_stock_list.iter().enumerate() {
            let at = format!("/product_coupon_stock_list/{index}");
            stock.check(&at)?;
        }
        Ok(())
    }
}

/// What an activity becomes: all four members are required.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActivityChange {
    /// Main title, at most 128 characters.
    pub title: String,
    /// Sub title, at most 128 characters.
    pub sub_title: String,
    /// Beginning.
    pub begin_time: Time,
    /// End.
    pub end_time: Time,
}

impl ActivityChange {
    /// Whether every member has a form that is accepted.
    ///
    /// # Errors
    /// [`FieldError`] names the first one that has not.
    pub fn check(&self) -> Result<(), FieldError> {
        check_period(
            &self.title,
            &self.sub_title,
            &self.begin_time,
            &self.end_time,
        )
    }
}

fn check_period(title: &str, sub_title: &str, begin: &Time, end: &Time) -> Result<(), FieldError> {
    required("/title", title, 128)?;
    required("/sub_title", sub_title, 128)?;
    if instant("/begin_time", begin)? < instant("/end_time", end)? {
        return Ok(());
    }
    let issue = "the end lies after the beginning";
    Err(FieldError::new("/end_time", end.as_str(), issue))
}
