//! Mistakes that get answers.

use std::{collections::BTreeMap, fs, net::TcpListener, path::Path};

use crate::world::{CODE, World};

#[test]
fn the_api_refuses_with_status_1_and_a_hint() {
    let world = World::new();
    let refused = world.run(&["user-card", "get", "999"]);
    refused.failed(
        1,
        &[
            "404 RESOURCE_NOT_EXISTS",
            "request id",
            "hint:",
            "--card-id",
        ],
    );
    let refused = world.run(&["user-card", "get", CODE, "--openid", "nobody"]);
    refused.failed(1, &["RESOURCE_NOT_EXISTS", "--openid"]);
    let refused = world.run(&["user-card", "get", CODE, "--brand-id", "77"]);
    refused.failed(1, &["403 NO_AUTH", "--brand-id"]);
}

#[test]
fn what_is_known_to_be_wrong_is_not_sent() {
    let world = World::new();
    let update =
        |arguments: &[&str]| world.run(&[&["user-card", "update", CODE], arguments].concat());
    update(&["--level", "一二三四五六七八九十一"])
        .failed(2, &["/level", "at most 10 characters, this has 11"]);
    update(&["--card-color", "yellow"]).failed(2, &["/card_color", "#RRGGBB", "'#FFFF00'"]);
    update(&["--valid", "soon"]).failed(2, &["--valid", "permanent", "30d"]);
    update(&[]).failed(2, &["nothing to change", "--level"]);
    update(&["--common", "zodiac=x"]).failed(2, &["--common zodiac", "sex, name"]);
    update(&["--json", "x", "--level", "y"]).failed(2, &["cannot be used with"]);
    update(&["--phone-number", "-"]).failed(2, &["stdin has no phone number"]);
    let long = "1".repeat(300);
    update(&["--phone-number", &long]).failed(2, &["/phone_number", "214", "plaintext"]);
    world.run(&["user-card"]).failed(2, &["Usage"]);
    world
        .run(&["user-card", "get", ".."])
        .failed(2, &["dot segment"]);
    assert!(
        !world.path("data/kabao").join("sandbox.db").exists()
            || world.card()["level"] == "钻石会员"
    );
}

#[test]
fn json_that_does_not_parse_is_located() {
    let world = World::new();
    let update = |text: &str| {
        world.write("change.json", text);
        world.run(&["user-card", "update", CODE, "--json", "change.json"])
    };
    update("{\n  \"level\": ,\n}").failed(2, &["change.json:2:12", "expected value"]);
    update(r#"{"lvel": "x"}"#).failed(2, &["change.json:1:", "unknown field `lvel`"]);
    update(r#"{"user_information": {"sex": "x"}}"#).failed(2, &["/user_information/sex"]);
    let outcome = update(r#"{"phone_number": 13800138000}"#).failed(2, &["expected a string"]);
    assert!(!outcome.stderr.contains("138"), "{}", outcome.stderr);
    update(r#"{"brand_id": "1005", "level": "x"}"#).failed(1, &["NO_AUTH"]);
    world
        .run(&[
            "user-card",
            "update",
            CODE,
            "--json",
            "change.json",
            "--brand-id",
            "1004",
        ])
        .failed(
            2,
            &["brand_id is 1004 on the command line, but 1005 in the JSON"],
        );
    world
        .run(&["user-card", "update", CODE, "--json", "none.json"])
        .failed(2, &["cannot read", "none.json"]);
    let stdin = world.run_with_stdin(&["user-card", "update", CODE, "--json", "-"], "{");
    stdin.failed(2, &["stdin:1:1"]);
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let world = World::new();
    let outcome = world.run(&["sandbox", "serve", "--listen", &address]);
    outcome.failed(
        2,
        &[
            &address,
            "another program has this port",
            "--listen 127.0.0.1:0",
        ],
    );
    world
        .run(&["sandbox", "serve", "--listen", "nowhere"])
        .failed(2, &["--listen", "127.0.0.1:8080"]);
    world
        .run(&["sandbox", "serve", "--store", "mysql://x"])
        .failed(2, &["mysql", "sqlite"]);
}

#[test]
fn a_damaged_data_folder_is_named_and_left_alone() {
    let world = World::new();
    world.run(&["user-card", "get", CODE]).ok();
    let folder = world.path("data/kabao");
    let database = folder.join("sandbox.db");
    let mut bytes = fs::read(&database).expect("the store");
    bytes[..64].fill(0x5a);
    fs::write(&database, bytes).expect("written");
    let before = contents(&folder);
    let outcome = world.run(&["user-card", "get", CODE]);
    outcome.failed(2, &["sandbox.db", "nothing was changed", "KABAO_DATA_DIR"]);
    assert_eq!(contents(&folder), before);

    let world = World::new();
    world.run(&["user-card", "get", CODE]).ok();
    let folder = world.path("data/kabao");
    fs::remove_file(folder.join("master.key")).expect("removed");
    let before = contents(&folder);
    let outcome = world.run(&["user-card", "get", CODE]);
    outcome.failed(2, &["master.key", "nothing was touched"]);
    assert_eq!(contents(&folder), before);

    let world = World::new();
    world.write("data/kabao", "a file in the way");
    world
        .run(&["user-card", "get", CODE])
        .failed(2, &["data/kabao", "KABAO_DATA_DIR"]);
}

#[test]
fn what_is_in_the_way_of_a_start_is_named_with_the_way_out() {
    let world = World::new();
    world.write("file", "no database, and no folder");
    world.write("mine/apiclient_key.pem", "a key of production");
    let start = |world: &World, arguments: &[&str]| {
        let command = [&["sandbox", "serve"], arguments].concat();
        world.run(&command)
    };
    let keyed = World::new().set("KABAO_MASTER_KEY", "abc");
    let told = start(&keyed, &[]).failed(2, &["KABAO_MASTER_KEY", "openssl rand"]);
    assert!(!told.stderr.contains("restore"), "{}", told.stderr);
    let told = start(&world, &["--store", "sqlite:file"]).failed(2, &["file is not", "--store"]);
    let said = told.stderr.matches("nothing was").count();
    assert_eq!(said, 1, "{}", told.stderr);
    let to = |folder: &'static str| ["--store=memory", "--credentials", folder];
    start(&world, &to("file")).failed(2, &["hint:", "--credentials takes a folder"]);
    let told = start(&world, &to("mine"));
    told.failed(2, &["mine/apiclient_key.pem", "choose another folder"]);
    let key = fs::read_to_string(world.path("mine/apiclient_key.pem"));
    assert_eq!(key.expect("still there"), "a key of production");
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).expect("a file"))
        })
        .collect()
}

#[test]
fn what_is_missing_is_named_alone_and_nothing_is_numbered() {
    let world = World::new();
    for command in [
        &["feed", "create", CODE, "--cell="][..],
        &[
            "activity",
            "create",
            "--title=",
            "--sub-title=x",
            "--begin-time=2026-01-01",
            "--end-time=2026-12-31",
            "--apply-total=1",
            "--stock=1:2",
        ],
    ] {
        let told = world.run(command).failed(2, &[": required\n"]);
        assert!(
            !told.stderr.contains("out_request_no is"),
            "{}",
            told.stderr
        );
    }
}

#[test]
fn a_refusal_says_everything_once() {
    let url = "--notify-url=https://n.example/?a=1";
    let told = World::new().run(&["card", "update", url]);
    let told = told.failed(1, &["400 PARAM_ERROR"]);
    assert_eq!(
        told.stderr.matches("/notify_url").count(),
        1,
        "{}",
        told.stderr
    );
}
