//! `kabao points`.

use std::{io::Read as _, net::TcpListener, thread};

use serde_json::json;

use crate::{
    profiles::{merchant_variables, sandbox},
    world::{CARD_ID, CODE, OPENID, World},
};

#[test]
fn a_balance_is_reported() {
    let world = World::new();
    let sync = ["points", "sync", CODE, "--point-balance", "1200"];
    let told = world.run(&sync).ok();
    assert!(
        told.line("point_balance").ends_with("1200"),
        "{}",
        told.stdout
    );
    assert!(told.line("user_card_code").ends_with(CODE));
    let number = told.line("out_request_no").split_whitespace().last();
    let number = number.expect("a number");
    assert!(told.stderr.contains(number), "{}", told.stderr);

    let again = [&sync[..], &["--out-request-no", number, "--output", "json"]].concat();
    let balance = world.run(&again).ok().json();
    let expected = json!({
        "out_request_no": number, "brand_id": "1004", "card_id": CARD_ID, "openid": OPENID,
        "user_card_code": CODE, "point_balance": 1200,
    });
    assert_eq!(balance, expected);
    let other = [
        "points",
        "sync",
        CODE,
        "--point-balance=7",
        "--out-request-no",
        number,
    ];
    world.run(&other).failed(1, &["400 INVALID_REQUEST"]);

    let file = ["points", "sync", "--json", "-", "--output", "jsonl"];
    let balance = world.run_with_stdin(&file, &expected.to_string()).ok();
    assert_eq!(balance.json(), expected);
}

#[test]
fn when_nobody_knows_how_far_it_came_the_number_is_told() {
    let home = World::new();
    let (_server, credentials) = sandbox(&home, &[]);
    // Takes requests and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    thread::spawn(move || {
        for connection in silent.incoming() {
            let mut connection = connection.expect("a connection");
            let _ = connection.read(&mut [0; 64]);
        }
    });
    let world = merchant_variables(&home.path("credentials"), &credentials);
    let world = world.set("KABAO_BASE_URL", url);
    let sync = ["points", "sync", CODE, "--point-balance=1"];
    let told = world
        .run(&sync)
        .failed(2, &["nothing is done twice"])
        .stderr;
    let (_, rest) = told.split_once("out_request_no is ").expect("the number");
    let (number, _) = rest.split_once(';').expect("its end");
    let hint = told.lines().last().expect("a hint");
    assert!(
        hint.contains(&format!("--out-request-no {number}")),
        "{told}"
    );
    let given = world.run(&[&sync[..], &["--out-request-no=mine", "--quiet"]].concat());
    given.failed(2, &["hint:", "--out-request-no mine"]);
}

#[test]
fn mistakes_of_a_balance_are_told() {
    let world = World::new();
    let sync = |arguments: &[&str]| world.run(&[&["points", "sync"], arguments].concat());
    sync(&["--point-balance=1"]).failed(2, &["<CODE>"]);
    sync(&[CODE]).failed(2, &["point_balance is missing", "--point-balance"]);
    sync(&[CODE, "--point-balance=many"]).failed(2, &["--point-balance"]);
    sync(&["999", "--point-balance=1"]).failed(1, &["404", "--card-id"]);
    sync(&[CODE, "--point-balance=1", "--out-request-no=积分"]).failed(2, &["/out_request_no"]);
    let outcome = world.run_with_stdin(&["points", "sync", "--json", "-"], r#"{"points": 1}"#);
    outcome.failed(2, &["stdin:1:", "unknown field `points`", "point_balance"]);
}

#[test]
fn an_answer_to_a_wish_needs_the_wish() {
    let world = World::new();
    let confirm = |arguments: &[&str]| {
        let command = [&["points", "confirm-exchange", CODE], arguments].concat();
        world.run(&command)
    };
    let wish = ["--record-id=r", "--exchange-coupon-template-id=0Flpo7FqTQ"];
    let allow = [&wish[..], &["--result=ALLOW"]].concat();
    confirm(&allow).failed(1, &["404", "all be those of the notification"]);
    let reject = [&wish[..], &["--result=reject"]].concat();
    confirm(&reject).failed(2, &["/reject_reason", "give --reject-reason"]);
    confirm(&["--record-id=r"]).failed(
        2,
        &[
            "exchange_coupon_template_id and result are missing",
            "and --result",
        ],
    );
    confirm(&[&wish[..], &["--result=perhaps"]].concat()).failed(2, &["one of ALLOW, REJECT"]);
    let body = json!({"user_card_code": CODE, "record_id": "r", "state": "x"});
    let file = ["points", "confirm-exchange", "--json", "-"];
    let outcome = world.run_with_stdin(&file, &body.to_string());
    outcome.failed(2, &["unknown field `state`"]);
}
