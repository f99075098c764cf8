use serde::{Deserialize, Serialize};

use super::{
    UserCardKey,
    request::{WithBrand, required},
};
use crate::{
    call::{BuildError, Call, Method},
    extra::Extra,
    field::{FieldError, at_most, out_request_no},
    open_enum::open_enum,
    operation::{Caller, Operation},
    sensitive::{Opener, Sealer},
};

open_enum! {
    /// The merchant's answer to an exchange.
    pub enum ExchangeResult {
        /// The points were deducted: the coupon may be issued.
        Allow = "POINT_EXCHANGE_COUPON_ALLOW",
        /// No coupon.
        Reject = "POINT_EXCHANGE_COUPON_REJECT",
    }
}

open_enum! {
    /// What became of an exchange.
    pub enum ExchangeState {
        /// The coupon was issued.
        Success = "POINT_EXCHANGE_COUPON_SUCCESS",
        /// It was not: points that were deducted have to be given back.
        Fail = "POINT_EXCHANGE_COUPON_FAIL",
    }
}

/// The points that WeChat shows on a card. The merchant's system owns them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointBalance {
    /// The merchant's request number.
    pub out_request_no: String,
    /// The brand.
    pub brand_id: String,
    /// The card template.
    pub card_id: String,
    /// The user.
    pub openid: String,
    /// The card.
    pub user_card_code: String,
    /// The balance.
    pub point_balance: i64,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Reports a card's points: the balance itself, not a change.
///
/// `POST …/user-points/sync`: page 4015897280 for the service provider, 5 a
/// second; 4015897319 for the brand, 10 a second. Call it whenever the balance
/// changes and when a notification asks for it. The same `out_request_no` with
/// the same content gives the same answer again, so it may be repeated.
///
/// ```
/// use kabao_core::{card_member::SyncUserPoints, operation::{Caller, Operation}, PrivateKey, UserCardKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let sync = SyncUserPoints {
///     key: UserCardKey::new("478515832665", "pbLatj", "obLatj"),
///     out_request_no: "1".into(),
///     point_balance: 1000,
///     check: true,
/// };
/// let call = sync.call(&Caller::Brand, wechatpay_public_key)?;
/// assert_eq!(call.reference, "brand/card-member/user-points/sync");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncUserPoints {
    /// Whose card.
    pub key: UserCardKey,
    /// Your request number: unique, at most 128 of `0-9A-Za-z_-`.
    pub out_request_no: String,
    /// The balance.
    pub point_balance: i64,
    /// Whether members are checked before anything is sent.
    pub check: bool,
}

impl Operation for SyncUserPoints {
    type Output = PointBalance;

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Body<'a> {
            out_request_no: &'a str,
            card_id: &'a str,
            openid: &'a str,
            user_card_code: &'a str,
            point_balance: i64,
        }
        if self.check {
            out_request_no(&self.out_request_no, 128)?;
        }
        let body = Body {
            out_request_no: &self.out_request_no,
            card_id: &self.key.card_id,
            openid: &self.key.openid,
            user_card_code: &self.key.user_card_code,
            point_balance: self.point_balance,
        };
        Call::to(&caller.path("user-points/sync"))
            .json(&WithBrand::new(caller, body))
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<PointBalance, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

/// An exchange of points for a coupon, answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointExchange {
    /// The exchange.
    pub record_id: String,
    /// WeChat Pay's template of the exchange.
    pub exchange_coupon_template_id: String,
    /// The brand.
    pub brand_id: String,
    /// The card template.
    pub card_id: String,
    /// The user.
    pub openid: String,
    /// The card.
    pub user_card_code: String,
    /// What became of it.
    pub state: ExchangeState,
    /// The product coupon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_coupon_id: Option<String>,
    /// The kind of batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_coupon_stock_type: Option<String>,
    /// The batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stock_id: Option<String>,
    /// The coupon's code, if one was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon_code: Option<String>,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_reason: Option<String>,
    /// Why it failed; only older pages have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_reason: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Answers a user's wish to exchange points for a coupon. If the state of the
/// answer is `POINT_EXCHANGE_COUPON_FAIL`, give the points back.
///
/// `POST …/user-points/exchange-coupon/confirm`: page 4015897268 for the service
/// provider, 5 a second; 4015897310 for the brand. The same answer to the same
/// `record_id` gives the stored result, so it may be repeated; another answer is
/// refused (400 `INVALID_REQUEST`).
///
/// ```
/// use kabao_core::{card_member::{ConfirmPointExchange, ExchangeResult},
///     operation::{Caller, Operation}, PrivateKey, UserCardKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let confirm = ConfirmPointExchange {
///     key: UserCardKey::new("478515832665", "pbLatj", "obLatj"),
///     record_id: "WfTb8hfabrPAiw".into(),
///     exchange_coupon_template_id: "0Flpo7FqTQ".into(),
///     result: ExchangeResult::Reject,
///     reject_reason: None,
///     check: true,
/// };
/// let error = confirm.call(&Caller::Brand, wechatpay_public_key).unwrap_err();
/// assert!(error.to_string().contains("/reject_reason"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmPointExchange {
    /// Whose card.
    pub key: UserCardKey,
    /// The exchange, from the notification; at most 64 characters.
    pub record_id: String,
    /// From the notification; at most 32 characters.
    pub exchange_coupon_template_id: String,
    /// The answer.
    pub result: ExchangeResult,
    /// Why it is rejected, at most 32 characters; needed then.
    pub reject_reason: Option<String>,
    /// Whether members are checked before anything is sent.
    pub check: bool,
}

impl ConfirmPointExchange {
    fn check(&self) -> Result<(), FieldError> {
        required("/record_id", &self.record_id, 64)?;
        let template = &self.exchange_coupon_template_id;
        required("/exchange_coupon_template_id", template, 32)?;
        match (&self.result, &self.reject_reason) {
            (ExchangeResult::Reject, None) => {
                let issue = "needed to reject an exchange";
                Err(FieldError::new("/reject_reason", "", issue))
            }
            (_, Some(reason)) => at_most("/reject_reason", reason, 32),
            (_, None) => Ok(()),
        }
    }
}

impl Operation for ConfirmPointExchange {
    type Output = PointExchange;

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Body<'a> {
            record_id: &'a str,
            exchange_coupon_template_id: &'a str,
            card_id: &'a str,
            openid: &'a str,
            user_card_code: &'a str,
            result: &'a ExchangeResult,
            #[serde(skip_serializing_if = "Option::is_none")]
            reject_reason: Option<&'a str>,
        }
        if self.check {
            self.check()?;
        }
        let body = Body {
            record_id: &self.record_id,
            exchange_coupon_template_id: &self.exchange_coupon_template_id,
            card_id: &self.key.card_id,
            openid: &self.key.openid,
            user_card_code: &self.key.user_card_code,
            result: &self.result,
            reject_reason: self.reject_reason.as_deref(),
        };
        Call::to(&caller.path("user-points/exchange-coupon/confirm"))
            .json(&WithBrand::new(caller, body))
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<PointExchange, serde_json::Error> {
        serde_json::from_slice(body)
    }
}
