//! What a merchant says to a user who took a card.

use serde_json::{Value, json};

use crate::{
    caller::{Caller, text, with, without},
    support::{Answer, CARD_ID, CODE, OPENID, Running},
};

const SUCCESS: &str = "CREATE_CARD_SUCCESS";
const EXISTS: &str = "CREATE_CARD_ALREADY_EXISTS";
const FAIL: &str = "CREATE_CARD_FAIL";

/// A user takes a card; the code is empty where the merchant allocates it.
fn join(running: &Running, card_id: &str, openid: &str) -> String {
    let joined = running
        .play(openid, "join", json!({"card_id": card_id}))
        .ok();
    text(&joined["user_card"]["user_card_code"])
}

fn form(card_id: &str, openid: &str, state: &str) -> Value {
    json!({"card_id": card_id, "openid": openid, "user_card_confirm_state": state})
}

fn confirm(caller: &Caller<'_>, code: &str, form: Value) -> Answer {
    caller.post(&format!("user-cards/{code}/confirm"), form)
}

fn own(caller: &Caller<'_>, card_id: &str, openid: &str, code: &str) -> Answer {
    caller.get(&format!(
        "user-cards/{code}?card_id={card_id}&openid={openid}"
    ))
}

#[test]
fn a_confirmation_completes_what_a_user_began() {
    let running = Running::start();
    for caller in running.callers() {
        for (state, expected) in [
            (SUCCESS, "EFFECTIVE"),
            (EXISTS, "EFFECTIVE"),
            (FAIL, "INVALID"),
        ] {
            running.freeze("2026-01-01T12:00:00+08:00");
            let card_id = caller.card_id(json!({}));
            let code = join(&running, &card_id, "o-1");
            assert_eq!(code.len(), 24);
            assert!(code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
            let before = own(&caller, &card_id, "o-1", &code).ok();
            assert_eq!(before["user_card_state"], "UNACTIVATED");

            running.freeze("2026-01-02T12:00:00+08:00");
            let now = json!("2026-01-02T12:00:00.000+08:00");
            let after = confirm(&caller, &code, form(&card_id, "o-1", state)).ok();
            let mut changes = json!({"user_card_state": expected, "modify_time": now});
            if state == FAIL {
                // Without a reason.
                changes["invalid_time"] = now;
            }
            assert_eq!(after, with(before, changes));
            assert_eq!(own(&caller, &card_id, "o-1", &code).ok(), after);
        }
    }
}

#[test]
fn a_code_that_was_allocated_must_fit() {
    let running = Running::start();
    for caller in running.callers() {
        let card_id = caller.card_id(json!({}));
        let code = join(&running, &card_id, "o-1");
        let of_another = join(&running, &card_id, "o-2");
        for answer in [
            confirm(&caller, "1234", form(&card_id, "o-1", SUCCESS)),
            confirm(&caller, &of_another, form(&card_id, "o-1", SUCCESS)),
            confirm(&caller, &code, form(&card_id, "o-2", SUCCESS)),
            confirm(&caller, &code, form(CARD_ID, "o-1", SUCCESS)),
            confirm(&caller, &code, form("p-other", "o-1", SUCCESS)),
            confirm(&caller, "1234", form(&card_id, "o-3", SUCCESS)),
        ] {
            answer.is_refused(404, "RESOURCE_NOT_EXISTS");
        }
        let card = own(&caller, &card_id, "o-1", &code).ok();
        assert_eq!(card["user_card_state"], "UNACTIVATED");
    }
}

#[test]
fn a_merchant_that_allocates_codes_gives_one() {
    let running = Running::start();
    for caller in running.callers() {
        let card_id = caller.card_id(json!({"code_mode": "MERCHANT_ALLOCATE"}));
        for (openid, code, state, expected) in [
            ("o-1", "VIP-1!", SUCCESS, "EFFECTIVE"),
            ("o-2", "VIP-2!", EXISTS, "EFFECTIVE"),
            // On failure alike.
            ("o-3", "VIP-3!", FAIL, "INVALID"),
        ] {
            assert_eq!(join(&running, &card_id, openid), "");
            let waiting = caller.get(&format!("user-cards?openid={openid}&offset=0&limit=1"));
            assert_eq!(waiting.ok()["data"][0]["user_card_state"], "UNACTIVATED");
            let card = confirm(&caller, code, form(&card_id, openid, state)).ok();
            assert_eq!(card["user_card_code"], code);
            assert_eq!(card["user_card_state"], expected);
            assert_eq!(own(&caller, &card_id, openid, code).ok(), card);
            let list = caller.get(&format!("user-cards?openid={openid}&offset=0&limit=20"));
            let cards = list.ok()["data"].as_array().unwrap().clone();
            let of_the_template = cards.iter().filter(|card| card["card_id"] == card_id);
            assert_eq!(of_the_template.count(), 1, "the card has moved");
        }
        // A code is given once, whatever became of it.
        join(&running, &card_id, "o-4");
        for taken in ["VIP-1!", "VIP-3!"] {
            let answer = confirm(&caller, taken, form(&card_id, "o-4", SUCCESS));
            answer.is_refused(400, "RESOURCE_ALREADY_EXISTS");
        }
        // Another template's codes are its own.
        let other = caller.card_id(json!({"code_mode": "MERCHANT_ALLOCATE"}));
        join(&running, &other, "o-4");
        confirm(&caller, "VIP-1!", form(&other, "o-4", SUCCESS)).ok();
        confirm(&caller, "VIP-4!", form(&card_id, "o-4", SUCCESS)).ok();
        // Nobody waits.
        let answer = confirm(&caller, "VIP-5!", form(&card_id, "o-5", SUCCESS));
        answer.is_refused(404, "RESOURCE_NOT_EXISTS");
        let answer = confirm(&caller, "VIP-5!", form(&card_id, "o-1", SUCCESS));
        answer.is_refused(404, "RESOURCE_NOT_EXISTS");
    }
}

#[test]
fn a_code_that_a_merchant_gives_is_one_that_can_be_shown() {
    let running = Running::start();
    let partner = running.partner();
    let card_id = partner.card_id(json!({"code_mode": "MERCHANT_ALLOCATE"}));
    join(&running, &card_id, "o-1");
    for bad in ["%20", "a%20b", "%E4%BC%9A", "1%0A", &"1".repeat(33)] {
        let answer = confirm(&partner, bad, form(&card_id, "o-1", SUCCESS));
        answer.blames("user_card_code");
        assert_eq!(answer.json()["detail"]["location"], "path");
    }
    let card = confirm(&partner, "a%2Fb%3F%25+", form(&card_id, "o-1", SUCCESS)).ok();
    assert_eq!(card["user_card_code"], "a/b?%+");
}

#[test]
fn the_same_answer_again_changes_nothing_and_another_is_refused() {
    let running = Running::start();
    for caller in running.callers() {
        for code_mode in ["SYSTEM_ALLOCATE", "MERCHANT_ALLOCATE"] {
            for (first, same, other) in [
                (SUCCESS, [SUCCESS, EXISTS], FAIL),
                (EXISTS, [SUCCESS, EXISTS], FAIL),
                (FAIL, [FAIL, FAIL], SUCCESS),
            ] {
                running.freeze("2026-01-01T12:00:00+08:00");
                let card_id = caller.card_id(json!({"code_mode": code_mode}));
                let code = join(&running, &card_id, "o-1");
                let code = if code.is_empty() { "VIP-1" } else { &*code };
                let form = |state| form(&card_id, "o-1", state);
                let card = confirm(&caller, code, form(first)).ok();
                running.freeze("2026-01-02T12:00:00+08:00");
                for state in same {
                    let again = with(form(state), json!({"level": "钻石"}));
                    assert_eq!(confirm(&caller, code, again).ok(), card, "{first} {state}");
                }
                let answer = confirm(&caller, code, form(other));
                answer.is_refused(400, "INVALID_REQUEST");
                assert_eq!(own(&caller, &card_id, "o-1", code).ok(), card);
            }
        }
    }
    // A card that its user deleted meanwhile.
    let partner = running.partner();
    let card_id = partner.card_id(json!({}));
    let code = join(&running, &card_id, "o-1");
    running
        .play("o-1", "delete-card", json!({"card_id": card_id}))
        .ok();
    let answer = confirm(&partner, &code, form(&card_id, "o-1", SUCCESS));
    answer.is_refused(400, "INVALID_REQUEST");
    confirm(&partner, &code, form(&card_id, "o-1", FAIL)).ok();
    // One that was imported, or is over, was confirmed.
    let sample = form(CARD_ID, OPENID, SUCCESS);
    confirm(&partner, CODE, sample.clone()).ok();
    running.freeze("2031-01-01T00:00:00+08:00");
    let card = confirm(&partner, CODE, sample).ok();
    assert_eq!(card["user_card_state"], "EXPIRED");
}

#[test]
fn a_confirmation_may_adjust_the_card() {
    let running = Running::start();
    for caller in running.callers() {
        for state in [SUCCESS, FAIL] {
            let card_id = caller.card_id(json!({"init_level": "白银"}));
            let code = join(&running, &card_id, "o-1");
            let before = own(&caller, &card_id, "o-1", &code).ok();
            let form_data = |value: &str| json!({"common_field_list": [{"name": "USER_FORM_FLAG_CITY", "value": value}]});
            let plain = json!({
                "card_color": "#0a1B2c",
                "card_picture_url": "https://wxpaylogo.qpic.cn/other/0",
                "phone_number": "13800138000",
                "level": "钻石会员",
                "valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 9},
                "user_information": form_data("深圳"),
                "attach": "自定义数据说明",
            });
            let sealed = json!({
                "phone_number": caller.seal("13800138000"),
                "user_information": form_data(&caller.seal("深圳")),
                // What a confirmation does not have.
                "pickup_time": "2020-01-01T00:00:00+08:00",
                "user_card_state": "EXPIRED",
            });
            let adjusting = with(with(plain.clone(), sealed), form(&card_id, "o-1", state));
            let after = confirm(&caller, &code, adjusting).ok();
            let follows = ["user_card_state", "modify_time", "invalid_time"];
            let follows = follows
                .iter()
                .map(|name| ((*name).to_owned(), after[*name].clone()));
            let follows: Value = follows.filter(|(_, value)| !value.is_null()).collect();
            let after = caller.opened(after);
            assert_eq!(after, with(with(before, plain), follows));
            let read = own(&caller, &card_id, "o-1", &code).ok();
            assert_eq!(caller.opened(read), after);
        }
    }
}

#[test]
fn what_a_confirmation_must_have_is_named() {
    let running = Running::start();
    for caller in running.callers() {
        let card_id = caller.card_id(json!({}));
        let code = join(&running, &card_id, "o-1");
        let whole = form(&card_id, "o-1", SUCCESS);
        for name in ["card_id", "openid", "user_card_confirm_state"] {
            let at = format!("/{name}");
            confirm(&caller, &code, without(whole.clone(), name)).blames(&at);
            for wrong in [json!(null), json!(""), json!(1)] {
                let form = with(whole.clone(), json!({name: wrong}));
                confirm(&caller, &code, form).blames(&at);
            }
        }
        for (members, at) in [
            (
                json!({"user_card_confirm_state": "SUCCESS"}),
                "/user_card_confirm_state",
            ),
            (json!({"level": "长".repeat(11)}), "/level"),
            (json!({"attach": "长".repeat(257)}), "/attach"),
            (json!({"card_color": "red"}), "/card_color"),
            (json!({"phone_number": "13800138000"}), "/phone_number"),
            (
                json!({"valid_date_information": {"type": "FIX_TERM"}}),
                "/valid_date_information/available_day_after_receive",
            ),
        ] {
            confirm(&caller, &code, with(whole.clone(), members)).blames(at);
        }
        // It may stand in the query, too, but not as another.
        let in_query = format!("{code}/confirm?card_id={card_id}");
        let tail = format!("user-cards/{in_query}");
        let other = with(whole.clone(), json!({"card_id": "p-other"}));
        caller.post(&tail, other).blames("/card_id");
        let card = own(&caller, &card_id, "o-1", &code).ok();
        assert_eq!(card["user_card_state"], "UNACTIVATED");
        caller.post(&tail, without(whole.clone(), "card_id")).ok();
        caller.post(&tail, whole).ok();
    }
    let partner = running.partner();
    let target = partner.target(&format!("user-cards/{CODE}/confirm"));
    let form = form(CARD_ID, OPENID, SUCCESS).to_string();
    partner.send("POST", &target, &form).blames("/brand_id");
}

#[test]
fn nobody_is_told_what_a_merchant_did_itself() {
    let running = Running::start();
    let partner = running.partner();
    let card_id = partner.card_id(json!({}));
    let code = join(&running, &card_id, "o-1");
    assert_eq!(running.notified(), 1, "the joining");
    confirm(&partner, &code, form(&card_id, "o-1", SUCCESS)).ok();
    let ids = json!({"card_id": card_id, "openid": "o-1"});
    let change = with(ids.clone(), json!({"level": "新"}));
    partner.patch(&format!("user-cards/{code}"), change).ok();
    let tail = format!("user-cards/{code}/invalidate");
    partner.post(&tail, ids).ok();
    partner
        .post(&format!("cards/{card_id}/invalidate"), json!({}))
        .ok();
    assert_eq!(running.notified(), 1);
}

#[test]
fn who_was_turned_away_may_join_again() {
    let running = Running::start();
    let partner = running.partner();
    for code_mode in ["SYSTEM_ALLOCATE", "MERCHANT_ALLOCATE"] {
        let card_id = partner.card_id(json!({"code_mode": code_mode}));
        let code_or = |usual: &str| {
            let code = join(&running, &card_id, "o-1");
            if code.is_empty() {
                usual.to_owned()
            } else {
                code
            }
        };
        let first = code_or("VIP-1");
        confirm(&partner, &first, form(&card_id, "o-1", FAIL)).ok();
        let second = code_or("VIP-2");
        assert_ne!(first, second);
        confirm(&partner, &second, form(&card_id, "o-1", SUCCESS)).ok();
        let states = [&first, &second]
            .map(|code| own(&partner, &card_id, "o-1", code).ok()["user_card_state"].clone());
        assert_eq!(states, ["INVALID", "EFFECTIVE"]);
    }
}

#[test]
fn a_template_that_ended_leaves_its_cards_to_be_confirmed() {
    let running = Running::start();
    let partner = running.partner();
    let card_id = partner.card_id(json!({}));
    let code = join(&running, &card_id, "o-1");
    partner
        .post(&format!("cards/{card_id}/invalidate"), json!({}))
        .ok();
    let card = confirm(&partner, &code, form(&card_id, "o-1", SUCCESS)).ok();
    assert_eq!(card["user_card_state"], "EFFECTIVE");
}
