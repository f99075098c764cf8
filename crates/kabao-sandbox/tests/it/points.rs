//! The points that a merchant tells.

use serde_json::{Value, json};

use crate::{
    caller::{Caller, number, with, without},
    support::{Answer, CARD_ID, CODE, OPENID, Running},
};

fn balance(points: impl Into<Value>) -> Value {
    json!({
        "out_request_no": number(),
        "card_id": CARD_ID,
        "openid": OPENID,
        "user_card_code": CODE,
        "point_balance": points.into(),
    })
}

fn sync(caller: &Caller<'_>, form: Value) -> Answer {
    caller.post("user-points/sync", form)
}

/// The balance of the sample's card.
fn kept(running: &Running) -> Value {
    let balances = running.kept("point_balance");
    assert_eq!(balances.len(), 1, "{balances:?}");
    balances[0]["point_balance"].clone()
}

#[test]
fn a_balance_is_absolute_and_the_last_one_counts() {
    let running = Running::start();
    for caller in running.callers() {
        for points in [1000, 0, 9_007_199_254_740_993, i64::MAX, 7] {
            let form = balance(points);
            let expected = with(form.clone(), json!({"brand_id": "1004"}));
            assert_eq!(sync(&caller, form).ok(), expected);
            assert_eq!(kept(&running), points);
        }
    }
    assert_eq!(running.notified(), 0);
}

#[test]
fn what_a_balance_must_have_is_named() {
    let running = Running::start();
    for caller in running.callers() {
        let form = balance(1000);
        for name in form.as_object().unwrap().keys() {
            let at = format!("/{name}");
            sync(&caller, without(form.clone(), name)).blames(&at);
            for wrong in [json!(null), json!(""), json!(-1), json!(1.5)] {
                sync(&caller, with(form.clone(), json!({name: wrong}))).blames(&at);
            }
        }
        for wrong in [
            json!("1000"),
            json!(9_223_372_036_854_775_808_u64),
            json!(1e3),
        ] {
            sync(&caller, balance(wrong)).blames("/point_balance");
        }
        for (members, at) in [
            (
                json!({"out_request_no": "1".repeat(129)}),
                "/out_request_no",
            ),
            (json!({"out_request_no": "1004.1"}), "/out_request_no"),
            (json!({"user_card_code": "4 7"}), "/user_card_code"),
            // Shorter here than elsewhere.
            (json!({"brand_id": "1".repeat(17)}), "/brand_id"),
        ] {
            sync(&caller, with(form.clone(), members)).blames(at);
        }
    }
    let partner = running.partner();
    let target = partner.target("user-points/sync");
    partner
        .send("POST", &target, &balance(1).to_string())
        .blames("/brand_id");
    let answer = sync(
        &partner,
        with(balance(1), json!({"brand_id": "1".repeat(16)})),
    );
    answer.is_refused(403, "NO_AUTH");
    let longest = json!({"out_request_no": "1".repeat(128)});
    sync(&partner, with(balance(1), longest)).ok();
}

#[test]
fn a_balance_is_of_a_card_that_is_there() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    for caller in [&partner, &brand] {
        for other in [
            json!({"user_card_code": "1"}),
            json!({"card_id": "p-other"}),
            json!({"openid": "o-other"}),
        ] {
            let answer = sync(caller, with(balance(1), other));
            answer.is_refused(404, "RESOURCE_NOT_EXISTS");
        }
    }
    assert!(running.kept("point_balance").is_empty());
    running.freeze("2031-01-01T00:00:00+08:00");
    sync(&partner, balance(2)).ok();
    running
        .play(OPENID, "delete-card", json!({"card_id": CARD_ID}))
        .ok();
    for caller in [partner, brand] {
        sync(&caller, balance(3)).is_refused(400, "INVALID_REQUEST");
    }
    assert_eq!(kept(&running), 2);
}

#[test]
fn the_number_of_a_balance_counts_once() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    let old = balance(1000);
    let first = sync(&partner, old.clone()).ok();
    sync(&partner, balance(500)).ok();
    // A repeat that comes late does not bring the old balance back.
    assert_eq!(sync(&partner, old.clone()).ok(), first);
    assert_eq!(kept(&running), 500);
    let other = with(old.clone(), json!({"point_balance": 1001}));
    sync(&partner, other.clone()).is_refused(400, "INVALID_REQUEST");
    sync(&brand, other).ok();
    assert_eq!(kept(&running), 1001);
    // The number of a balance is no number of a line.
    let line = with(without(old, "point_balance"), json!({"cell": "1_1000"}));
    partner.post("user-feeds", line).ok();
}
