//! Seeing and changing the sample card without any configuration.

use serde_json::json;

use crate::world::{CARD_ID, CODE, OPENID, World};

#[test]
fn the_sample_card_is_shown() {
    let shown = World::new().run(&["user-card", "get", CODE]).ok();
    for (name, value) in [
        ("user_card_code", CODE),
        ("user_card_state", "EFFECTIVE"),
        ("level", "钻石会员"),
        ("phone_number", "13800138000"),
        ("USER_FORM_FLAG_SEX", "男"),
        ("custom_field_list", "足球"),
        (
            "valid_date_information",
            "2020-05-20 13:29:35 → 2030-05-20 13:29:35",
        ),
        ("openid", OPENID),
    ] {
        let line = shown.line(name);
        assert!(line.ends_with(value), "{line}");
    }
    assert!(
        !shown.stdout.contains('\u{1b}'),
        "colour without a terminal"
    );
    let notes: Vec<_> = shown.stderr.lines().collect();
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("embedded sandbox"), "{notes:?}");
}

#[test]
fn json_is_the_wire_object_opened() {
    let world = World::new();
    let card = world
        .run(&["--output", "json", "--quiet", "user-card", "get", CODE])
        .ok();
    assert_eq!(card.stderr, "");
    let mut value = card.json();
    let members = value.as_object_mut().expect("an object");
    assert!(members.remove("create_time").is_some() && members.remove("modify_time").is_some());
    assert!(members.remove("card_picture_url").is_some() && members.remove("attach").is_some());
    assert_eq!(
        value,
        json!({
            "user_card_code": CODE, "card_id": CARD_ID, "openid": OPENID, "brand_id": "1004",
            "card_color": "#FFFF00", "card_type": "NORMAL", "phone_number": "13800138000",
            "level": "钻石会员", "user_card_state": "EFFECTIVE",
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
        })
    );
    let line = world
        .run(&["user-card", "get", CODE, "--output", "jsonl"])
        .ok();
    assert_eq!(line.stdout.lines().count(), 1);
    assert_eq!(line.json()["level"], "钻石会员");
}

#[test]
fn a_change_is_marked_and_stays() {
    let world = World::new();
    let arguments = [
        "user-card",
        "update",
        CODE,
        "--level",
        "金卡会员",
        "--card-color",
        "#204080",
        "--phone-number",
        "13900139000",
        "--attach",
        "new data",
        "--valid",
        "2026-01-01..2099-12-31",
        "--common",
        "sex=女",
        "--custom",
        "喜欢的运动=足球,篮球",
    ];
    let changed = world.run(&arguments).ok();
    for (name, change) in [
        ("level", "钻石会员 → 金卡会员"),
        ("card_color", "#FFFF00 → #204080"),
        ("phone_number", "13800138000 → 13900139000"),
        ("USER_FORM_FLAG_SEX", "男 → 女"),
        ("custom_field_list", "足球 → 足球, 篮球"),
    ] {
        let line = changed.line(name);
        assert!(line.starts_with("* ") && line.ends_with(change), "{line}");
    }
    assert!(changed.line("valid_date_information").starts_with("* "));
    assert!(changed.line("openid").starts_with("  "));

    let card = world.card();
    assert_eq!(card["level"], "金卡会员");
    assert_eq!(card["phone_number"], "13900139000");
    assert_eq!(card["attach"], "new data");
    let validity = &card["valid_date_information"];
    assert_eq!(
        validity["available_begin_time"],
        "2026-01-01T00:00:00.000+08:00"
    );
    assert_eq!(
        validity["available_end_time"],
        "2099-12-31T23:59:59.999+08:00"
    );
    let information = &card["user_information"];
    assert_eq!(information["common_field_list"][0]["value"], "女");
    assert_eq!(
        information["custom_field_list"][0]["user_chosen_values"],
        json!(["足球", "篮球"])
    );
}

#[test]
fn one_answer_changes_and_the_others_stay() {
    let world = World::new();
    world
        .run(&[
            "user-card",
            "update",
            CODE,
            "--common",
            "USER_FORM_FLAG_CITY=深圳",
        ])
        .ok();
    let information = world.card()["user_information"].take();
    assert_eq!(
        information["common_field_list"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(
        information["custom_field_list"][0]["user_chosen_values"],
        json!(["足球"])
    );
}

#[test]
fn a_whole_body_comes_from_a_file_or_stdin() {
    let world = World::new();
    let body = json!({
        "brand_id": "1004", "card_id": CARD_ID, "openid": OPENID, "level": "银卡",
        "phone_number": "13700137000", "valid_date_information": {"type": "PERMANENT"},
    });
    let file = world.write("change.json", &body.to_string());
    let file = file.display().to_string();
    let card = world.run(&[
        "user-card",
        "update",
        CODE,
        "--json",
        &file,
        "--output",
        "json",
    ]);
    let card = card.ok().json();
    assert_eq!(
        (&card["level"], &card["phone_number"]),
        (&json!("银卡"), &json!("13700137000"))
    );
    assert_eq!(card["valid_date_information"], json!({"type": "PERMANENT"}));

    let update = ["user-card", "update", CODE, "--json", "-"];
    world.run_with_stdin(&update, r#"{"level": "铜卡"}"#).ok();
    assert_eq!(world.card()["level"], "铜卡");

    let update = ["user-card", "update", CODE, "--phone-number", "-"];
    world.run_with_stdin(&update, "13600136000\n").ok();
    assert_eq!(world.card()["phone_number"], "13600136000");
}

#[test]
fn a_users_cards_are_listed() {
    let world = World::new();
    let list = world.run(&["user-card", "list"]).ok();
    let lines: Vec<_> = list.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", list.stdout);
    let cells: Vec<_> = lines[1].split_whitespace().collect();
    let expected = [CODE, "EFFECTIVE", "钻石会员", "13800138000", "2030-05-20"];
    assert_eq!(cells[..5], expected);
    let json = world
        .run(&[
            "user-card",
            "list",
            "--state",
            "effective",
            "--output",
            "json",
        ])
        .ok();
    assert_eq!(json.json()[0]["phone_number"], "13800138000");
    let none = world
        .run(&[
            "user-card",
            "list",
            "--state",
            "INVALID",
            "--output",
            "json",
        ])
        .ok();
    assert_eq!(none.json(), json!([]));
    let nobody = world.run(&["user-card", "list", "--openid", "nobody"]).ok();
    assert_eq!(nobody.stdout, "");
    world
        .run(&["user-card", "list", "--state", "gone"])
        .failed(2, &["EFFECTIVE, EXPIRED"]);
}

#[test]
fn what_changes_nothing_says_so() {
    let same = World::new()
        .run(&["user-card", "update", CODE, "--level", "钻石会员"])
        .ok();
    assert!(same.stderr.contains("nothing changed"), "{}", same.stderr);
    assert!(same.line("level").starts_with("  "), "{}", same.stdout);
}

#[test]
fn in_colour_the_face_is_drawn() {
    let world = World::new().set("CLICOLOR_FORCE", "1");
    let shown = world.run(&["user-card", "get", CODE]).ok().stdout;
    assert!(shown.contains("\u{1b}[48;2;255;255;0m"), "{shown:?}");
    assert!(shown.contains("4785 1583 2665"), "{shown:?}");
    let json = world
        .run(&["user-card", "get", CODE, "--output", "json"])
        .ok();
    assert!(!json.stdout.contains('\u{1b}'));
    let plain = world
        .set("NO_COLOR", "1")
        .run(&["user-card", "get", CODE])
        .ok();
    assert!(!plain.stdout.contains('\u{1b}'));
}

#[test]
fn ids_on_the_command_line_replace_the_defaults() {
    let world = World::new().set("KABAO_OPENID", "somebody-else");
    world
        .run(&["user-card", "get", CODE])
        .failed(1, &["RESOURCE_NOT_EXISTS"]);
    world
        .run(&["user-card", "get", CODE, "--openid", OPENID])
        .ok();
    world
        .run(&[
            "user-card",
            "get",
            CODE,
            "--openid",
            OPENID,
            "--brand-id",
            "1004",
        ])
        .ok();
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = World::new().run(&["completions", shell]).ok();
        assert!(script.stdout.contains("user-card"), "{shell}");
    }
}
