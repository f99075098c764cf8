//! `kabao sandbox user`: what members do, and what the merchant answers.

use serde_json::{Value, json};

use crate::world::{CODE, World};

/// Plays a member and gives the answer.
fn play(world: &World, arguments: &[&str]) -> Value {
    let command = [&["sandbox", "user"], arguments, &["--output=json"]].concat();
    world.run(&command).ok().json()
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_else(|| panic!("no {pointer} in {value}"))
}

#[test]
fn who_joins_is_confirmed_and_keeps_the_answers() {
    let world = World::new();
    let token = world
        .run(&["token", "pre-auth", "--openid=oNew", "--output=json"])
        .ok()
        .json();
    let token = format!("--token={}", text(&token, "/token"));
    let join = [
        "sandbox",
        "user",
        "join",
        "--openid=oNew",
        &token,
        "--phone-number=13900139000",
        "--common=sex=女",
        "--custom=喜欢的运动=足球",
    ];
    let joined = world.run(&join).ok();
    assert!(joined.line("user_card_state").ends_with("UNACTIVATED"));
    assert!(joined.line("phone_number").ends_with("13900139000"));
    joined.line("notification_id");
    let code = joined.line("user_card_code").split_whitespace().last();
    let code = code.expect("a code");

    let confirm = [
        "user-card",
        "confirm",
        code,
        "--openid=oNew",
        "--level=白银会员",
        "--attach=a",
        "--common=city=深圳",
        "--custom=喜欢的运动=篮球",
    ];
    let confirmed = world.run(&confirm).ok();
    for (name, value) in [
        ("user_card_state", "EFFECTIVE"),
        ("level", "白银会员"),
        ("attach", "a"),
        ("USER_FORM_FLAG_SEX", "女"),
        ("USER_FORM_FLAG_CITY", "深圳"),
        ("custom_field_list", "篮球"),
        ("phone_number", "13900139000"),
    ] {
        let line = confirmed.line(name);
        assert!(line.ends_with(value), "{line}");
    }
    world
        .run(&["sandbox", "user", "join", "--openid=oNew"])
        .failed(1, &["INVALID_REQUEST"]);
}

#[test]
fn a_membership_that_cannot_be_opened_ends() {
    let world = World::new();
    let joined = play(&world, &["join", "--openid=oNew"]);
    let code = text(&joined, "/user_card/user_card_code");
    let confirm = |more: &[&str]| {
        let command = [&["user-card", "confirm", code, "--openid=oNew"], more].concat();
        world.run(&command)
    };
    let failed = confirm(&["--state=FAIL"]).ok();
    assert!(failed.line("user_card_state").ends_with("INVALID"));
    confirm(&[]).failed(1, &["400 INVALID_REQUEST"]);
}

#[test]
fn where_the_merchant_allocates_the_code_is_the_confirmations() {
    let world = World::new();
    let created = world.run(&[
        "card",
        "create",
        "--appid=wx1",
        "--code-mode=merchant-allocate",
        "--code-type=BAR_CODE",
        "--card-title=会员卡",
        "--card-color=#1F6F54",
        "--card-picture-url=https://p.example/0",
        "--benefits=x",
        "--valid=permanent",
        "--notify-url=https://n.example/",
        "--ask=sex",
        "--output=json",
    ]);
    let created = created.ok().json();
    let card_id = format!("--card-id={}", text(&created, "/card_id"));
    play(
        &world,
        &["join", &card_id, "--openid=oNew", "--common=sex=男"],
    );
    let confirm = [
        "user-card",
        "confirm",
        "VIP-0001",
        &card_id,
        "--openid=oNew",
        "--common=city=北京",
        "--output=json",
    ];
    let card = world.run(&confirm).ok().json();
    assert_eq!(card["user_card_code"], "VIP-0001");
    let answers = json!([
        {"name": "USER_FORM_FLAG_SEX", "value": "男"},
        {"name": "USER_FORM_FLAG_CITY", "value": "北京"},
    ]);
    assert_eq!(card["user_information"]["common_field_list"], answers);
}

#[test]
fn a_wish_for_a_coupon_is_answered() {
    let world = World::new();
    let wish = |more: &[&str]| play(&world, &[&["exchange-coupon"], more].concat());
    let answer = |asked: &Value, more: &[&str]| {
        let record = format!("--record-id={}", text(asked, "/exchange/record_id"));
        let template = text(asked, "/exchange/exchange_coupon_template_id");
        let template = format!("--exchange-coupon-template-id={template}");
        let command = ["points", "confirm-exchange", CODE, &record, &template];
        world.run(&[&command, more].concat())
    };

    let asked = wish(&[
        "--deduct-points=500",
        "--stock-id=7",
        "--product-coupon-id=8",
        "--exchange-coupon-template-id=T",
    ]);
    assert_eq!(asked["exchange"]["deduct_points"], 500);
    assert_eq!(asked["exchange"]["exchange_coupon_template_id"], "T");
    let issued = answer(&asked, &["--result=allow"]).ok();
    assert!(
        issued
            .line("state")
            .ends_with("POINT_EXCHANGE_COUPON_SUCCESS")
    );
    assert!(issued.line("stock_id").ends_with('7'));
    issued.line("coupon_code");
    answer(&asked, &["--result=REJECT", "--reject-reason=x"]).failed(1, &["INVALID_REQUEST"]);

    let asked = wish(&[]);
    let rejected = answer(&asked, &["--result=reject", "--reject-reason=积分不足"]).ok();
    assert!(rejected.line("reject_reason").ends_with("积分不足"));
    assert!(
        !rejected.stderr.contains("give the points back"),
        "{}",
        rejected.stderr
    );

    let asked = wish(&["--fail"]);
    let body = json!({
        "record_id": asked["exchange"]["record_id"], "user_card_code": CODE,
        "exchange_coupon_template_id": asked["exchange"]["exchange_coupon_template_id"],
        "brand_id": "1004", "result": "POINT_EXCHANGE_COUPON_ALLOW",
    });
    let file = [
        "points",
        "confirm-exchange",
        "--json",
        "-",
        "--output",
        "json",
    ];
    let failed = world.run_with_stdin(&file, &body.to_string()).ok();
    assert_eq!(failed.json()["state"], "POINT_EXCHANGE_COUPON_FAIL");
    assert!(
        failed
            .stderr
            .contains("warning: no coupon was issued: give the points back")
    );
}

#[test]
fn members_pay_ask_and_leave() {
    let world = World::new();
    let attach = "--attach=abcell=1_100&card_id=pbLatjvWOibDc5-TBnbUk1pD12o0&user_card_code=8000";
    let paid = play(&world, &["pay", "--openid=oPay", attach]);
    assert_eq!(paid["user_card"]["user_card_code"], "8000");
    assert_eq!(paid["user_card"]["user_card_state"], "EFFECTIVE");

    let token = world
        .run(&["token", "pay-view", "--output=json"])
        .ok()
        .json();
    let token = format!("--token={}", text(&token, "/token"));
    assert_eq!(
        play(&world, &["show-pay-code", &token]),
        json!({"opened": true})
    );
    world
        .run(&["sandbox", "user", "show-pay-code", &token])
        .failed(1, &["INVALID_REQUEST"]);

    let asked = play(&world, &["ask-points"]);
    let id = text(&asked, "/notification_id");
    let shown = world.run(&["sandbox", "notifications", "show", id]).ok();
    assert!(shown.stdout.contains("SYNC_USER_POINT"), "{}", shown.stdout);
    let listed = world.run(&["sandbox", "notifications", "list"]).ok();
    assert!(listed.stdout.contains(id), "{}", listed.stdout);

    let left = play(&world, &["delete-card"]);
    assert_eq!(left["user_card"]["user_card_state"], "INVALID");
    assert_eq!(world.card()["user_card_state"], "INVALID");
}
