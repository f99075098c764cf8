//! A coupon for points: a user asks, the merchant allows or rejects.

use jiff::Timestamp;
use kabao_core::{UserCardKey, card_member::PointCoupon, extra::Extra, time::Time};
use serde::{Deserialize, Serialize};

use crate::{
    refusal::Refusal,
    store::{Kept, Workspace},
};

/// One exchange.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Exchange {
    pub(crate) asked: PointCoupon,
    /// Whether issuing the coupon is to fail.
    coupon_fails: bool,
    pub(crate) answered: Option<Answered>,
    create_time: Time,
}

/// What the merchant answered, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub(crate) verdict: Verdict,
    /// The coupon, if one was issued.
    pub(crate) coupon_code: Option<String>,
    /// Why not, if none was.
    pub(crate) reject_reason: Option<String>,
}

/// What a merchant can answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verdict {
    /// The points are deducted. The older form names the coupon itself.
    Allow { coupon_code: Option<String> },
    /// They are not, and why.
    Reject { reason: Option<String> },
}

impl Kept for Exchange {
    const KIND: &'static str = "exchange";

    fn id(&self) -> String {
        self.asked.record_id.clone()
    }
}

impl Answered {
    /// The state on the wire.
    pub(crate) fn state(&self) -> &'static str {
        match self.coupon_code {
            Some(_) => "POINT_EXCHANGE_COUPON_SUCCESS",
            None => "POINT_EXCHANGE_COUPON_FAIL",
        }
    }
}

/// What a user asks for.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) card_id: String,
    pub(crate) openid: String,
    pub(crate) record_id: String,
    pub(crate) exchange_coupon_template_id: String,
    pub(crate) deduct_points: u64,
    pub(crate) product_coupon_id: String,
    pub(crate) product_coupon_stock_type: String,
    pub(crate) stock_id: String,
    /// Whether issuing the coupon is to fail, though the merchant allows it.
    pub(crate) coupon_fails: bool,
}

/// A user with a card in force asks for a coupon.
pub(crate) fn ask(
    workspace: &mut Workspace,
    wish: &Wish,
    now: Timestamp,
) -> Result<PointCoupon, Refusal> {
    let card = super::user_card::in_force(workspace, &wish.card_id, &wish.openid, now)?;
    let user_card_code = card.id.user_card_code.clone();
    let template = super::card::known(workspace, &wish.card_id)?;
    let asked = PointCoupon {
        record_id: wish.record_id.clone(),
        brand_id: workspace.brand_id().to_owned(),
        card_id: wish.card_id.clone(),
        appid: Some(template.card.appid.clone()),
        openid: wish.openid.clone(),
        user_card_code,
        exchange_coupon_template_id: wish.exchange_coupon_template_id.clone(),
        deduct_points: wish.deduct_points,
        product_coupon_id: Some(wish.product_coupon_id.clone()),
        product_coupon_stock_type: Some(wish.product_coupon_stock_type.clone()),
        stock_id: wish.stock_id.clone(),
        extra: Extra::default(),
    };
    workspace.put_record(&Exchange {
        asked: asked.clone(),
        coupon_fails: wish.coupon_fails,
        answered: None,
        create_time: Time::at(now),
    })?;
    Ok(asked)
}

/// The merchant answers; `coupon_code` is for the coupon that may be issued. The
/// same answer again gives the same result.
pub(crate) fn answer(
    workspace: &mut Workspace,
    record_id: &str,
    exchange_coupon_template_id: &str,
    of: &UserCardKey,
    verdict: &Verdict,
    coupon_code: &str,
) -> Result<(PointCoupon, Answered), Refusal> {
    let exchange = workspace
        .record::<Exchange>(record_id)?
        .filter(|exchange| {
            let asked = &exchange.asked;
            asked.exchange_coupon_template_id == exchange_coupon_template_id
                && asked.card_id == of.card_id
                && asked.openid == of.openid
                && asked.user_card_code == of.user_card_code
        })
        .ok_or_else(|| {
            Refusal::not_exists("积分兑换记录不存在，请核对record_id与通知中的各项参数")
        })?;
    if let Some(answered) = exchange.answered {
        return match answered.verdict == *verdict {
            true => Ok((exchange.asked, answered)),
            false => Err(Refusal::invalid_request(
                "该积分兑换已确认过，且结果与本次不一致",
            )),
        };
    }
    let answered = settle(verdict, exchange.coupon_fails, coupon_code);
    workspace.put_record(&Exchange {
        answered: Some(answered.clone()),
        ..exchange.clone()
    })?;
    Ok((exchange.asked, answered))
}

fn settle(verdict: &Verdict, coupon_fails: bool, coupon_code: &str) -> Answered {
    let (coupon_code, reject_reason) = match verdict {
        Verdict::Reject { reason } => (None, reason.clone()),
        Verdict::Allow { .. } if coupon_fails => (None, Some("优惠券发放失败".to_owned())),
        Verdict::Allow { coupon_code: own } => {
            let issued = own.clone().unwrap_or_else(|| coupon_code.to_owned());
            (Some(issued), None)
        }
    };
    Answered {
        verdict: verdict.clone(),
        coupon_code,
        reject_reason,
    }
}
