//! `kabao call`.

use crate::world::{CARD_ID, CODE, OPENID, World};

const PATH: &str = "v3/brand/partner/card-member/user-cards/{user_card_code}";

fn get<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [
        &[
            "call",
            "GET",
            PATH,
            "--param",
            "user_card_code=478515832665",
            "--query",
        ][..],
        &[
            "brand_id=1004",
            "--query",
            "card_id=pbLatjvWOibDc5-TBnbUk1pD12o0",
        ],
        &["--query", "openid=obLatjnx9gnqzS4myYGmLZ7LgLBA"],
        more,
    ]
    .concat()
}

#[test]
fn any_endpoint_is_reached() {
    let world = World::new();
    let answer = world.run(&get(&[])).ok();
    assert!(
        answer.stderr.contains("200 OK, request id "),
        "{}",
        answer.stderr
    );
    assert!(
        answer.stderr.contains("verified with PUB_KEY_ID_"),
        "{}",
        answer.stderr
    );
    let card = answer.json();
    assert_eq!(card["level"], "钻石会员");
    let phone = card["phone_number"].as_str().expect("a text");
    assert_eq!(phone.len(), 344, "a sealed value stays sealed");

    let pretty = world.run(&get(&["--output", "json"])).ok();
    assert!(
        pretty
            .stdout
            .starts_with("{\n  \"user_card_code\": \"478515832665\",\n")
    );
    let line = world.run(&get(&["--output", "jsonl", "--quiet"])).ok();
    assert_eq!((line.stdout.lines().count(), &*line.stderr), (1, ""));

    let body = format!(r#"{{"brand_id": "1004", "openid": "{OPENID}", "level": "银卡"}}"#);
    let query = format!("card_id={CARD_ID}");
    let param = format!("user_card_code={CODE}");
    let patch = [
        "call", "patch", PATH, "--param", &param, "--query", &query, "--json", "-",
    ];
    world.run_with_stdin(&patch, &body).ok();
    assert_eq!(world.card()["level"], "银卡");

    let list = world.run(&["call", "GET", "/v3/certificates"]).ok().json();
    assert_eq!(list["data"].as_array().map(Vec::is_empty), Some(false));
}

#[test]
fn explain_sends_nothing_and_shows_what_is_signed() {
    let world = World::new();
    let shown = world.run(&get(&["--explain"])).ok();
    assert!(shown.stderr.contains("not sent"), "{}", shown.stderr);
    let message = shown
        .stdout
        .split("Signed message")
        .nth(1)
        .expect("the message");
    let lines: Vec<_> = message.lines().skip(1).map(str::trim).collect();
    assert_eq!(lines[0], "GET");
    assert!(
        lines[1]
            .starts_with("/v3/brand/partner/card-member/user-cards/478515832665?brand_id=1004&")
    );
    let value = world
        .run(&get(&["--explain", "--output", "json"]))
        .ok()
        .json();
    assert_eq!(value["authorization"]["mchid"], "1900000001");
    let signed = value["message"].as_str().expect("a text");
    assert_eq!(signed.matches('\n').count(), 5);
    assert!(signed.ends_with("\n\n"), "{signed:?}");

    world.write("body.json", r#"{"level":"x"}"#);
    let delete = [
        "call",
        "DELETE",
        "v3/x",
        "--json",
        "body.json",
        "--explain",
        "--output",
        "json",
    ];
    let value = world.run(&delete).ok().json();
    assert_eq!(value["body"], r#"{"level":"x"}"#);
    assert!(
        value["message"]
            .as_str()
            .is_some_and(|text| text.ends_with("{\"level\":\"x\"}\n"))
    );
}

#[test]
fn slips_of_the_pen_are_told() {
    let world = World::new();
    let call = |arguments: &[&str]| world.run(&[&["call"], arguments].concat());
    call(&["GET", "v3/x/{a}", "--param", "a=1", "--param", "b=1"]).failed(2, &["--param b", "{a}"]);
    call(&["GET", "v3/x/{a}"]).failed(2, &["{a}", "--param a=VALUE"]);
    call(&["GET", "v3/x/{a", "--param", "a=1"]).failed(2, &["braces"]);
    call(&["GET", "v3/x/{a}", "--param", "a="]).failed(2, &["{a}", "empty"]);
    call(&["FETCH", "v3/x"]).failed(2, &["GET, POST"]);
    call(&["GET", "https://api.mch.weixin.qq.com/v3/x"]).failed(2, &["KABAO_BASE_URL"]);
    call(&["GET", "v3/x", "--json", "-"]).failed(2, &["GET has no body"]);
    call(&["GET", "v3/x", "--query", "a"]).failed(2, &["NAME=VALUE"]);
    call(&["GET", "v3/x", "--header", "Authorization=x"]).failed(2, &["authorization"]);
    call(&["GET", "v3/billdownload/file"]).failed(2, &["not signed", "--download"]);
    call(&["GET", "v3/nope"]).failed(1, &["404 NOT_FOUND"]);
    call(&["POST", "v3/certificates"]).failed(1, &["405"]);
    call(&["GET", "v3/certificates", "--header", "Wechatpay-Serial=AB"])
        .failed(1, &["400 INVALID_REQUEST"]);
}
