//! Users, played: what they can do, and what the sandbox does not believe.

use serde_json::{Value, json};

use crate::{
    caller::{Caller, text, with, without},
    support::{Answer, CARD_ID, CODE, OPENID, Request, Running},
};

fn join(running: &Running, openid: &str, card_id: &str) -> Answer {
    running.play(openid, "join", json!({"card_id": card_id}))
}

fn leave(running: &Running, openid: &str, card_id: &str) -> Answer {
    running.play(openid, "delete-card", json!({"card_id": card_id}))
}

fn pay(running: &Running, openid: &str, attach: &str) -> Answer {
    running.play(openid, "pay", json!({"attach": attach}))
}

/// All cards that a user has or had of the brand.
fn cards(caller: &Caller<'_>, openid: &str) -> Vec<Value> {
    let page = caller.get(&format!("user-cards?openid={openid}&offset=0&limit=20"));
    page.ok()["data"].as_array().unwrap().clone()
}

#[test]
fn a_user_has_one_card_of_a_template_at_a_time() {
    let running = Running::start();
    let partner = running.partner();
    for code_mode in ["SYSTEM_ALLOCATE", "MERCHANT_ALLOCATE"] {
        let card_id = partner.card_id(json!({"code_mode": code_mode}));
        let openid = &format!("o-{code_mode}");
        join(&running, openid, &card_id).ok();
        let told = running.notified();
        join(&running, openid, &card_id).is_refused(400, "INVALID_REQUEST");
        assert_eq!(
            running.notified(),
            told,
            "of what was refused nobody is told"
        );
        join(&running, "o-other", &card_id).ok();
        // Who has left may come back, and has a new card.
        leave(&running, openid, &card_id).ok();
        leave(&running, openid, &card_id).is_refused(404, "RESOURCE_NOT_EXISTS");
        join(&running, openid, &card_id).ok();
        let mut states: Vec<String> = cards(&partner, openid)
            .iter()
            .map(|card| text(&card["user_card_state"]))
            .collect();
        states.sort();
        assert_eq!(states, ["INVALID", "UNACTIVATED"]);
    }
    // One that was imported counts, too, even if it is over.
    running.freeze("2030-05-20T13:29:35+08:00");
    join(&running, OPENID, CARD_ID).is_refused(400, "INVALID_REQUEST");
    leave(&running, OPENID, CARD_ID).ok();
    join(&running, OPENID, CARD_ID).ok();
}

#[test]
fn a_template_that_is_over_takes_nobody() {
    let running = Running::start();
    let partner = running.partner();
    let attach = |code: &str| format!("cell=0&card_id={CARD_ID}&user_card_code={code}");
    running.freeze("2030-05-20T13:29:35.119+08:00");
    join(&running, "o-1", CARD_ID).ok();
    pay(&running, "o-2", &attach("2")).ok();
    running.freeze("2030-05-20T13:29:35.120+08:00");
    join(&running, "o-3", CARD_ID).is_refused(400, "INVALID_REQUEST");
    pay(&running, "o-4", &attach("4")).is_refused(400, "INVALID_REQUEST");
    // One that has not begun does, and so does one that counts from the pickup.
    for validity in [
        json!({
            "type": "FIX_TIME_RANGE",
            "available_begin_time": "2031-01-01T00:00:00+08:00",
            "available_end_time": "2032-01-01T00:00:00+08:00",
        }),
        json!({"type": "FIX_TERM", "available_day_after_receive": 1}),
    ] {
        let card_id = partner.card_id(json!({"valid_date_information": validity}));
        join(&running, "o-5", &card_id).ok();
    }
}

#[test]
fn whoever_pays_with_a_card_in_the_attach_is_a_member_at_once() {
    let running = Running::start();
    running.freeze("2026-01-01T12:00:00+08:00");
    let partner = running.partner();
    for code_mode in ["SYSTEM_ALLOCATE", "MERCHANT_ALLOCATE"] {
        let card_id = partner.card_id(json!({"code_mode": code_mode, "init_level": "白银"}));
        let attach = |cell: &str, code: &str| {
            format!("我的数据cell={cell}&card_id={card_id}&user_card_code={code}")
        };
        let before = running.kept("feed").len();
        let card = pay(&running, "o-1", &attach("15_1200_1", "VIP/1")).ok()["user_card"].clone();
        let expected = json!({
            "user_card_code": "VIP/1",
            "card_id": card_id,
            "openid": "o-1",
            "card_color": "#FFFF00",
            "card_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0",
            "brand_id": "1004",
            "card_type": "NORMAL",
            "level": "白银",
            "valid_date_information": {"type": "PERMANENT"},
            "pickup_time": "2026-01-01T12:00:00.000+08:00",
            "user_card_state": "EFFECTIVE",
            "create_time": "2026-01-01T12:00:00.000+08:00",
            "modify_time": "2026-01-01T12:00:00.000+08:00",
        });
        assert_eq!(card, expected);
        let tail = format!("user-cards/VIP%2F1?card_id={card_id}&openid=o-1");
        assert_eq!(partner.get(&tail).ok(), expected);

        // The next order puts another line on the same card; without a line there is none.
        let again = pay(&running, "o-1", &attach("1_5", "VIP/1")).ok();
        assert_eq!(again["user_card"], expected);
        pay(&running, "o-1", &attach("", "VIP/1")).ok();
        assert_eq!(running.kept("feed").len(), before + 2);

        pay(&running, "o-2", &attach("0", "VIP/1")).is_refused(400, "RESOURCE_ALREADY_EXISTS");
        pay(&running, "o-1", &attach("0", "VIP/2")).is_refused(400, "INVALID_REQUEST");
        leave(&running, "o-1", &card_id).ok();
        pay(&running, "o-1", &attach("0", "VIP/1")).is_refused(400, "RESOURCE_ALREADY_EXISTS");
        pay(&running, "o-1", &attach("0", "VIP/2")).ok();
        assert_eq!(running.kept("feed").len(), before + 3);
    }
    assert_eq!(running.notified(), 2, "of two cards that were deleted");
    let elsewhere = "cell=0&card_id=p-other&user_card_code=1";
    pay(&running, "o-1", elsewhere).is_refused(404, "RESOURCE_NOT_EXISTS");
}

#[test]
fn whoever_joined_and_pays_need_not_be_confirmed() {
    let running = Running::start();
    let partner = running.partner();
    running.freeze("2026-01-01T12:00:00+08:00");
    let card_id = partner.card_id(json!({}));
    let joined = join(&running, "o-1", &card_id).ok()["user_card"].clone();
    assert_eq!(joined["user_card_state"], "UNACTIVATED");
    running.freeze("2026-01-02T12:00:00+08:00");
    let code = text(&joined["user_card_code"]);
    let attach = format!("cell=0&card_id={card_id}&user_card_code={code}");
    let paid = pay(&running, "o-1", &attach).ok()["user_card"].clone();
    let expected = with(
        joined,
        json!({
            "user_card_state": "EFFECTIVE",
            "modify_time": "2026-01-02T12:00:00.000+08:00",
        }),
    );
    assert_eq!(paid, expected);
    assert_eq!(cards(&partner, "o-1"), std::slice::from_ref(&expected));
    // Once in force it stays as it is.
    running.freeze("2026-01-03T12:00:00+08:00");
    assert_eq!(pay(&running, "o-1", &attach).ok()["user_card"], expected);
    assert_eq!(running.notified(), 1, "of the joining alone");
}

#[test]
fn an_attach_names_a_card_that_can_be() {
    let running = Running::start();
    let with_code = |code: &str| format!("cell=0&card_id={CARD_ID}&user_card_code={code}");
    for attach in [
        "",
        "我的数据",
        "cell=0&card_id=p",
        "cell=0&user_card_code=1",
        "cell=0&card_id=&user_card_code=1",
        &with_code(""),
        &with_code("会员1"),
        &with_code("1 2"),
        &with_code(" 1"),
        &with_code(&"1".repeat(33)),
        &with_code("1").replace("cell=0", &format!("cell={}", "长".repeat(129))),
    ] {
        pay(&running, "o-1", attach).is_refused(400, "PARAM_ERROR");
    }
    assert!(cards(&running.partner(), "o-1").is_empty());
    pay(&running, "o-1", &with_code(&"1".repeat(32))).ok();
}

#[test]
fn points_are_for_members_whose_card_serves() {
    let running = Running::start();
    let partner = running.partner();
    let ask = |openid: &str, card_id: &str| {
        let body = json!({"card_id": card_id});
        ["ask-points", "exchange-coupon"].map(|what| running.play(openid, what, body.clone()))
    };
    let refused = |answers: [Answer; 2], status, code| {
        answers
            .iter()
            .for_each(|answer| answer.is_refused(status, code));
    };
    refused(ask("o-1", CARD_ID), 404, "RESOURCE_NOT_EXISTS");
    refused(ask(OPENID, "p-other"), 404, "RESOURCE_NOT_EXISTS");
    let card_id = partner.card_id(json!({}));
    join(&running, "o-1", &card_id).ok();
    refused(ask("o-1", &card_id), 400, "INVALID_REQUEST");
    running.freeze("2031-01-01T00:00:00+08:00");
    refused(ask(OPENID, CARD_ID), 400, "INVALID_REQUEST");
    running.freeze("2029-01-01T00:00:00+08:00");
    let told = running.notified();
    for answer in ask(OPENID, CARD_ID) {
        answer.ok();
    }
    assert_eq!(running.notified(), told + 2);
    let ids = json!({"card_id": CARD_ID, "openid": OPENID});
    partner
        .post(&format!("user-cards/{CODE}/invalidate"), ids)
        .ok();
    refused(ask(OPENID, CARD_ID), 404, "RESOURCE_NOT_EXISTS");
    assert_eq!(running.notified(), told + 2);
}

#[test]
fn what_a_user_cannot_do_is_said() {
    let running = Running::start();
    let card = json!({"brand_id": "1004", "card_id": CARD_ID});
    let calls = [
        ("join", card.clone()),
        ("delete-card", card.clone()),
        ("ask-points", card.clone()),
        ("exchange-coupon", card.clone()),
        ("show-pay-code", with(card, json!({"token": "t"}))),
        (
            "pay",
            json!({"brand_id": "1004", "attach": "cell=0&card_id=p&user_card_code=1"}),
        ),
    ];
    let send = |openid: &str, what: &str, body: &str| {
        Request::new("POST", &format!("/_sandbox/users/{openid}/{what}"))
            .header("Content-Type", "application/json")
            .body(body)
            .send(running.address)
    };
    let refuse = |what: &str, body: Value| {
        let answer = send("o-1", what, &body.to_string());
        assert_eq!(
            answer.refusal(),
            (400, "PARAM_ERROR".into()),
            "{what} {body}"
        );
        assert!(answer.json()["message"].is_string());
    };
    for (what, body) in calls {
        for name in body.as_object().unwrap().keys() {
            refuse(what, without(body.clone(), name));
            for wrong in [json!(null), json!(7), json!({})] {
                refuse(what, with(body.clone(), json!({name: wrong})));
            }
        }
        refuse(what, with(body.clone(), json!({"unknown": 1})));
        for text in ["", "{", "[]", "\"x\"", "null"] {
            let answer = send("o-1", what, text);
            assert_eq!(
                answer.refusal(),
                (400, "PARAM_ERROR".into()),
                "{what} {text}"
            );
        }
        // Nobody has an openid that no operation takes.
        let long = "o".repeat(129);
        let answer = send(&long, what, &body.to_string());
        answer.is_refused(400, "PARAM_ERROR");
        // Another brand has no such card.
        let elsewhere = with(body.clone(), json!({"brand_id": "1005"}));
        let answer = send(OPENID, what, &elsewhere.to_string());
        assert!([400, 404].contains(&answer.status), "{what} {answer:?}");
        assert_ne!(answer.refusal().1, "PARAM_ERROR", "{what}");
    }
    assert_eq!(running.notified(), 0);
    let answer = running.control("GET", "/_sandbox/users/o-1/join", None);
    answer.is_refused(405, "METHOD_NOT_ALLOWED");
    let answer = running.play("o-1", "dance", json!({}));
    answer.is_refused(404, "NOT_FOUND");
}

#[test]
fn what_is_personal_is_not_echoed() {
    let running = Running::start();
    let form = |name: &str, value: Value| json!({"user_information": {name: value}});
    for (members, at) in [
        (json!({"phone_number": 13_800_138_000_i64}), "phone_number"),
        (json!({"phone_number": [["13800138000"]]}), "phone_number"),
        (
            form("common_field_list", json!("13800138000")),
            "user_information",
        ),
        (
            form(
                "custom_field_list",
                json!([{"user_chosen_values": 13_800_138_000_i64}]),
            ),
            "user_information",
        ),
        (
            json!({"user_information": "13800138000"}),
            "user_information",
        ),
    ] {
        let answer = running.play("o-1", "join", with(members, json!({"card_id": CARD_ID})));
        answer.is_refused(400, "PARAM_ERROR");
        let message = text(&answer.json()["message"]);
        assert!(message.contains(at), "{message}");
        assert!(!message.contains("13800138000"), "{message}");
    }
    // What is not personal is shown, to be found.
    let answer = running.play("o-1", "join", json!({"card_id": 4711}));
    assert!(text(&answer.json()["message"]).contains("4711"));
}

#[test]
fn what_cannot_be_sealed_or_answered_is_not_taken() {
    let running = Running::start();
    let partner = running.partner();
    let card_id = partner.card_id(json!({}));
    let common = |value: &str| json!({"common_field_list": [{"name": "USER_FORM_FLAG_NAME", "value": value}]});
    let chosen = |value: &str| json!({"custom_field_list": [{"name": "运动", "user_chosen_values": ["足球", value]}]});
    // One RSA block holds 214 bytes.
    let longest = format!("{}长", "长".repeat(70));
    let long = format!("{longest}长");
    let refused = [
        json!({"phone_number": long}),
        json!({"user_information": common(&long)}),
        json!({"user_information": chosen(&long)}),
        json!({"user_information": {"common_field_list": [{"name": "SHOE_SIZE", "value": "42"}]}}),
        json!({"user_information": {"custom_field_list": [{"name": "长".repeat(33)}]}}),
        json!({"user_information": {"unknown": "x"}}),
        json!({"user_information": {"common_field_list": [{"name": "USER_FORM_FLAG_NAME", "Value": "x"}]}}),
        json!({"user_information": {"custom_field_list": [{"name": "运动", "chosen": ["x"]}]}}),
    ];
    for members in refused {
        let body = with(members.clone(), json!({"card_id": card_id}));
        let answer = running.play("o-1", "join", body);
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{members}");
        assert!(!answer.json().to_string().contains(&long), "it is personal");
        let message = text(&answer.json()["message"]);
        assert!(!message.contains("参数错误"), "in one language: {message}");
    }
    let taken = json!({
        "card_id": card_id, "phone_number": longest, "user_information": chosen(&longest),
    });
    running.play("o-1", "join", taken).ok();
    let card = partner.opened(cards(&partner, "o-1")[0].clone());
    assert_eq!(card["phone_number"], longest);

    let member = |more: Value| {
        let body = with(json!({"card_id": CARD_ID}), more);
        running.play(OPENID, "exchange-coupon", body)
    };
    for name in [
        "exchange_coupon_template_id",
        "stock_id",
        "product_coupon_id",
    ] {
        member(json!({name: ""})).is_refused(400, "PARAM_ERROR");
        let longest = "1".repeat(32);
        let exchange = member(json!({name: longest})).ok()["exchange"].clone();
        assert_eq!(exchange[name], longest);
    }
    let long = json!({"exchange_coupon_template_id": "1".repeat(33)});
    member(long).is_refused(400, "PARAM_ERROR");
    for wrong in [json!(-1), json!(1.5), json!("1000")] {
        member(json!({"deduct_points": wrong})).is_refused(400, "PARAM_ERROR");
    }
}
