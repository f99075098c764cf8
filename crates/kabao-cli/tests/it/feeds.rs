//! `kabao feed`.

use serde_json::json;

use crate::world::{CARD_ID, CODE, OPENID, World};

#[test]
fn a_line_is_pushed() {
    let world = World::new();
    let told = world
        .run(&["feed", "create", CODE, "--cell", "15_1200_1"])
        .ok();
    assert!(told.line("cell").ends_with("15_1200_1"), "{}", told.stdout);
    assert!(
        told.stderr.contains("out_request_no is "),
        "{}",
        told.stderr
    );

    let body = json!({
        "brand_id": "1004", "card_id": CARD_ID, "user_card_code": CODE, "openid": OPENID,
        "out_request_no": "feed-1", "cell": "1_100",
    });
    let file = ["feed", "create", "--json", "-", "--output", "json"];
    let feed = world.run_with_stdin(&file, &body.to_string()).ok();
    assert_eq!(feed.json()["out_request_no"], "feed-1");
    assert!(!feed.stderr.contains("out_request_no"), "{}", feed.stderr);
    let help = world.run(&["feed", "create", "--help"]).ok();
    assert!(
        help.stdout.contains("x points, worth y yuan"),
        "{}",
        help.stdout
    );
}

#[test]
fn mistakes_of_a_line_are_told() {
    let world = World::new();
    let create = |arguments: &[&str]| world.run(&[&["feed", "create"], arguments].concat());
    create(&["--cell=1_1"]).failed(2, &["<CODE>"]);
    create(&[CODE]).failed(2, &["cell is missing", "--cell"]);
    create(&[CODE, "--cell="]).failed(2, &["/cell", "required"]);
    create(&["999", "--cell=1_1"]).failed(1, &["404", "--openid"]);
    let number = format!("--out-request-no={}", "1".repeat(65));
    create(&[CODE, "--cell=1_1", &number]).failed(2, &["at most 64 characters"]);
    let body = r#"{"cell_message": "1_1"}"#;
    let outcome = world.run_with_stdin(&["feed", "create", "--json", "-"], body);
    outcome.failed(2, &["unknown field `cell_message`", "`cell`"]);
}
