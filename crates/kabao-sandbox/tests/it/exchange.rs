//! Coupons for points: the merchant's answer.

use serde_json::{Value, json};

use crate::{
    caller::{Caller, text, with, without},
    support::{Answer, CARD_ID, CODE, OPENID, Running},
};

const ALLOW: &str = "POINT_EXCHANGE_COUPON_ALLOW";
const REJECT: &str = "POINT_EXCHANGE_COUPON_REJECT";
const SUCCESS: &str = "POINT_EXCHANGE_COUPON_SUCCESS";
const FAIL: &str = "POINT_EXCHANGE_COUPON_FAIL";

/// A member asks, and this is what the merchant has to name in its answer.
fn asked(running: &Running, more: Value) -> Value {
    let wish = with(json!({"card_id": CARD_ID}), more);
    let exchange = running.play(OPENID, "exchange-coupon", wish).ok()["exchange"].clone();
    json!({
        "record_id": exchange["record_id"],
        "exchange_coupon_template_id": exchange["exchange_coupon_template_id"],
        "card_id": CARD_ID,
        "openid": OPENID,
        "user_card_code": CODE,
    })
}

fn confirm(caller: &Caller<'_>, form: Value) -> Answer {
    caller.post("user-points/exchange-coupon/confirm", form)
}

#[test]
fn an_allowed_exchange_gives_a_coupon() {
    let running = Running::start();
    for caller in running.callers() {
        for members in [
            json!({"result": ALLOW}),
            json!({"result": ALLOW, "reject_reason": null}),
            json!({"state": SUCCESS}),
            json!({"result": ALLOW, "state": SUCCESS}),
        ] {
            let ids = asked(&running, json!({}));
            let answer = confirm(&caller, with(ids.clone(), members)).ok();
            let coupon_code = text(&answer["coupon_code"]);
            assert!(!coupon_code.is_empty());
            let expected = json!({
                "brand_id": "1004",
                "state": SUCCESS,
                "product_coupon_id": "200000001",
                "product_coupon_stock_type": "PRODUCT_COUPON_STOCK_TYPE_BUSI_FAVOR",
                "stock_id": "100232301",
                "coupon_code": coupon_code,
            });
            assert_eq!(answer, with(ids, expected));
        }
    }
}

#[test]
fn coupons_are_the_ones_that_were_asked_for() {
    let running = Running::start();
    let partner = running.partner();
    let wish = json!({
        "stock_id": "98065001",
        "product_coupon_id": "7011",
        "exchange_coupon_template_id": "OwnTemplate",
    });
    let ids = asked(&running, wish.clone());
    let answer = confirm(&partner, with(ids, json!({"result": ALLOW}))).ok();
    for (name, value) in wish.as_object().unwrap() {
        assert_eq!(answer[name], *value);
    }
    let other = confirm(
        &partner,
        with(asked(&running, json!({})), json!({"result": ALLOW})),
    );
    assert_ne!(other.ok()["coupon_code"], answer["coupon_code"]);
    // The older form names the coupon itself.
    let own = json!({"state": SUCCESS, "coupon_code": "123446565767"});
    let answer = confirm(&partner, with(asked(&running, json!({})), own)).ok();
    assert_eq!(answer["coupon_code"], "123446565767");
    let own = json!({"result": ALLOW, "coupon_code": "123446565767"});
    let answer = confirm(&partner, with(asked(&running, json!({})), own)).ok();
    assert_ne!(answer["coupon_code"], "123446565767");
}

#[test]
fn a_rejected_exchange_says_why() {
    let longest = "长".repeat(32);
    let forms = [
        (
            json!({"result": REJECT, "reject_reason": longest}),
            Some(&*longest),
        ),
        (
            json!({"state": FAIL, "fail_reason": "积分不足"}),
            Some("积分不足"),
        ),
        (json!({"state": FAIL}), None),
    ];
    for (running, older) in [
        (Running::start(), false),
        (Running::switched("exchange_fail_reason"), true),
    ] {
        for caller in running.callers() {
            for (members, reason) in &forms {
                let ids = asked(&running, json!({}));
                let answer = confirm(&caller, with(ids, members.clone())).ok();
                assert_eq!(answer["state"], FAIL);
                assert_eq!(answer["stock_id"], "100232301");
                assert_eq!(answer.get("coupon_code"), None);
                assert_eq!(answer["reject_reason"].as_str(), *reason);
                let told_twice = reason.filter(|_| older);
                assert_eq!(answer["fail_reason"].as_str(), told_twice, "{older}");
            }
        }
    }
}

#[test]
fn a_coupon_can_be_made_to_fail() {
    let running = Running::start();
    let partner = running.partner();
    let ids = asked(&running, json!({"fail": true}));
    let form = with(ids, json!({"result": ALLOW}));
    let answer = confirm(&partner, form.clone()).ok();
    assert_eq!(answer["state"], FAIL);
    assert_eq!(answer.get("coupon_code"), None);
    assert_eq!(confirm(&partner, form.clone()).ok(), answer);
    let answer = confirm(
        &partner,
        with(form, json!({"result": REJECT, "reject_reason": "x"})),
    );
    answer.is_refused(400, "INVALID_REQUEST");
}

#[test]
fn what_an_answer_must_have_is_named() {
    let running = Running::start();
    for caller in running.callers() {
        let ids = asked(&running, json!({}));
        for name in ids.as_object().unwrap().keys() {
            let at = format!("/{name}");
            let whole = with(ids.clone(), json!({"result": ALLOW}));
            confirm(&caller, without(whole.clone(), name)).blames(&at);
            for wrong in [json!(""), json!(7)] {
                confirm(&caller, with(whole.clone(), json!({name: wrong}))).blames(&at);
            }
        }
        for (members, at) in [
            (json!({}), "/result"),
            (json!({"result": null}), "/result"),
            (json!({"result": "ALLOW"}), "/result"),
            (json!({"result": SUCCESS}), "/result"),
            (json!({"result": 1}), "/result"),
            (json!({"state": ALLOW}), "/state"),
            (json!({"result": ALLOW, "state": FAIL}), "/state"),
            (json!({"result": REJECT}), "/reject_reason"),
            // Which belongs to the older form.
            (
                json!({"result": REJECT, "fail_reason": "积分不足"}),
                "/reject_reason",
            ),
            (
                json!({"result": REJECT, "reject_reason": ""}),
                "/reject_reason",
            ),
            (
                json!({"result": REJECT, "reject_reason": "长".repeat(33)}),
                "/reject_reason",
            ),
            (
                json!({"result": ALLOW, "record_id": "r".repeat(65)}),
                "/record_id",
            ),
            (
                json!({"result": ALLOW, "exchange_coupon_template_id": "t".repeat(33)}),
                "/exchange_coupon_template_id",
            ),
            (
                json!({"result": ALLOW, "brand_id": "1".repeat(17)}),
                "/brand_id",
            ),
        ] {
            confirm(&caller, with(ids.clone(), members)).blames(at);
        }
        // None of these was an answer.
        confirm(&caller, with(ids, json!({"result": ALLOW}))).ok();
    }
}

#[test]
fn an_exchange_is_known_by_all_its_ids() {
    let running = Running::start();
    for caller in running.callers() {
        let whole = with(asked(&running, json!({})), json!({"result": ALLOW}));
        for other in [
            json!({"record_id": "WfTb8hfabrPAiw"}),
            json!({"exchange_coupon_template_id": "other"}),
            json!({"card_id": "p-other"}),
            json!({"openid": "o-other"}),
            json!({"user_card_code": "1"}),
        ] {
            let answer = confirm(&caller, with(whole.clone(), other));
            answer.is_refused(404, "RESOURCE_NOT_EXISTS");
        }
        confirm(&caller, whole).ok();
    }
}

#[test]
fn an_answer_counts_once() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    let allow = json!({"result": ALLOW});
    let reject = json!({"result": REJECT, "reject_reason": "积分不足"});
    for (first, same, others) in [
        (
            allow.clone(),
            json!({"state": SUCCESS}),
            vec![
                reject.clone(),
                json!({"state": FAIL}),
                json!({"state": SUCCESS, "coupon_code": "1"}),
            ],
        ),
        (
            reject.clone(),
            json!({"state": FAIL, "fail_reason": "积分不足"}),
            vec![
                allow.clone(),
                json!({"result": REJECT, "reject_reason": "别的"}),
            ],
        ),
    ] {
        let ids = asked(&running, json!({}));
        let answer = confirm(&partner, with(ids.clone(), first.clone())).ok();
        for caller in [&partner, &brand] {
            for again in [&first, &same] {
                let again = confirm(caller, with(ids.clone(), again.clone()));
                assert_eq!(again.ok(), answer);
            }
            for other in &others {
                let other = confirm(caller, with(ids.clone(), other.clone()));
                other.is_refused(400, "INVALID_REQUEST");
            }
        }
    }
}
