use serde::Serialize;

use super::{
    Activity, ActivityChange, ActivityState, Listing, NewActivity, Page,
    page::listing,
    request::{self, BrandQuery, WithBrand, partner_only},
};
use crate::{
    call::{BuildError, Call, Method},
    field::{FieldError, at_most, one_of},
    operation::{Caller, Operation},
    sensitive::{Opener, Sealer},
};

/// Creates an activity: coupons for those who join through the component.
///
/// `POST …/membership-activities`: page 4016464918, service providers only; 5 a
/// second. The same `out_request_no` with the same content gives the same
/// activity again, so it may be repeated.
///
/// ```
/// use kabao_core::{card_member::{ActivityChannel, CreateActivity, NewActivity, ProductCouponStock},
///     operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let activity = NewActivity {
///     out_request_no: "1".into(),
///     card_id: "pbLatj".into(),
///     activity_channel: ActivityChannel::MerchantAppComponent,
///     title: "入会有礼".into(),
///     sub_title: "送券".into(),
///     begin_time: "2026-01-01T00:00:00.000+08:00".into(),
///     end_time: "2026-12-31T00:00:00.000+08:00".into(),
///     apply_total: 100,
///     product_coupon_stock_list: vec![ProductCouponStock::new("200000001", "100232301")],
/// };
/// let create = CreateActivity { activity };
/// assert!(create.call(&Caller::Partner { brand_id: "1004".into() }, wechatpay_public_key).is_ok());
/// // No brand page is known.
/// assert!(create.call(&Caller::Brand, wechatpay_public_key).is_err());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CreateActivity {
    /// The activity.
    pub activity: NewActivity,
}

impl Operation for CreateActivity {
    type Output = Activity;

    fn check(&self) -> Result<(), FieldError> {
        self.activity.check()
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        partner_only(caller, "create_membership_activity")?;
        Call::to(&caller.path("membership-activities"))
            .json(&WithBrand::new(caller, &self.activity))
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Activity, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

/// Lists activities, a page at a time.
///
/// `GET …/membership-activities`: page 4016588039, service providers only; 5 a
/// second.
///
/// ```
/// use kabao_core::{card_member::{ActivityState, ListActivities}, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let caller = Caller::Partner { brand_id: "1004".into() };
/// let list = ListActivities::new().activity_state(ActivityState::Effective);
/// let call = list.call(&caller, wechatpay_public_key)?;
/// assert_eq!(
///     call.reference,
///     "v3/brand/partner/card-member/membership-activities?brand_id=1004\
///      &activity_state=MEMBERSHIP_ACTIVITY_EFFECTIVE&offset=0&limit=20",
/// );
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListActivities {
    /// Only those of this template.
    pub card_id: Option<String>,
    /// Only those in this state.
    pub activity_state: Option<ActivityState>,
    /// How many rows to pass over.
    pub offset: u64,
    /// How many rows to give, 1 to 20.
    pub limit: u64,
}

impl ListActivities {
    /// The first page, as large as may be, of all activities.
    #[must_use]
    pub fn new() -> Self {
        Self {
            card_id: None,
            activity_state: None,
            offset: 0,
            limit: Page::<Activity>::MAX_LIMIT,
        }
    }

    request::setters! {
        /// Lists only those of this template.
        card_id: String;
        /// Lists only those in this state.
        activity_state: ActivityState;
    }
}

listing!(ListActivities, Activity);

impl Default for ListActivities {
    fn default() -> Self {
        Self::new()
    }
}

impl Operation for ListActivities {
    type Output = Page<Activity>;

    fn check(&self) -> Result<(), FieldError> {
        if let Some(card_id) = &self.card_id {
            at_most("card_id", card_id, 32)?;
        }
        if let Some(state) = &self.activity_state {
            one_of("activity_state", state.as_str(), ActivityState::KNOWN)?;
        }
        Self::Output::check_limit(self.limit)
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Query<'a> {
            brand_id: Option<&'a str>,
            card_id: Option<&'a str>,
            activity_state: Option<&'a str>,
            offset: u64,
            limit: u64,
        }
        partner_only(caller, "list_membership_activities")?;
        Call::to(&caller.path("membership-activities"))
            .query(&Query {
                brand_id: caller.brand_id(),
                card_id: self.card_id.as_deref(),
                activity_state: self.activity_state.as_ref().map(ActivityState::as_str),
                offset: self.offset,
                limit: self.limit,
            })
            .build(Method::Get)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Page<Activity>, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

/// Reads one activity.
///
/// `GET …/membership-activities/{activity_id}`: page 4016588015, service
/// providers only; 5 a second.
///
/// ```
/// use kabao_core::{card_member::GetActivity, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let caller = Caller::Partner { brand_id: "1004".into() };
/// let get = GetActivity { activity_id: "371067".into() };
/// let call = get.call(&caller, wechatpay_public_key)?;
/// assert_eq!(call.reference, "v3/brand/partner/card-member/membership-activities/371067?brand_id=1004");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetActivity {
    /// The activity's id, digits.
    pub activity_id: String,
}

impl Operation for GetActivity {
    type Output = Activity;

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        partner_only(caller, "get_membership_activity")?;
        Call::to(&caller.path("membership-activities/{activity_id}"))
            .param("activity_id", &self.activity_id)
            .query(&BrandQuery {
                brand_id: caller.brand_id(),
            })
            .build(Method::Get)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Activity, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

/// Changes an activity's titles and period. One that ended is refused (400
/// `INVALID_REQUEST`).
///
/// `PATCH …/membership-activities/{activity_id}`: page 4016588044, service
/// providers only; 5 a second. Setting values is repeatable.
///
/// ```
/// use kabao_core::{card_member::{ActivityChange, UpdateActivity}, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let caller = Caller::Partner { brand_id: "1004".into() };
/// let update = UpdateActivity {
///     activity_id: "371067".into(),
///     change: ActivityChange {
///         title: "入会享券".into(),
///         sub_title: "5张满减券".into(),
///         begin_time: "2030-01-20T13:29:35.120+08:00".into(),
///         end_time: "2030-01-31T13:29:35.120+08:00".into(),
///     },
/// };
/// let call = update.call(&caller, wechatpay_public_key)?;
/// assert_eq!(call.reference, "v3/brand/partner/card-member/membership-activities/371067");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateActivity {
    /// The activity's id, digits.
    pub activity_id: String,
    /// What it becomes.
    pub change: ActivityChange,
}

impl Operation for UpdateActivity {
    type Output = Activity;

    fn check(&self) -> Result<(), FieldError> {
        self.change.check()
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        partner_only(caller, "update_membership_activity")?;
        Call::to(&caller.path("membership-activities/{activity_id}"))
            .param("activity_id", &self.activity_id)
            .json(&WithBrand::new(caller, &self.change))
            .repeatable(true)
            .build(Method::Patch)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Activity, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

/// Terminates an activity: it no longer shows in the component, which itself
/// goes on working.
///
/// `POST …/membership-activities/{activity_id}/terminate`: page 4016588028,
/// service providers only. Repeating it changes nothing; one that expired is
/// refused (400 `INVALID_REQUEST`).
///
/// ```
/// use kabao_core::{card_member::TerminateActivity, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let caller = Caller::Partner { brand_id: "1004".into() };
/// let terminate = TerminateActivity { activity_id: "371067".into() };
/// let call = terminate.call(&caller, wechatpay_public_key)?;
/// assert_eq!(call.body.unwrap().bytes, r#"{"brand_id":"1004"}"#);
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminateActivity {
    /// The activity's id, digits.
    pub activity_id: String,
}

impl Operation for TerminateActivity {
    type Output = Activity;

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Nothing {}
        partner_only(caller, "terminate_membership_activity")?;
        Call::to(&caller.path("membership-activities/{activity_id}/terminate"))
            .param("activity_id", &self.activity_id)
            .json(&WithBrand::new(caller, Nothing {}))
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Activity, serde_json::Error> {
        serde_json::from_slice(body)
    }
}
