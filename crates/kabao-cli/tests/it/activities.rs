//! `kabao activity`.

use serde_json::{Value, json};

use crate::world::{CARD_ID, World};

const CREATE: &[&str] = &[
    "activity",
    "create",
    "--title=入会有礼",
    "--sub-title=新会员送券",
    "--begin-time=2026-01-01",
    "--end-time=2099-12-31",
    "--apply-total=1000",
    "--stock=200000001:100232301",
];

fn create(world: &World, more: &[&str]) -> Value {
    let create = [CREATE, more, &["--output=json"]].concat();
    world.run(&create).ok().json()
}

#[test]
fn an_activity_is_created() {
    let world = World::new();
    let created = world.run(&[CREATE, &["--stock=2:3"]].concat()).ok();
    for (name, value) in [
        ("activity_state", "MEMBERSHIP_ACTIVITY_EFFECTIVE"),
        ("title", "入会有礼"),
        ("begin_time", "2026-01-01 00:00:00"),
        ("end_time", "2099-12-31 23:59:59"),
        ("apply_total", "1000"),
        ("product_coupon_stock_list", "200000001:100232301, 2:3"),
        ("card_id", CARD_ID),
    ] {
        let line = created.line(name);
        assert!(line.ends_with(value), "{line}");
    }
    assert!(created.stdout.contains("years") && created.stdout.contains(" left"));
    assert!(
        created.stderr.contains("out_request_no is 20"),
        "{}",
        created.stderr
    );

    let activity = create(&world, &["--out-request-no=a-1", "--card-id", CARD_ID]);
    assert_eq!(activity["out_request_no"], "a-1");
    assert_eq!(activity["begin_time"], "2026-01-01T00:00:00.000+08:00");
    assert_eq!(activity["activity_channel"], "MECHANT_APP_COMPONENT");
    let stocks = json!([{"product_coupon_id": "200000001", "stock_id": "100232301"}]);
    assert_eq!(activity["product_coupon_stock_list"], stocks);
    let again = create(&world, &["--out-request-no=a-1"]);
    assert_eq!(again["activity_id"], activity["activity_id"]);

    let body = json!({
        "out_request_no": "a-2", "brand_id": "1004", "card_id": CARD_ID,
        "activity_channel": "MECHANT_APP_COMPONENT", "title": "t", "sub_title": "s",
        "begin_time": "2098-01-01T00:00:00+08:00", "end_time": "2099-01-01T00:00:00+08:00",
        "apply_total": 1, "product_coupon_stock_list": stocks,
    });
    let command = ["activity", "create", "--json", "-", "--output", "jsonl"];
    let activity = world
        .run_with_stdin(&command, &body.to_string())
        .ok()
        .json();
    assert_eq!(activity["activity_state"], "MEMBERSHIP_ACTIVITY_CREATED");
    let id = activity["activity_id"].as_str().expect("a text");
    let shown = world.run(&["activity", "get", id]).ok();
    assert!(shown.stdout.contains("begins in "), "{}", shown.stdout);
}

#[test]
fn mistakes_of_a_new_activity_are_told() {
    let world = World::new();
    world.run(&["activity", "create", "--title=t"]).failed(
        2,
        &[
            "sub_title, begin_time, end_time, apply_total and",
            "--apply-total and --stock",
        ],
    );
    let wrong = |change: &str, status: i32, words: &[&str]| {
        let (flag, _) = change.split_once('=').expect("a value");
        let others = CREATE.iter().filter(|given| !given.starts_with(flag));
        let command: Vec<&str> = others.chain([&change]).copied().collect();
        world.run(&command).failed(status, words);
    };
    wrong("--stock=200000001", 2, &["COUPON:BATCH"]);
    wrong("--begin-time=soon", 2, &["RFC 3339", "2026-01-01"]);
    wrong(
        "--end-time=2025-01-01",
        2,
        &["/end_time", "after the beginning"],
    );
    wrong("--apply-total=0", 2, &["/apply_total"]);
    wrong("--apply-total=many", 2, &["--apply-total"]);
    wrong("--card-id=pNone", 1, &["404", "kabao card list"]);
    let body = r#"{"product_coupon_stock_list": [{"product_coupon_id": "1", "stock_id": "2",
        "stock": 3}]}"#;
    let outcome = world.run_with_stdin(&["activity", "create", "--json", "-"], body);
    outcome.failed(2, &["/product_coupon_stock_list/0/stock"]);
}

#[test]
fn a_change_is_marked_and_what_is_not_named_stays() {
    let world = World::new();
    let created = create(&world, &[]);
    let id = created["activity_id"].as_str().expect("a text");
    let changed = world
        .run(&[
            "activity",
            "update",
            id,
            "--end-time=2098-12-31",
            "--title=新春礼",
        ])
        .ok();
    for (name, change) in [
        ("end_time", "2099-12-31 23:59:59 → 2098-12-31 23:59:59"),
        ("title", "入会有礼 → 新春礼"),
    ] {
        let line = changed.line(name);
        assert!(line.starts_with("* ") && line.ends_with(change), "{line}");
    }
    for name in ["sub_title", "begin_time", "product_coupon_stock_list"] {
        assert!(changed.line(name).starts_with("  "), "{}", changed.stdout);
    }
    let same = world
        .run(&["activity", "update", id, "--title=新春礼"])
        .ok();
    assert!(same.stderr.contains("nothing changed"), "{}", same.stderr);

    let update = ["activity", "update", id, "--json", "-", "--output", "json"];
    let body = json!({"brand_id": "1004", "title": "甲", "sub_title": "乙",
        "begin_time": "2026-02-01T00:00:00+08:00", "end_time": "2098-01-01T00:00:00+08:00"});
    let activity = world.run_with_stdin(&update, &body.to_string()).ok().json();
    assert_eq!(
        (&activity["title"], &activity["sub_title"]),
        (&json!("甲"), &json!("乙"))
    );
    world
        .run_with_stdin(&update, r#"{"title": "甲"}"#)
        .failed(2, &["sub_title, begin_time and end_time are missing"]);
    let update = |arguments: &[&str]| world.run(&[&["activity", "update"], arguments].concat());
    update(&[id]).failed(2, &["nothing to change", "--end-time"]);
    update(&["1", "--title=x"]).failed(1, &["404", "kabao activity list"]);
    update(&[id, "--end-time=2020-01-01"]).failed(2, &["/end_time"]);
}

#[test]
fn an_activity_ends() {
    let world = World::new();
    let created = create(&world, &[]);
    let id = created["activity_id"].as_str().expect("a text");
    let ended = world.run(&["activity", "terminate", id]).ok();
    let state = ended.line("activity_state");
    assert!(state.ends_with("MEMBERSHIP_ACTIVITY_TERMINATED"), "{state}");
    // It ended, whatever its end says.
    assert!(!ended.stdout.contains(" left\n"), "{}", ended.stdout);
    let again = ["activity", "terminate", id, "--json", "-", "--output=json"];
    world.run_with_stdin(&again, r#"{"brand_id": "1004"}"#).ok();
    world
        .run(&["activity", "update", id, "--title=x"])
        .failed(1, &["400 INVALID_REQUEST"]);
    world
        .run(&["activity", "terminate", "1"])
        .failed(1, &["404", "kabao activity list"]);
}

#[test]
fn activities_are_listed() {
    let world = World::new();
    let none = world.run(&["activity", "list"]).ok();
    assert_eq!(none.stdout, "");
    assert!(none.stderr.contains("no such activity"), "{}", none.stderr);
    let created = create(&world, &[]);
    let id = created["activity_id"].as_str().expect("a text");
    let listed = world
        .run(&["activity", "list", "--state", "effective"])
        .ok();
    let lines: Vec<_> = listed.stdout.lines().collect();
    let cells: Vec<_> = lines[1].split_whitespace().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        cells[..3],
        [id, "MEMBERSHIP_ACTIVITY_EFFECTIVE", "入会有礼"]
    );
    assert!(cells.contains(&"1000/1000"), "{cells:?}");
    let json = |more: &[&str]| {
        let list = [&["activity", "list", "--output=json"], more].concat();
        world.run(&list).ok().json()
    };
    assert_eq!(json(&[]), json!([created]));
    assert_eq!(json(&["--state", "CREATED"]), json!([]));
    assert_eq!(json(&["--card-id", "pOther"]), json!([]));
    world
        .run(&["activity", "list", "--state", "gone"])
        .failed(2, &["CREATED, EFFECTIVE, TERMINATED, EXPIRED"]);
}
