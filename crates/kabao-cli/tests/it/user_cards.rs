//! `kabao user-card import|confirm|invalidate`. Showing and changing cards is
//! `main_job`.

use serde_json::json;

use crate::world::{CARD_ID, CODE, OPENID, World};

#[test]
fn a_member_is_imported() {
    let world = World::new();
    let imported = world
        .run(&[
            "user-card",
            "import",
            "800000001234",
            "--openid=oNew",
            "--phone-number=13900139000",
            "--level=黄金会员",
            "--card-color=#204080",
            "--common=sex=女",
            "--custom=喜欢的运动=足球,篮球",
            "--pickup-time=2024-06-01",
        ])
        .ok();
    for (name, value) in [
        ("user_card_code", "800000001234"),
        ("user_card_state", "EFFECTIVE"),
        ("level", "黄金会员"),
        ("phone_number", "13900139000"),
        ("USER_FORM_FLAG_SEX", "女"),
        ("custom_field_list", "足球, 篮球"),
        ("pickup_time", "2024-06-01 00:00:00"),
        // The template's.
        (
            "valid_date_information",
            "2020-05-20 13:29:35 → 2030-05-20 13:29:35",
        ),
        ("openid", "oNew"),
    ] {
        let line = imported.line(name);
        assert!(line.ends_with(value), "{line}");
    }

    let json = ["--output", "json"];
    let by_phone = [
        "user-card",
        "import",
        "9",
        "--by-phone",
        "--phone-number",
        "-",
    ];
    let card = world.run_with_stdin(&[&by_phone[..], &json].concat(), "13700137000\n");
    assert_eq!(card.ok().json()["phone_number"], "13700137000");

    let body = json!({
        "brand_id": "1004", "card_id": CARD_ID, "openid": "oFile", "user_card_code": "77",
        "phone_number": "13600136000", "level": "银卡",
        "valid_date_information": {
            "type": "FIX_TIME_RANGE",
            "available_begin_time": "2026-01-01T00:00:00+08:00",
            "available_end_time": "2099-01-01T00:00:00+08:00",
        },
        "user_information": {"common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": "男"}]},
    });
    let import = ["user-card", "import", "--json", "-", "--output", "json"];
    let card = world.run_with_stdin(&import, &body.to_string()).ok().json();
    for name in [
        "openid",
        "user_card_code",
        "phone_number",
        "valid_date_information",
    ] {
        assert_eq!(card[name], body[name], "{name}");
    }
    assert_eq!(card["user_information"], body["user_information"]);
    // The same again gives the same card.
    let again = [
        "user-card",
        "import",
        "77",
        "--json",
        "-",
        "--output",
        "json",
    ];
    let again = world.run_with_stdin(&again, &body.to_string()).ok().json();
    assert_eq!(again["create_time"], card["create_time"]);
}

#[test]
fn mistakes_of_an_import_are_told() {
    let world = World::new();
    let import = |arguments: &[&str]| world.run(&[&["user-card", "import"], arguments].concat());
    import(&[]).failed(2, &["<CODE>"]);
    import(&["1", "--by-phone"]).failed(2, &["/phone_number", "--phone-number"]);
    import(&["1", "--by-phone", "--openid=o"]).failed(2, &["cannot be used with"]);
    import(&["1", "--openid=oNew", "--valid=30d"]).failed(2, &["/pickup_time", "--pickup-time"]);
    import(&["1", "--openid=oNew", "--valid=permanent"]).failed(1, &["400 INVALID_REQUEST"]);
    import(&["1", "--common=zodiac=x"]).failed(2, &["--common zodiac", "sex, name"]);
    import(&[CODE, "--openid=oNew"]).failed(1, &["RESOURCE_ALREADY_EXISTS", "user-card list"]);
    import(&["1", "--card-id=pNone"]).failed(1, &["404", "kabao card list"]);
    let file = |text: &str, more: &[&str]| {
        let command = [&["user-card", "import", "--json", "-"], more].concat();
        world.run_with_stdin(&command, text)
    };
    file(r#"{"user_card_code": "1"}"#, &[]).failed(2, &["valid_date_information is missing"]);
    let valid = r#""valid_date_information": {"type": "PERMANENT"}"#;
    file(&format!("{{{valid}}}"), &[]).failed(2, &["user_card_code is missing", "CODE"]);
    let whole = format!(r#"{{"user_card_code": "1", "openid": "o", {valid}}}"#);
    file(&whole, &["2"]).failed(2, &["user_card_code is 2 on the command line, but 1"]);
    file(&whole, &["--by-phone"]).failed(2, &["unknown field `openid`"]);
    let told = file(r#"{"phone_number": 13912345678}"#, &[]).failed(2, &["expected a string"]);
    assert!(!told.stderr.contains("139"), "{}", told.stderr);
}

#[test]
fn a_membership_is_confirmed() {
    let world = World::new();
    // The sample card is open already; the same outcome again changes nothing.
    let confirmed = world.run(&["user-card", "confirm", CODE]).ok();
    assert!(confirmed.line("user_card_state").ends_with("EFFECTIVE"));
    let confirm = [
        "user-card",
        "confirm",
        CODE,
        "--state=already-exists",
        "--output=json",
    ];
    assert_eq!(world.run(&confirm).ok().json()["level"], "钻石会员");
    let body = json!({"brand_id": "1004", "card_id": CARD_ID, "openid": OPENID,
        "user_card_confirm_state": "CREATE_CARD_SUCCESS", "level": "金卡"});
    let confirm = [
        "user-card",
        "confirm",
        CODE,
        "--json",
        "-",
        "--output",
        "json",
    ];
    world.run_with_stdin(&confirm, &body.to_string()).ok();

    let confirm = |arguments: &[&str]| {
        let command = [&["user-card", "confirm", CODE], arguments].concat();
        world.run(&command)
    };
    confirm(&["--state=FAIL"]).failed(1, &["400 INVALID_REQUEST"]);
    confirm(&["--state=maybe"]).failed(2, &["SUCCESS, FAIL, ALREADY_EXISTS"]);
    confirm(&["--level=一二三四五六七八九十一"]).failed(2, &["/level", "count one each"]);
    confirm(&["--pickup-time=2026-01-01"]).failed(2, &["--pickup-time"]);
    confirm(&["--openid=nobody"]).failed(1, &["404", "--openid"]);
    let outcome = world.run_with_stdin(&["user-card", "confirm", CODE, "--json", "-"], "{}");
    outcome.failed(2, &["user_card_confirm_state is missing", "--state"]);
}

#[test]
fn a_card_is_invalidated_for_a_reason() {
    let world = World::new();
    let invalidate = |arguments: &[&str]| {
        let command = [&["user-card", "invalidate", CODE], arguments].concat();
        world.run(&command)
    };
    let long = format!("--reason={}", "因".repeat(33));
    invalidate(&[&long]).failed(2, &["/invalid_reason", "at most 32 characters"]);
    invalidate(&["--reason=x", "--openid=nobody"]).failed(1, &["404", "--openid"]);

    let ended = invalidate(&["--reason=用户注销"]).ok();
    assert!(ended.line("user_card_state").ends_with("INVALID"));
    assert!(ended.line("invalid_reason").ends_with("用户注销"));
    ended.line("invalid_time");
    let body = json!({"card_id": CARD_ID, "openid": OPENID, "invalid_reason": "x"});
    let again = [
        "user-card",
        "invalidate",
        CODE,
        "--json",
        "-",
        "--output",
        "json",
    ];
    let again = world.run_with_stdin(&again, &body.to_string()).ok().json();
    assert_eq!(again["invalid_reason"], "用户注销");
    // A reason is not needed.
    invalidate(&[]).ok();
    world
        .run(&["user-card", "update", CODE, "--level=x"])
        .failed(1, &["400 INVALID_REQUEST"]);
}
