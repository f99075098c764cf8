//! Points: the balance that a merchant tells, and coupons for points.

use serde_json::{Value, json};

use super::{Context, Reply, members::Place};
use crate::{
    domain::{
        exchange::{self, Verdict},
        points,
    },
    random,
    refusal::Refusal,
    store::Needs,
};

const RESULTS: [&str; 2] = [
    "POINT_EXCHANGE_COUPON_ALLOW",
    "POINT_EXCHANGE_COUPON_REJECT",
];
const STATES: [&str; 2] = [
    "POINT_EXCHANGE_COUPON_SUCCESS",
    "POINT_EXCHANGE_COUPON_FAIL",
];

/// How long a brand's id may be here; elsewhere it is 32.
const BRAND_ID: usize = 16;

/// `POST …/user-points/sync`.
pub(crate) async fn sync(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.short_brand_id(BRAND_ID)?;
    let key = cx.key()?;
    let out_request_no = cx.members.out_request_no(128)?;
    let out_request_no = out_request_no.ok_or_else(|| Refusal::missing("out_request_no"))?;
    let balance = cx.members.integer("point_balance", 0..=i64::MAX)?;
    let content = (&key.card_id, &key.user_card_code, &key.openid, balance);
    let number = cx.request_number("sync_user_points", &out_request_no, &content);
    let answer = json!({
        "out_request_no": out_request_no,
        "brand_id": brand_id,
        "card_id": key.card_id,
        "openid": key.openid,
        "user_card_code": key.user_card_code,
        "point_balance": balance,
    });
    let needs = points::needed(number.needed(Needs::of(brand_id)), &key);
    let done = cx.decide(needs, move |workspace, now| {
        number.once(workspace, |workspace| {
            points::sync(workspace, &key, balance, now)
        })
    });
    done.await?;
    Ok(Reply::ok(&answer))
}

/// `POST …/user-points/exchange-coupon/confirm`.
pub(crate) async fn confirm_exchange(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.short_brand_id(BRAND_ID)?;
    let record_id = cx.members.text("record_id", 64)?;
    let offered = cx.members.text("exchange_coupon_template_id", 32)?;
    let key = cx.key()?;
    let verdict = verdict(&cx)?;
    let coupon_code = random::card_code();
    let needs = Needs::of(&*brand_id).record::<exchange::Exchange>(&*record_id);
    let of = key.clone();
    let outcome = cx.decide(needs, move |workspace, _| {
        exchange::answer(workspace, &record_id, &offered, &of, &verdict, &coupon_code)
    });
    let (asked, answered) = outcome.await?;
    let mut answer = json!({
        "record_id": asked.record_id,
        "exchange_coupon_template_id": asked.exchange_coupon_template_id,
        "brand_id": brand_id,
        "card_id": key.card_id,
        "openid": key.openid,
        "user_card_code": key.user_card_code,
        "state": answered.state(),
        "product_coupon_id": asked.product_coupon_id,
        "product_coupon_stock_type": asked.product_coupon_stock_type,
        "stock_id": asked.stock_id,
    });
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            answer[name] = Value::String(value);
        }
    };
    put("coupon_code", answered.coupon_code);
    if cx.app.switches.exchange_fail_reason {
        put("fail_reason", answered.reject_reason.clone());
    }
    put("reject_reason", answered.reject_reason);
    Ok(Reply::ok(&answer))
}

/// `result` and `reject_reason`, or in the older form `state` with `coupon_code`
/// or `fail_reason`.
fn verdict(cx: &Context<'_>) -> Result<Verdict, Refusal> {
    let members = &cx.members;
    let result = members.one_of("result", &RESULTS)?;
    let state = members.one_of("state", &STATES)?;
    let allows = |given: &str| given == RESULTS[0] || given == STATES[0];
    if let (Some(result), Some(state)) = (result, state)
        && allows(result) != allows(state)
    {
        return Err(Place::Body.blame("state", state, format!("与result不一致：{result}")));
    }
    let given = result.or(state).ok_or_else(|| Refusal::missing("result"))?;
    if allows(given) {
        let coupon_code = match result {
            Some(_) => None,
            None => members.optional_text("coupon_code", 64)?,
        };
        return Ok(Verdict::Allow { coupon_code });
    }
    let reason = members.optional_text("reject_reason", 32)?;
    match (reason, result) {
        (None, Some(_)) => Err(Refusal::missing("reject_reason")),
        (None, None) => Ok(Verdict::Reject {
            reason: members.optional_text("fail_reason", 32)?,
        }),
        (reason, _) => Ok(Verdict::Reject { reason }),
    }
}
