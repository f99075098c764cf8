//! `kabao token`.

use serde_json::json;

use crate::world::{CARD_ID, OPENID, World};

#[test]
fn tokens_come_with_their_end() {
    let world = World::new();
    for (name, left) in [
        ("pre-auth", "59 minutes left"),
        ("pay-view", "9 minutes left"),
    ] {
        let told = world.run(&["token", name]).ok();
        told.line("token");
        assert!(told.line("expire_time").contains("20"), "{}", told.stdout);
        assert!(told.stdout.contains(left), "{}", told.stdout);
        let body = json!({"brand_id": "1004", "card_id": CARD_ID, "openid": OPENID});
        let file = ["token", name, "--json", "-", "--output", "json"];
        let token = world.run_with_stdin(&file, &body.to_string()).ok().json();
        assert_eq!(token["token"].as_str().map(str::len), Some(32));
    }
}

#[test]
fn mistakes_of_tokens_are_told() {
    let world = World::new();
    world
        .run(&["token", "pre-auth", "--card-id=pNone"])
        .failed(1, &["404", "kabao card list"]);
    world
        .run(&["token", "pay-view", "--brand-id=77"])
        .failed(1, &["403 NO_AUTH", "--brand-id"]);
    let file = ["token", "pre-auth", "--json", "-"];
    world
        .run_with_stdin(&file, r#"{"user_card_code": "1"}"#)
        .failed(2, &["unknown field `user_card_code`"]);
    let both = ["token", "pre-auth", "--openid=a", "--json", "-"];
    world
        .run_with_stdin(&both, r#"{"openid": "b"}"#)
        .failed(2, &["openid is a on the command line, but b"]);
}
