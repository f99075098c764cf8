//! The rules of a user's card, in raw JSON.

use serde_json::{Value, json};

use crate::support::{
    BRAND_CARD_PATH, CARD_ID, CARD_PATH, CODE, OPENID, Running, Signer, card_target, change,
    patch_target,
};

fn opened(signer: &Signer<'_>, mut card: Value) -> Value {
    let open = |value: &mut Value| *value = json!(signer.open(value));
    open(&mut card["phone_number"]);
    open(&mut card["user_information"]["common_field_list"][0]["value"]);
    open(&mut card["user_information"]["custom_field_list"][0]["user_chosen_values"][0]);
    card
}

#[test]
fn the_sample_card_has_the_documented_members() {
    let running = Running::start();
    let merchant = running.merchant();
    let card = opened(&merchant, merchant.get(&card_target()).json());
    assert_eq!(
        card,
        json!({
            "user_card_code": CODE,
            "card_id": CARD_ID,
            "openid": OPENID,
            "card_color": "#FFFF00",
            "card_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0",
            "brand_id": "1004",
            "card_type": "NORMAL",
            "phone_number": "13800138000",
            "level": "钻石会员",
            "valid_date_information": {
                "type": "FIX_TIME_RANGE",
                "available_begin_time": "2020-05-20T13:29:35.120+08:00",
                "available_end_time": "2030-05-20T13:29:35.120+08:00",
            },
            "pickup_time": "2020-05-20T13:29:35.120+08:00",
            "user_information": {
                "common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": "男"}],
                "custom_field_list": [{"name": "喜欢的运动", "user_chosen_values": ["足球"]}],
            },
            "attach": "自定义数据说明",
            "user_card_state": "EFFECTIVE",
            "create_time": "2025-08-01T10:00:00.000+08:00",
            "modify_time": "2025-08-01T10:00:00.000+08:00",
        })
    );
}

#[test]
fn the_brand_sees_the_same_card_sealed_for_itself() {
    let running = Running::start();
    let brand = running.brand();
    let answer = brand.get(&format!(
        "{BRAND_CARD_PATH}?card_id={CARD_ID}&openid={OPENID}"
    ));
    let card = opened(&brand, answer.json());
    assert_eq!(card["phone_number"], "13800138000");
    assert_eq!(card["brand_id"], "1004");
}

#[test]
fn every_part_of_the_key_must_fit() {
    let running = Running::start();
    let merchant = running.merchant();
    let target = |path: &str, brand: &str, card: &str, openid: &str| {
        format!("{path}?brand_id={brand}&card_id={card}&openid={openid}")
    };
    let cases = [
        (
            target(
                &CARD_PATH.replace(CODE, "000000000000"),
                "1004",
                CARD_ID,
                OPENID,
            ),
            404,
            "RESOURCE_NOT_EXISTS",
        ),
        (
            target(CARD_PATH, "1004", "p-other", OPENID),
            404,
            "RESOURCE_NOT_EXISTS",
        ),
        (
            target(CARD_PATH, "1004", CARD_ID, "o-other"),
            404,
            "RESOURCE_NOT_EXISTS",
        ),
        (target(CARD_PATH, "9999", CARD_ID, OPENID), 403, "NO_AUTH"),
        (
            format!("{CARD_PATH}?brand_id=1004&card_id={CARD_ID}"),
            400,
            "PARAM_ERROR",
        ),
        (
            format!("{CARD_PATH}?card_id={CARD_ID}&openid={OPENID}"),
            400,
            "PARAM_ERROR",
        ),
        (target(CARD_PATH, "", CARD_ID, OPENID), 400, "PARAM_ERROR"),
        (
            target(CARD_PATH, &"1".repeat(33), CARD_ID, OPENID),
            400,
            "PARAM_ERROR",
        ),
    ];
    for (target, status, code) in cases {
        let answer = merchant.get(&target);
        assert_eq!(answer.refusal(), (status, code.into()), "{target}");
        running.verified(&answer);
    }
}

#[test]
fn a_change_replaces_what_is_there_and_keeps_the_rest() {
    let running = Running::start();
    let merchant = running.merchant();
    let body = change(json!({
        "level": "黄金会员",
        "card_color": "#0A0b0C",
        "phone_number": running.seal("13900139000"),
        "card_picture_url": null,
        "unknown_member": {"is": "ignored"},
    }));
    let answer = merchant.patch(&patch_target(), &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    running.verified(&answer);
    let changed = opened(&merchant, answer.json());
    assert_eq!(changed["level"], "黄金会员");
    assert_eq!(changed["card_color"], "#0A0b0C");
    assert_eq!(changed["phone_number"], "13900139000");
    assert_eq!(
        changed["card_picture_url"],
        "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0"
    );
    assert_eq!(changed["attach"], "自定义数据说明");
    assert_ne!(changed["modify_time"], changed["create_time"]);
    assert_eq!(changed.get("unknown_member"), None);
    assert_eq!(
        opened(&merchant, merchant.get(&card_target()).json()),
        changed
    );

    // An empty text clears; an object replaces as a whole.
    let body = change(json!({
        "attach": "",
        "user_information": {"common_field_list": [{"name": "USER_FORM_FLAG_CITY", "value": running.seal("深圳")}]},
    }));
    let card = merchant.patch(&patch_target(), &body).json();
    assert_eq!(card.get("attach"), None);
    assert_eq!(card["user_information"].get("custom_field_list"), None);
    assert_eq!(
        merchant.open(&card["user_information"]["common_field_list"][0]["value"]),
        "深圳"
    );
}

#[test]
fn card_id_may_stand_in_the_query_or_in_the_body() {
    let running = Running::start();
    let merchant = running.merchant();
    let brand = running.brand();
    let level = |level: &str| json!({"openid": OPENID, "level": level, "card_id": CARD_ID});
    assert_eq!(merchant.patch(CARD_PATH, &change(level("一"))).status, 200);
    assert_eq!(brand.patch(BRAND_CARD_PATH, &level("二")).status, 200);
    let target = format!("{BRAND_CARD_PATH}?card_id={CARD_ID}");
    assert_eq!(
        brand
            .patch(&target, &json!({"openid": OPENID, "level": "三"}))
            .status,
        200
    );
    // The same twice is fine, two different are not, none is not.
    assert_eq!(
        merchant.patch(&patch_target(), &change(level("四"))).status,
        200
    );
    let mut differing = change(level("五"));
    differing["card_id"] = json!("p-other");
    assert_eq!(
        merchant.patch(&patch_target(), &differing).refusal(),
        (400, "PARAM_ERROR".into())
    );
    assert_eq!(
        merchant
            .patch(CARD_PATH, &change(json!({"level": "六"})))
            .refusal(),
        (400, "PARAM_ERROR".into())
    );
    assert_eq!(merchant.get(&card_target()).json()["level"], "四");
}

#[test]
fn bad_members_are_named() {
    let running = Running::start();
    let merchant = running.merchant();
    let cases = [
        (json!({"level": "超过十个字符的会员等级名称"}), "/level"),
        (json!({"card_color": "yellow"}), "/card_color"),
        (json!({"card_color": "#FFFF0"}), "/card_color"),
        (json!({"attach": "长".repeat(257)}), "/attach"),
        (json!({"level": 5}), "/level"),
        (json!({"phone_number": "13800138000"}), "/phone_number"),
        (json!({"phone_number": "A".repeat(513)}), "/phone_number"),
        (json!({"level": "😀"}), "/level"),
        (
            json!({"valid_date_information": {"type": "SOMETIMES"}}),
            "/valid_date_information/type",
        ),
        (
            json!({"valid_date_information": {"type": "FIX_TERM"}}),
            "/valid_date_information/available_day_after_receive",
        ),
        (
            json!({"valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 10959}}),
            "/valid_date_information/available_day_after_receive",
        ),
        (
            json!({"valid_date_information": {"type": "FIX_TIME_RANGE", "available_begin_time": "2030-05-20T13:29:35+08:00", "available_end_time": "2020-05-20T13:29:35+08:00"}}),
            "/valid_date_information/available_end_time",
        ),
        (json!({"pickup_time": "gestern"}), "/pickup_time"),
        (
            json!({"user_information": {"common_field_list": [{"name": "SHOE_SIZE", "value": ""}]}}),
            "/user_information/common_field_list/0/name",
        ),
        (
            json!({"user_information": {"common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": "男"}]}}),
            "/user_information/common_field_list/0/value",
        ),
        (
            json!({"user_information": {"custom_field_list": "足球"}}),
            "/user_information/custom_field_list",
        ),
    ];
    for (members, field) in cases {
        let answer = merchant.patch(&patch_target(), &change(members.clone()));
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{members}");
        assert_eq!(answer.json()["detail"]["field"], field, "{members}");
        running.verified(&answer);
    }
    // Of a member that belongs in the body the pointer is given.
    let answer = merchant.patch(&patch_target(), &json!({"brand_id": "1004", "level": "x"}));
    assert_eq!(answer.json()["detail"]["field"], "/openid");
    assert_eq!(answer.json()["detail"]["location"], "body");
    let answer = merchant.get(CARD_PATH);
    assert_eq!(answer.json()["detail"]["field"], "brand_id");
    assert_eq!(answer.json()["detail"]["location"], "query");
    for body in ["{", "[]", "\"text\"", "{\"level\":\"\u{0}"] {
        let answer = merchant.send("PATCH", &patch_target(), body);
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{body}");
    }
    let unchanged = merchant.get(&card_target()).json();
    assert_eq!(unchanged["modify_time"], unchanged["create_time"]);
}

#[test]
fn what_does_not_fit_is_not_echoed() {
    let running = Running::start();
    let number = json!(13_800_138_000_i64);
    let form = json!({"common_field_list": [{"name": "USER_FORM_FLAG_NAME", "value": number}]});
    for (members, at) in [
        (json!({"phone_number": number}), "/phone_number"),
        (json!({"user_information": form}), "/user_information"),
    ] {
        let body = change(members).to_string();
        let answer = running.merchant().send("PATCH", &patch_target(), &body);
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()));
        let text = answer.json().to_string();
        assert!(text.contains(at) && text.contains("expected"), "{text}");
        assert!(!text.contains("13800138000"), "{text}");
    }
}

#[test]
fn sealed_values_open_with_the_key_that_has_to_be_named() {
    let running = Running::start();
    let mut merchant = running.merchant();
    let certificate =
        kabao_core::PublicKey::from_pem(&running.credentials.merchant.platform_certificate_pem)
            .unwrap();
    let with_certificate = |value: &str| {
        use kabao_core::sensitive::Sealer as _;
        certificate.seal(&value.into()).unwrap().as_str().to_owned()
    };
    let mut try_with = |serial: Option<&str>, phone: String| {
        merchant.wechatpay_serial = serial.map(str::to_owned);
        merchant
            .patch(&patch_target(), &change(json!({"phone_number": phone})))
            .status
    };
    let public_key_id = running
        .credentials
        .merchant
        .wechatpay_public_key_id
        .as_str();
    let serial = running.credentials.merchant.platform_serial_no.as_str();
    assert_eq!(try_with(Some(public_key_id), running.seal("2")), 200);
    assert_eq!(try_with(Some(serial), with_certificate("3")), 200);
    assert_eq!(try_with(Some(public_key_id), with_certificate("4")), 400);
    assert_eq!(try_with(Some(serial), running.seal("5")), 400);
    let opened = running.merchant().get(&card_target()).json()["phone_number"].clone();
    assert_eq!(running.merchant().open(&opened), "3");
}

#[test]
fn a_request_with_sealed_values_names_the_key() {
    let running = Running::start();
    let sealed = running.seal("13900139000");
    let answer = json!({"name": "喜欢的运动", "user_chosen_values": [sealed]});
    let echo = json!({"echo_message": "1", "encrypted_echo_message": sealed});
    let [echo, bare] = [echo.to_string(), json!({"echo_message": "1"}).to_string()];
    let change = |members| change(members).to_string();
    let form = json!({"user_information": {"custom_field_list": [answer]}});
    let (patch, post) = (
        ("PATCH", patch_target()),
        ("POST", "/v3/security/echo".into()),
    );
    for ((method, target), body, needs_name) in [
        (&patch, change(json!({"phone_number": sealed})), true),
        (&patch, change(form), true),
        (&post, echo, true),
        (
            &patch,
            change(json!({"phone_number": "", "level": "黄金会员"})),
            false,
        ),
        (&post, bare, false),
    ] {
        let mut merchant = running.merchant();
        assert_eq!(merchant.send(method, target, &body).status, 200, "{body}");
        merchant.wechatpay_serial = None;
        let answer = merchant.send(method, target, &body);
        match needs_name {
            false => assert_eq!(answer.status, 200, "{body}"),
            true => {
                assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()), "{body}");
                let message = answer.json()["message"].to_string();
                assert!(message.contains("缺少Http头Wechatpay-Serial"), "{message}");
            }
        }
    }
}

#[test]
fn validity_ends_a_card_when_it_is_read_and_a_change_revives_it() {
    let running = Running::start();
    let merchant = running.merchant();
    let state = || merchant.get(&card_target()).json()["user_card_state"].clone();
    running.control_ok(
        "PUT",
        "/_sandbox/clock",
        Some(json!({"now": "2030-05-20T13:29:35.119+08:00", "frozen": true})),
    );
    assert_eq!(state(), "EFFECTIVE");
    running.control_ok(
        "PUT",
        "/_sandbox/clock",
        Some(json!({"now": "2030-05-20T13:29:35.120+08:00"})),
    );
    assert_eq!(state(), "EXPIRED");
    let validity = json!({"valid_date_information": {"type": "PERMANENT"}});
    let card = merchant.patch(&patch_target(), &change(validity)).json();
    assert_eq!(card["user_card_state"], "EFFECTIVE");
    assert_eq!(card["modify_time"], "2030-05-20T13:29:35.120+08:00");
    // FIX_TERM: the pickup day is day 1, the end is the next midnight in China.
    let validity = json!({
        "valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 2},
        "pickup_time": "2030-05-19T23:59:59+08:00",
    });
    assert_eq!(
        merchant.patch(&patch_target(), &change(validity)).json()["user_card_state"],
        "EFFECTIVE"
    );
    running.control_ok(
        "PUT",
        "/_sandbox/clock",
        Some(json!({"now": "2030-05-20T23:59:59.999+08:00"})),
    );
    assert_eq!(state(), "EFFECTIVE");
    running.control_ok(
        "PUT",
        "/_sandbox/clock",
        Some(json!({"now": "2030-05-21T00:00:00+08:00"})),
    );
    assert_eq!(state(), "EXPIRED");
    // Not begun yet is still EFFECTIVE.
    let validity = json!({"valid_date_information": {"type": "FIX_TIME_RANGE", "available_begin_time": "2031-01-01T00:00:00+08:00", "available_end_time": "2032-01-01T00:00:00+08:00"}});
    assert_eq!(
        merchant.patch(&patch_target(), &change(validity)).json()["user_card_state"],
        "EFFECTIVE"
    );
}

#[test]
fn a_users_cards_are_listed_by_pages() {
    let running = Running::start();
    let merchant = running.merchant();
    let list = |query: &str| {
        merchant.get(&format!(
            "/v3/brand/partner/card-member/user-cards?brand_id=1004&openid={OPENID}&{query}"
        ))
    };
    let page = list("offset=0&limit=20").json();
    assert_eq!(page["total_count"], 1);
    assert_eq!((&page["offset"], &page["limit"]), (&json!(0), &json!(20)));
    assert_eq!(
        merchant.open(&page["data"][0]["phone_number"]),
        "13800138000"
    );
    assert_eq!(list("offset=1&limit=20").json()["data"], json!([]));
    assert_eq!(
        list("offset=0&limit=1&user_card_state=EXPIRED").json()["total_count"],
        0
    );
    for bad in [
        "offset=0",
        "limit=1",
        "offset=-1&limit=1",
        "offset=0&limit=0",
        "offset=0&limit=21",
        "offset=0&limit=1&user_card_state=SLEEPY",
        "offset=x&limit=1",
    ] {
        assert_eq!(list(bad).refusal(), (400, "PARAM_ERROR".into()), "{bad}");
    }
    let brand = running.brand();
    let page = brand
        .get(&format!(
            "/brand/card-member/user-cards?openid={OPENID}&offset=0&limit=5"
        ))
        .json();
    assert_eq!(page["total_count"], 1);
}

#[test]
fn a_card_with_many_answers_keeps_every_one_in_its_place() {
    let running = Running::start();
    let merchant = running.merchant();
    let wanted: Vec<String> = (0..40).map(|number| format!("答案{number}")).collect();
    let sealed: Vec<String> = wanted.iter().map(|value| running.seal(value)).collect();
    let information = json!({
        "custom_field_list": [{"name": "喜欢的运动", "user_chosen_values": sealed}],
    });
    let changed = merchant
        .patch(
            &patch_target(),
            &change(json!({"user_information": information})),
        )
        .ok();
    let listed = merchant
        .get(&format!(
            "/v3/brand/partner/card-member/user-cards?brand_id=1004&openid={OPENID}&offset=0&limit=20"
        ))
        .ok();
    for card in [
        &changed,
        &merchant.get(&card_target()).ok(),
        &listed["data"][0],
    ] {
        let field = &card["user_information"]["custom_field_list"][0];
        let values = field["user_chosen_values"].as_array().expect("a list");
        let values: Vec<String> = values.iter().map(|value| merchant.open(value)).collect();
        assert_eq!(values, wanted);
    }
}

#[test]
fn the_template_of_the_sample_card_is_there_for_both_callers() {
    let running = Running::start();
    let merchant = running.merchant();
    let target = format!("/v3/brand/partner/card-member/cards/{CARD_ID}?brand_id=1004");
    let card = merchant.get(&target).json();
    assert_eq!(card["card_type"], "NORMAL");
    assert_eq!(card["code_mode"], "SYSTEM_ALLOCATE");
    assert_eq!(
        card["user_information"]["common_field_list"],
        json!(["USER_FORM_FLAG_SEX"])
    );
    assert_eq!(
        card["user_information"]["custom_field_list"],
        json!([{"type": "CHECK_BOX", "name": "喜欢的运动", "values": ["篮球", "足球"]}])
    );
    let brand = running.brand();
    assert_eq!(
        brand
            .get(&format!("/brand/card-member/cards/{CARD_ID}"))
            .json(),
        card
    );
    let unknown = merchant.get(&target.replace(CARD_ID, "p-other"));
    assert_eq!(unknown.refusal(), (404, "RESOURCE_NOT_EXISTS".into()));
}
