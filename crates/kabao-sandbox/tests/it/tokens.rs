//! Tokens for the front end: what they open, for whom, and how long.

use serde_json::{Value, json};

use crate::{
    caller::{Caller, text, with, without},
    support::{Answer, CARD_ID, OPENID, Running},
};

const NOON: &str = "2026-01-01T12:00:00+08:00";

/// One, for a user who is no member yet.
fn token(caller: &Caller<'_>, tail: &str) -> Value {
    caller
        .post(tail, json!({"card_id": CARD_ID, "openid": "o-1"}))
        .ok()
}

fn join(running: &Running, openid: &str, token: &Value) -> Answer {
    running.play(openid, "join", json!({"card_id": CARD_ID, "token": token}))
}

fn pay(running: &Running, openid: &str, token: &Value) -> Answer {
    let body = json!({"card_id": CARD_ID, "token": token});
    running.play(openid, "show-pay-code", body)
}

#[test]
fn a_token_is_short_and_says_when_it_ends() {
    let running = Running::start();
    running.freeze(NOON);
    let [partner, brand] = running.callers();
    let mut seen = std::collections::HashSet::new();
    for (caller, tail, expires) in [
        (&partner, "pre-auth-tokens", "2026-01-01T13:00:00.000+08:00"),
        (
            &partner,
            "open-user-card-tokens",
            "2026-01-01T13:00:00.000+08:00",
        ),
        (&brand, "pre-auth-tokens", "2026-01-01T13:00:00.000+08:00"),
        (&partner, "pay-view-tokens", "2026-01-01T12:10:00.000+08:00"),
        (&partner, "pay-view-tokens", "2026-01-01T12:10:00.000+08:00"),
    ] {
        let given = token(caller, tail);
        let text = text(&given["token"]);
        assert!((1..=32).contains(&text.len()), "{text}");
        assert_eq!(given, json!({"token": text, "expire_time": expires}));
        assert!(seen.insert(text), "a token is given once");
    }
}

#[test]
fn what_a_token_is_for_is_named() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    let form = json!({"card_id": CARD_ID, "openid": OPENID});
    for (caller, tail) in [
        (&partner, "pre-auth-tokens"),
        (&partner, "open-user-card-tokens"),
        (&partner, "pay-view-tokens"),
        (&brand, "pre-auth-tokens"),
    ] {
        for (name, limit) in [("card_id", 32), ("openid", 128)] {
            let at = format!("/{name}");
            caller.post(tail, without(form.clone(), name)).blames(&at);
            for wrong in [json!(""), json!(7), json!("x".repeat(limit + 1))] {
                let form = with(form.clone(), json!({name: wrong}));
                caller.post(tail, form).blames(&at);
            }
        }
        let longest = with(form.clone(), json!({"openid": "o".repeat(128)}));
        caller.post(tail, longest).ok();
        let unknown = with(form.clone(), json!({"card_id": "p".repeat(32)}));
        let answer = caller.post(tail, unknown);
        answer.is_refused(404, "RESOURCE_NOT_EXISTS");
        if caller.is_partner() {
            let target = caller.target(tail);
            caller
                .send("POST", &target, &form.to_string())
                .blames("/brand_id");
        }
    }
    for tail in ["pay-view-tokens", "open-user-card-tokens"] {
        brand.post(tail, form.clone()).is_refused(404, "NOT_FOUND");
    }
}

#[test]
fn a_token_for_joining_serves_an_hour_as_often_as_one_likes() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    for (caller, tail) in [
        (&partner, "pre-auth-tokens"),
        (&partner, "open-user-card-tokens"),
        (&brand, "pre-auth-tokens"),
    ] {
        running.freeze(NOON);
        let given = token(caller, tail)["token"].clone();
        for now in [NOON, "2026-01-01T12:59:59.999+08:00"] {
            running.freeze(now);
            join(&running, "o-1", &given).ok();
            running
                .play("o-1", "delete-card", json!({"card_id": CARD_ID}))
                .ok();
        }
        running.freeze("2026-01-01T13:00:00+08:00");
        join(&running, "o-1", &given).is_refused(400, "INVALID_REQUEST");
    }
}

#[test]
fn a_token_for_the_pay_code_serves_ten_minutes_and_once() {
    let running = Running::start();
    running.freeze(NOON);
    let partner = running.partner();
    // Of a card nothing is asked.
    let [used, left] = [(); 2].map(|()| token(&partner, "pay-view-tokens")["token"].clone());
    assert_eq!(pay(&running, "o-1", &used).ok(), json!({"opened": true}));
    pay(&running, "o-1", &used).is_refused(400, "INVALID_REQUEST");
    running.freeze("2026-01-01T12:10:00+08:00");
    pay(&running, "o-1", &left).is_refused(400, "INVALID_REQUEST");
    running.freeze("2026-01-01T12:09:59.999+08:00");
    // What was refused has not used it up.
    pay(&running, "o-1", &left).ok();
}

#[test]
fn a_token_serves_whom_and_what_it_was_given_for() {
    let running = Running::start();
    let partner = running.partner();
    let other_card = partner.card_id(json!({}));
    let to_join = token(&partner, "pre-auth-tokens")["token"].clone();
    let to_pay = token(&partner, "pay-view-tokens")["token"].clone();
    let unknown = json!("d2df23f2f4fasf3gws");
    for answer in [
        join(&running, "o-2", &to_join),
        join(&running, "o-1", &to_pay),
        join(&running, "o-1", &unknown),
        join(&running, "o-1", &json!("")),
        running.play(
            "o-1",
            "join",
            json!({"card_id": other_card, "token": to_join}),
        ),
        pay(&running, "o-2", &to_pay),
        pay(&running, "o-1", &to_join),
        pay(&running, "o-1", &unknown),
        running.play(
            "o-1",
            "show-pay-code",
            json!({"card_id": other_card, "token": to_pay}),
        ),
    ] {
        answer.is_refused(400, "INVALID_REQUEST");
    }
    // Nobody has joined, and nothing is used up.
    assert_eq!(running.notified(), 0);
    join(&running, "o-1", &to_join).ok();
    pay(&running, "o-1", &to_pay).ok();
}
