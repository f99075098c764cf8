use serde::{Deserialize, Serialize};

use super::{PointCoupon, UserCardKey, request::WithBrand};
use crate::{
    call::{BuildError, Call, Method},
    extra::Extra,
    field::{FieldError, at_most, one_of, out_request_no, required},
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
}

impl Operation for SyncUserPoints {
    type Output = PointBalance;

    fn check(&self) -> Result<(), FieldError> {
        self.key.check()?;
        out_request_no(&self.out_request_no, 128)
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Body<'a> {
            out_request_no: &'a str,
            card_id: &'a str,
            openid: &'a str,
            user_card_code: &'a str,
            point_balance: i64,
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
/// use kabao_core::card_member::{ConfirmPointExchange, PointCoupon};
///
/// /// Answers a notification, of which `balance` is what the user has.
/// fn answer(wish: &PointCoupon, balance: u64) -> ConfirmPointExchange {
///     if wish.deduct_points <= balance {
///         ConfirmPointExchange::allow(wish)
///     } else {
///         ConfirmPointExchange::reject(wish, "积分不足")
///     }
/// }
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
}

impl ConfirmPointExchange {
    /// Lets the coupon be issued: the points were deducted.
    #[must_use]
    pub fn allow(wish: &PointCoupon) -> Self {
        Self {
            key: wish.key(),
            record_id: wish.record_id.clone(),
            exchange_coupon_template_id: wish.exchange_coupon_template_id.clone(),
            result: ExchangeResult::Allow,
            reject_reason: None,
        }
    }

    /// Refuses the coupon, for a reason of at most 32 characters.
    pub fn reject(wish: &PointCoupon, reason: impl Into<String>) -> Self {
        Self {
            result: ExchangeResult::Reject,
            reject_reason: Some(reason.into()),
            ..Self::allow(wish)
        }
    }
}

impl Operation for ConfirmPointExchange {
    type Output = PointExchange;

    fn check(&self) -> Result<(), FieldError> {
        self.key.check()?;
        required("/record_id", &self.record_id, 64)?;
        let template = &self.exchange_coupon_template_id;
        required("/exchange_coupon_template_id", template, 32)?;
        one_of("/result", self.result.as_str(), ExchangeResult::KNOWN)?;
        let reason = self.reject_reason.as_deref().unwrap_or_default();
        if self.result == ExchangeResult::Reject && reason.is_empty() {
            let issue = "needed to reject an exchange";
            return Err(FieldError::new("/reject_reason", "", issue));
        }
        at_most("/reject_reason", reason, 32)
    }

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_notification_is_enough_to_answer_it() {
        let wish: PointCoupon = serde_json::from_value(serde_json::json!({
            "record_id": "WfTb8hfabrPAiw", "exchange_coupon_template_id": "0Flpo7FqTQ",
            "brand_id": "1004", "card_id": "pbLatj", "openid": "obLatj",
            "user_card_code": "478515832665", "deduct_points": 1000, "stock_id": "100232301",
        }))
        .unwrap();
        let allow = ConfirmPointExchange::allow(&wish);
        let expected = ConfirmPointExchange {
            key: UserCardKey::new("478515832665", "pbLatj", "obLatj"),
            record_id: "WfTb8hfabrPAiw".into(),
            exchange_coupon_template_id: "0Flpo7FqTQ".into(),
            result: ExchangeResult::Allow,
            reject_reason: None,
        };
        assert_eq!(allow, expected);
        let reject = ConfirmPointExchange::reject(&wish, "积分不足");
        let expected = ConfirmPointExchange {
            result: ExchangeResult::Reject,
            reject_reason: Some("积分不足".into()),
            ..expected
        };
        assert_eq!(reject, expected);
        assert_eq!((allow.check(), reject.check()), (Ok(()), Ok(())));
    }
}
