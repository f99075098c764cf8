//! Members who were registered elsewhere.

use serde_json::{Value, json};

use crate::{
    caller::{Caller, text, with, without},
    support::{CARD_ID, CODE, OPENID, Running},
};

const BY_OPENID: &str = "user-cards/import-by-openid";
const BY_PHONE: &str = "user-cards/import-by-phone";
const PICKUP: &str = "2025-05-20T13:29:35+08:00";

/// A form that is right in everything, of a member without personal data.
fn member(card_id: &str, openid: &str, code: &str) -> Value {
    json!({
        "card_id": card_id,
        "openid": openid,
        "user_card_code": code,
        "valid_date_information": {"type": "PERMANENT"},
    })
}

fn own(caller: &Caller<'_>, card: &Value) -> Value {
    let (code, card_id, openid) = (&card["user_card_code"], &card["card_id"], &card["openid"]);
    let code = text(code).replace('/', "%2F").replace('?', "%3F");
    let tail = format!(
        "user-cards/{code}?card_id={}&openid={}",
        text(card_id),
        text(openid)
    );
    caller.opened(caller.get(&tail).ok())
}

#[test]
fn a_row_comes_back_exactly_as_it_was_given() {
    let running = Running::start();
    running.freeze("2026-01-01T12:00:00+08:00");
    for caller in running.callers() {
        let card_id = caller.card_id(json!({"code_mode": "MERCHANT_ALLOCATE"}));
        let seal = |value: &str| json!(caller.seal(value));
        let plain = json!({
            "card_id": card_id,
            "openid": "o-行 一",
            "user_card_code": "A-1/2?x=1&y%z+~'",
            "card_color": "#0a1B2c",
            "card_picture_url": "https://wxpaylogo.qpic.cn/ 空格/0",
            "level": " 白银\u{a0}é ",
            "phone_number": " +86 138-0013 8000 ",
            "valid_date_information": {
                "type": "PERMANENT",
                "available_begin_time": "2020-05-20T13:29:35+08:00",
                "available_day_after_receive": 200,
            },
            "pickup_time": "2025-05-20T05:29:35.12Z",
            "user_information": {
                "common_field_list": [
                    {"name": "USER_FORM_FLAG_NAME", "value": "欧阳 娜娜·Ñ"},
                    {"name": "USER_FORM_FLAG_ADDRESS", "value": "深圳市\n南山区\t1号\"楼\" \\"},
                    {"name": "USER_FORM_FLAG_NAME", "value": ""},
                ],
                "custom_field_list": [
                    {"name": "喜欢的 运动", "user_chosen_values": ["足球", "篮球", "足球", " "]},
                    {"name": "没问过的", "user_chosen_values": []},
                ],
            },
        });
        let mut row = plain.clone();
        row["phone_number"] = seal(&text(&plain["phone_number"]));
        let form = &mut row["user_information"];
        for field in form["common_field_list"].as_array_mut().unwrap() {
            field["value"] = seal(&text(&field["value"]));
        }
        for field in form["custom_field_list"].as_array_mut().unwrap() {
            for value in field["user_chosen_values"].as_array_mut().unwrap() {
                *value = seal(&text(value));
            }
        }
        // What is not of the form is ignored.
        row["attach"] = json!("不在表中");
        row["unknown"] = json!(1);
        row["user_information"]["unknown"] = json!("张三");
        let expected = with(
            plain,
            json!({
                "brand_id": "1004",
                "card_type": "NORMAL",
                "user_card_state": "EFFECTIVE",
                "create_time": "2026-01-01T12:00:00.000+08:00",
                "modify_time": "2026-01-01T12:00:00.000+08:00",
            }),
        );
        let imported = caller.post(BY_OPENID, row).ok();
        assert_eq!(caller.opened(imported), expected);
        let tail = "user-cards/A-1%2F2%3Fx%3D1%26y%25z+~%27?openid=o-%E8%A1%8C%20%E4%B8%80";
        let card = caller.get(&format!("{tail}&card_id={card_id}")).ok();
        assert_eq!(caller.opened(card), expected);
    }
    // Nobody is told, and nobody need confirm.
    assert_eq!(running.notified(), 0);
}

#[test]
fn what_is_left_out_comes_from_the_template_or_the_clock() {
    let running = Running::start();
    running.freeze("2026-01-01T12:00:00+08:00");
    for (place, caller) in running.callers().iter().enumerate() {
        let card_id = caller.card_id(json!({"init_level": "白银", "card_color": "#123456"}));
        let row = member(&card_id, "o-1", &format!("9{place}"));
        let card = caller.post(BY_OPENID, row.clone()).ok();
        let expected = with(
            row,
            json!({
                "brand_id": "1004",
                "card_type": "NORMAL",
                "card_color": "#123456",
                "card_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0",
                "level": "白银",
                "pickup_time": "2026-01-01T12:00:00.000+08:00",
                "user_card_state": "EFFECTIVE",
                "create_time": "2026-01-01T12:00:00.000+08:00",
                "modify_time": "2026-01-01T12:00:00.000+08:00",
            }),
        );
        assert_eq!(card, expected);
        assert_eq!(own(caller, &card), expected);
    }
}

#[test]
fn what_an_import_must_have_is_named() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    let sealed = |caller: &Caller<'_>| json!({"phone_number": caller.seal("13800138000")});
    for (caller, tail) in [
        (&partner, BY_OPENID),
        (&brand, BY_OPENID),
        (&partner, BY_PHONE),
    ] {
        let card_id = caller.card_id(json!({}));
        let form = match tail {
            BY_OPENID => member(&card_id, "o-1", "1"),
            _ => with(without(member(&card_id, "", "1"), "openid"), sealed(caller)),
        };
        let refuse = |members: Value, at: &str| {
            caller.post(tail, with(form.clone(), members)).blames(at);
        };
        for name in form.as_object().unwrap().keys() {
            let at = format!("/{name}");
            caller.post(tail, without(form.clone(), name)).blames(&at);
            for wrong in [json!(null), json!(""), json!(7)] {
                refuse(json!({name: wrong}), &at);
            }
        }
        for (name, longest, longer) in [
            ("user_card_code", "1".repeat(32), "1".repeat(33)),
            ("level", "长".repeat(10), "长".repeat(11)),
            ("card_picture_url", "长".repeat(256), "长".repeat(257)),
        ] {
            refuse(json!({name: longer}), &format!("/{name}"));
            if name != "user_card_code" {
                let row = json!({name: longest, "user_card_code": name});
                let row = with(form.clone(), row);
                let row = match tail {
                    BY_OPENID => with(row, json!({"openid": name})),
                    _ => with(row, json!({"phone_number": caller.seal(name)})),
                };
                assert_eq!(caller.post(tail, row).ok()[name], longest);
            }
        }
        for (members, at) in [
            (json!({"user_card_code": "1 2"}), "/user_card_code"),
            (json!({"user_card_code": "会员1"}), "/user_card_code"),
            (json!({"user_card_code": "１"}), "/user_card_code"),
            (json!({"card_id": "p".repeat(33)}), "/card_id"),
            (json!({"card_color": "yellow"}), "/card_color"),
            (json!({"phone_number": "13800138000"}), "/phone_number"),
            (json!({"phone_number": "A".repeat(513)}), "/phone_number"),
            (json!({"pickup_time": "gestern"}), "/pickup_time"),
            (
                json!({"user_information": {"common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": "男"}]}}),
                "/user_information/common_field_list/0/value",
            ),
            (
                json!({"user_information": {"common_field_list": [{"name": "SHOE_SIZE", "value": ""}]}}),
                "/user_information/common_field_list/0/name",
            ),
            (
                json!({"user_information": {"custom_field_list": [{"name": "长".repeat(33)}]}}),
                "/user_information/custom_field_list/0/name",
            ),
            (
                json!({"user_information": {"custom_field_list": [{"user_chosen_values": [caller.seal("足球"), "篮球"]}]}}),
                "/user_information/custom_field_list/0/user_chosen_values/1",
            ),
            (
                json!({"valid_date_information": {"type": "SOMETIMES"}}),
                "/valid_date_information/type",
            ),
            (
                json!({"valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 0}}),
                "/valid_date_information/available_day_after_receive",
            ),
            (
                json!({"valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 1}}),
                "/pickup_time",
            ),
        ] {
            refuse(members, at);
        }
        let long = format!("13800138000{}", " ".repeat(512));
        for number in [
            json!(13_800_138_000_i64),
            json!([["13800138000"]]),
            json!(long),
        ] {
            let form = with(form.clone(), json!({"phone_number": number}));
            let answer = caller.post(tail, form);
            assert!(!answer.json().to_string().contains("13800138000"));
            answer.blames("/phone_number");
        }
        let unknown = with(form.clone(), json!({"card_id": "p-other"}));
        caller
            .post(tail, unknown)
            .is_refused(404, "RESOURCE_NOT_EXISTS");
    }
    let target = partner.target(BY_OPENID);
    let form = member(CARD_ID, "o-1", "1").to_string();
    partner.send("POST", &target, &form).blames("/brand_id");
    let long = with(member(CARD_ID, "", "1"), json!({"openid": "o".repeat(129)}));
    partner.post(BY_OPENID, long).blames("/openid");
}

#[test]
fn the_validity_is_of_the_templates_type_under_either_name() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    let validities = [
        json!({"type": "PERMANENT"}),
        json!({"type": "FIX_TERM", "available_day_after_receive": 30}),
        json!({
            "type": "FIX_TIME_RANGE",
            "available_begin_time": "2020-05-20T13:29:35+08:00",
            "available_end_time": "2040-05-20T13:29:35+08:00",
        }),
    ];
    for (caller, tail) in [
        (&partner, BY_OPENID),
        (&brand, BY_OPENID),
        (&partner, BY_PHONE),
    ] {
        for of_the_template in &validities {
            let card_id = caller.card_id(json!({"valid_date_information": of_the_template}));
            for (place, validity) in validities.iter().enumerate() {
                for name in ["valid_date_information", "date_information"] {
                    let unique = format!("{place}-{name}");
                    let form =
                        without(member(&card_id, &unique, &unique), "valid_date_information");
                    let more = json!({
                        name: validity,
                        "pickup_time": PICKUP,
                        "phone_number": caller.seal(&unique),
                    });
                    let answer = caller.post(tail, with(form, more));
                    match validity["type"] == of_the_template["type"] {
                        true => assert_eq!(answer.ok()["valid_date_information"], *validity),
                        false => answer.is_refused(400, "INVALID_REQUEST"),
                    }
                }
            }
        }
    }
    // What is said is Chinese throughout, and the details are beside it.
    let wrong = json!({"valid_date_information": {"type": "SOMETIMES"}});
    let answer = partner.post(BY_OPENID, with(member(CARD_ID, "o-1", "1"), wrong));
    let message = text(&answer.json()["message"]);
    assert!(!message.contains("one of"), "{message}");
    let issue = text(&answer.json()["detail"]["issue"]);
    assert!(issue.contains("PERMANENT"), "{issue}");
    // Both are fine as long as they agree.
    let permanent = json!({"type": "PERMANENT"});
    let card_id = partner.card_id(json!({"valid_date_information": permanent}));
    for (tail, form) in [
        (BY_OPENID, member(&card_id, "o-both", "both")),
        (
            BY_PHONE,
            with(
                without(member(&card_id, "", "phone"), "openid"),
                json!({"phone_number": partner.seal("13800138000")}),
            ),
        ),
    ] {
        for differing in [json!({"type": "FIX_TERM"}), json!("PERMANENT")] {
            let both = with(form.clone(), json!({"date_information": differing}));
            partner.post(tail, both).blames("/date_information");
        }
        for agreeing in [json!(null), permanent.clone()] {
            let both = with(form.clone(), json!({"date_information": agreeing}));
            partner.post(tail, both).ok();
        }
    }
    // Its own, not the template's; and where the older name is wrong, that is said.
    let wrong = json!({"date_information": {"type": "FIX_TIME_RANGE"}});
    let form = without(member(CARD_ID, "o-1", "1"), "valid_date_information");
    partner
        .post(BY_OPENID, with(form, wrong))
        .blames("/date_information/available_begin_time");
}

#[test]
fn a_card_of_days_counts_them_from_the_pickup_long_ago() {
    let running = Running::start();
    let partner = running.partner();
    let term = json!({"type": "FIX_TERM", "available_day_after_receive": 30});
    let card_id = partner.card_id(json!({"valid_date_information": term}));
    for (code, pickup, state) in [
        // The day of pickup is the first.
        ("1", "2026-01-01T23:59:59+08:00", "EXPIRED"),
        ("2", "2026-01-02T00:00:00+08:00", "EFFECTIVE"),
        ("3", "2026-01-01T16:00:00Z", "EFFECTIVE"),
    ] {
        running.freeze("2026-01-31T00:00:00+08:00");
        let more = json!({"valid_date_information": term, "pickup_time": pickup});
        let form = with(member(&card_id, code, code), more);
        let card = partner.post(BY_OPENID, form).ok();
        assert_eq!(card["user_card_state"], state, "{pickup}");
        assert_eq!(card["pickup_time"], pickup);
    }
}

#[test]
fn a_member_and_a_code_are_imported_once() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    let card_id = partner.card_id(json!({}));
    running.freeze("2026-01-01T12:00:00+08:00");
    let first = partner.post(BY_OPENID, member(&card_id, "o-1", "1")).ok();
    running.freeze("2026-01-02T12:00:00+08:00");
    for caller in [&partner, &brand] {
        let again = |row: Value| caller.post(BY_OPENID, row);
        let row = member(&card_id, "o-1", "1");
        assert_eq!(again(row.clone()).ok(), first);
        // What is stored counts, not what else the row says now.
        assert_eq!(again(with(row, json!({"level": "钻石"}))).ok(), first);
        again(member(&card_id, "o-1", "2")).is_refused(400, "RESOURCE_ALREADY_EXISTS");
        again(member(&card_id, "o-2", "1")).is_refused(400, "RESOURCE_ALREADY_EXISTS");
    }
    // A code is one template's, and a user may be a member of several.
    let other = partner.card_id(json!({}));
    partner.post(BY_OPENID, member(&other, "o-1", "1")).ok();

    // Those who joined themselves count too, confirmed or not.
    running
        .play("o-3", "join", json!({"card_id": card_id}))
        .ok();
    let answer = partner.post(BY_OPENID, member(&card_id, "o-3", "3"));
    answer.is_refused(400, "RESOURCE_ALREADY_EXISTS");
    let range = json!({
        "type": "FIX_TIME_RANGE",
        "available_begin_time": "2020-05-20T13:29:35+08:00",
        "available_end_time": "2040-05-20T13:29:35+08:00",
    });
    let sample = |openid, code| {
        with(
            member(CARD_ID, openid, code),
            json!({"valid_date_information": range}),
        )
    };
    let stored = partner.opened(partner.post(BY_OPENID, sample(OPENID, CODE)).ok());
    assert_eq!(stored["level"], "钻石会员");
    for row in [sample(OPENID, "4"), sample("o-4", CODE)] {
        let answer = partner.post(BY_OPENID, row);
        answer.is_refused(400, "RESOURCE_ALREADY_EXISTS");
    }
    // Who left may come again, under another code; the old one stays what it is.
    running
        .play("o-1", "delete-card", json!({"card_id": card_id}))
        .ok();
    let left = partner.post(BY_OPENID, member(&card_id, "o-1", "1")).ok();
    assert_eq!(left["user_card_state"], "INVALID");
    let answer = partner.post(BY_OPENID, member(&card_id, "o-5", "1"));
    answer.is_refused(400, "RESOURCE_ALREADY_EXISTS");
    partner.post(BY_OPENID, member(&card_id, "o-1", "6")).ok();
}

#[test]
fn a_number_always_has_the_same_openid() {
    let running = Running::start();
    let partner = running.partner();
    let other_app = json!({"appid": "wx0000000000000000"});
    let cards = [json!({}), json!({}), other_app].map(|members| partner.card_id(members));
    let import = |card_id: &str, phone: &str, code: &str| {
        let form = without(member(card_id, "", code), "openid");
        let phone = json!({"phone_number": partner.seal(phone)});
        partner.post(BY_PHONE, with(form, phone))
    };
    let first = import(&cards[0], "13800138000", "1").ok();
    let openid = text(&first["openid"]);
    assert!(openid.starts_with('o') && openid.len() == 28, "{openid}");
    assert!(!openid.contains("13800138000"));
    assert_eq!(partner.signer.open(&first["phone_number"]), "13800138000");
    // The same card again; another template of the same app; others.
    let again = import(&cards[0], "13800138000", "1").ok();
    assert_eq!(partner.opened(again), partner.opened(first.clone()));
    assert_eq!(import(&cards[1], "13800138000", "1").ok()["openid"], openid);
    assert_ne!(import(&cards[2], "13800138000", "1").ok()["openid"], openid);
    assert_ne!(import(&cards[0], "13900139000", "2").ok()["openid"], openid);
    import(&cards[0], "13800138000", "3").is_refused(400, "RESOURCE_ALREADY_EXISTS");
    import(&cards[0], "13700137000", "1").is_refused(400, "RESOURCE_ALREADY_EXISTS");
    assert_eq!(own(&partner, &first)["openid"], openid);
    assert_eq!(running.notified(), 0);

    let restarted = Running::in_folder(running.stop(), |builder| {
        builder.rate_limits(kabao_sandbox::RateLimits::Off)
    });
    let partner = restarted.partner();
    let form = without(member(&cards[0], "", "1"), "openid");
    let phone = json!({"phone_number": partner.seal("13800138000")});
    let card = partner.post(BY_PHONE, with(form, phone)).ok();
    assert_eq!(card["openid"], openid);
}

#[test]
fn a_brand_does_not_import_by_phone() {
    let running = Running::start();
    let brand = running.own_brand();
    let form = member(CARD_ID, "", "1");
    // A card might have that code, and would be read or changed there.
    assert_eq!(
        brand.post(BY_PHONE, form).refusal(),
        (405, "INVALID_REQUEST".into())
    );
}
