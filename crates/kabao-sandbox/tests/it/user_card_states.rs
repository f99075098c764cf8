//! Where a user's card stands: listed by it, and invalidated for good.

use serde_json::{Value, json};

use crate::{
    caller::{Caller, text, with, without},
    support::{Answer, CARD_ID, CODE, OPENID, Running},
};

fn invalidate(caller: &Caller<'_>, query: &str, body: Value) -> Answer {
    caller.post(&format!("user-cards/{CODE}/invalidate{query}"), body)
}

fn sample(caller: &Caller<'_>) -> Value {
    let card = caller.get(&format!(
        "user-cards/{CODE}?card_id={CARD_ID}&openid={OPENID}"
    ));
    caller.opened(card.ok())
}

#[test]
fn a_card_is_invalidated_once_and_for_good() {
    for number in 0..2 {
        let running = Running::start();
        let caller = &running.callers()[number];
        let before = sample(caller);
        running.freeze("2025-08-02T09:30:00+08:00");
        let body =
            json!({"card_id": CARD_ID, "openid": OPENID, "invalid_reason": "传入的自定义作废原因"});
        let after = caller.opened(invalidate(caller, "", body.clone()).ok());
        let expected = json!({
            "user_card_state": "INVALID",
            "invalid_reason": "传入的自定义作废原因",
            "invalid_time": "2025-08-02T09:30:00.000+08:00",
            "modify_time": "2025-08-02T09:30:00.000+08:00",
        });
        assert_eq!(after, with(before, expected));
        running.freeze("2025-08-03T09:30:00+08:00");
        for again in [
            body.clone(),
            with(body.clone(), json!({"invalid_reason": "别的"})),
            without(body, "invalid_reason"),
        ] {
            let card = caller.opened(invalidate(caller, "", again).ok());
            assert_eq!(card, after);
        }
        let ids = json!({"card_id": CARD_ID, "openid": OPENID});
        for change in [json!({"level": "新"}), json!({})] {
            let change = with(ids.clone(), change);
            let answer = caller.patch(&format!("user-cards/{CODE}"), change);
            answer.is_refused(400, "INVALID_REQUEST");
        }
        assert_eq!(sample(caller), after);
        assert_eq!(running.notified(), 0);
    }
}

#[test]
fn the_ids_may_stand_in_the_query_or_in_the_body() {
    let card = format!("?card_id={CARD_ID}");
    let both = format!("?card_id={CARD_ID}&openid={OPENID}");
    let of_the_brand = format!("?brand_id=1004&card_id={CARD_ID}");
    let other = "?card_id=p-other";
    let openid = json!({"openid": OPENID});
    let ids = json!({"card_id": CARD_ID, "openid": OPENID});
    let running = Running::start();
    for caller in running.callers() {
        invalidate(&caller, other, ids.clone()).blames("/card_id");
        invalidate(&caller, "", openid.clone()).blames("/card_id");
        invalidate(&caller, &card, json!({})).blames("/openid");
        let stranger = json!({"card_id": CARD_ID, "openid": "o-other"});
        invalidate(&caller, &both, stranger.clone()).blames("/openid");
        let answer = invalidate(&caller, "", stranger);
        answer.is_refused(404, "RESOURCE_NOT_EXISTS");
        let answer = invalidate(&caller, other, openid.clone());
        answer.is_refused(404, "RESOURCE_NOT_EXISTS");
        let long = with(ids.clone(), json!({"invalid_reason": "长".repeat(33)}));
        invalidate(&caller, "", long).blames("/invalid_reason");
        assert_eq!(sample(&caller)["user_card_state"], "EFFECTIVE");
    }
    for (number, query, body) in [
        (0, &card, &openid),
        (0, &of_the_brand, &openid),
        (0, &String::new(), &ids),
        (0, &both, &json!({})),
        (1, &card, &openid),
        (1, &of_the_brand, &openid),
        (1, &String::new(), &ids),
        (1, &both, &ids),
    ] {
        running.control_ok("POST", "/_sandbox/reset", None);
        let caller = &running.callers()[number];
        let longest = json!({"invalid_reason": "长".repeat(32)});
        let card = invalidate(caller, query, with(body.clone(), longest.clone())).ok();
        assert_eq!(card["user_card_state"], "INVALID");
        assert_eq!(card["invalid_reason"], longest["invalid_reason"]);
    }
    // As the partner's page has it, nothing of the ids but the openid in the body.
    running.control_ok("POST", "/_sandbox/reset", None);
    let partner = running.partner();
    let target = partner.target(&format!("user-cards/{CODE}/invalidate{of_the_brand}"));
    let empty = json!({"openid": OPENID, "invalid_reason": ""}).to_string();
    let invalid = partner.send("POST", &target, &empty).ok();
    assert_eq!(invalid["user_card_state"], "INVALID");
    assert_eq!(invalid.get("invalid_reason"), None);
    let nowhere = partner.target(&format!("user-cards/{CODE}/invalidate{card}"));
    partner.send("POST", &nowhere, &empty).blames("/brand_id");
}

#[test]
fn cards_of_every_state_but_invalid_can_be_invalidated() {
    let running = Running::start();
    let partner = running.partner();
    let card_id = partner.card_id(json!({}));
    let joined = running
        .play("o-1", "join", json!({"card_id": card_id}))
        .ok();
    let code = text(&joined["user_card"]["user_card_code"]);
    let tail = format!("user-cards/{code}/invalidate");
    let card = partner
        .post(&tail, json!({"card_id": card_id, "openid": "o-1"}))
        .ok();
    assert_eq!(card["user_card_state"], "INVALID");

    running.freeze("2031-01-01T00:00:00+08:00");
    assert_eq!(sample(&partner)["user_card_state"], "EXPIRED");
    let ids = json!({"card_id": CARD_ID, "openid": OPENID});
    let card = invalidate(&partner, "", ids).ok();
    assert_eq!(card["user_card_state"], "INVALID");
}

/// Makes a user a member of a new template, at some time.
fn member(running: &Running, caller: &Caller<'_>, pickup: &str, validity: &Value) -> String {
    let card_id = caller.card_id(json!({"valid_date_information": validity}));
    let row = json!({
        "card_id": card_id, "openid": "o-1", "user_card_code": "1",
        "valid_date_information": validity, "pickup_time": pickup,
    });
    caller.post("user-cards/import-by-openid", row).ok();
    running
        .play("o-2", "join", json!({"card_id": card_id}))
        .ok();
    card_id
}

#[test]
fn a_users_cards_are_listed_by_state_newest_pickup_first() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    running.freeze("2026-01-01T12:00:00+08:00");
    let permanent = json!({"type": "PERMANENT"});
    let term = json!({"type": "FIX_TERM", "available_day_after_receive": 1});
    let newest = member(&running, &partner, "2026-01-01T11:00:00+08:00", &permanent);
    let over = member(&running, &partner, "2025-12-31T23:00:00+08:00", &term);
    // An hour earlier, in another zone.
    let oldest = member(&running, &partner, "2025-12-31T22:30:00+09:00", &permanent);
    let invalid = member(&running, &partner, "2026-01-01T10:00:00+08:00", &permanent);
    let ids = json!({"card_id": invalid, "openid": "o-1"});
    partner.post("user-cards/1/invalidate", ids).ok();
    let waiting = partner.card_id(json!({}));
    running
        .play("o-1", "join", json!({"card_id": waiting}))
        .ok();

    let all = [&waiting, &newest, &invalid, &over, &oldest];
    for caller in [&partner, &brand] {
        let list = |query: &str| caller.get(&format!("user-cards?openid=o-1&{query}")).ok();
        let ids = |page: &Value| -> Vec<String> {
            let rows = page["data"].as_array().unwrap().iter();
            rows.map(|row| text(&row["card_id"])).collect()
        };
        assert_eq!(ids(&list("offset=0&limit=20")), all.map(Clone::clone));
        for (state, expected) in [
            ("UNACTIVATED", vec![&waiting]),
            ("EFFECTIVE", vec![&newest, &oldest]),
            ("EXPIRED", vec![&over]),
            ("INVALID", vec![&invalid]),
        ] {
            let page = list(&format!("offset=0&limit=20&user_card_state={state}"));
            assert_eq!(ids(&page).iter().collect::<Vec<_>>(), expected, "{state}");
            assert_eq!(page["total_count"], expected.len());
            for row in page["data"].as_array().unwrap() {
                assert_eq!(row["user_card_state"], state);
            }
        }
        let page = list("offset=1&limit=2");
        assert_eq!(ids(&page).iter().collect::<Vec<_>>(), all[1..3]);
        assert_eq!(page["total_count"], 5);
        assert_eq!((&page["offset"], &page["limit"]), (&json!(1), &json!(2)));
        caller.get("user-cards?offset=0&limit=1").blames("openid");
    }
}

#[test]
fn a_joined_card_lasts_as_its_template_says() {
    let running = Running::start();
    let partner = running.partner();
    let term = json!({"type": "FIX_TERM", "available_day_after_receive": 2});
    let range = json!({
        "type": "FIX_TIME_RANGE",
        "available_begin_time": "2026-02-01T00:00:00+08:00",
        "available_end_time": "2026-03-01T00:00:00+08:00",
    });
    for (validity, joined, last, over) in [
        // The day of joining is the first, wherever the clock says so.
        (
            &term,
            "2026-01-01T23:59:59.999+08:00",
            "2026-01-02T23:59:59.999+08:00",
            "2026-01-03T00:00:00+08:00",
        ),
        (
            &term,
            "2026-01-01T16:00:00Z",
            "2026-01-03T15:59:59.999Z",
            "2026-01-03T16:00:00Z",
        ),
        // Not begun yet is not another state.
        (
            &range,
            "2026-01-01T00:00:00+08:00",
            "2026-02-28T15:59:59.999Z",
            "2026-03-01T00:00:00+08:00",
        ),
        (
            &json!({"type": "PERMANENT"}),
            "2026-01-01T00:00:00Z",
            // As far as the caller's certificate reaches.
            "2031-01-01T00:00:00Z",
            "",
        ),
    ] {
        running.freeze(joined);
        let card_id = partner.card_id(json!({"valid_date_information": validity}));
        let card = running
            .play("o-1", "join", json!({"card_id": card_id}))
            .ok();
        let code = text(&card["user_card"]["user_card_code"]);
        let form = json!({
            "card_id": card_id, "openid": "o-1", "user_card_confirm_state": "CREATE_CARD_SUCCESS",
        });
        let confirmed = partner
            .post(&format!("user-cards/{code}/confirm"), form)
            .ok();
        assert_eq!(confirmed["user_card_state"], "EFFECTIVE");
        for (now, state) in [(last, "EFFECTIVE"), (over, "EXPIRED")] {
            if now.is_empty() {
                continue;
            }
            running.freeze(now);
            let card = partner.get(&format!("user-cards/{code}?card_id={card_id}&openid=o-1"));
            assert_eq!(card.ok()["user_card_state"], state, "{now}");
        }
    }
}
