//! `kabao sandbox serve`.

use std::fs;

use crate::world::{CODE, World};

#[test]
fn both_signals_stop_it_cleanly_and_the_ready_line_is_the_only_one() {
    for signal in ["-TERM", "-INT"] {
        let server = World::new().serve(&["--store", "memory"]);
        assert!(
            server.base_url.starts_with("http://127.0.0.1:"),
            "{}",
            server.base_url
        );
        let stopped = server.stop(signal);
        assert_eq!((stopped.status, &*stopped.stdout), (0, ""), "{stopped:?}");
    }
}

#[test]
fn state_and_keys_outlive_it() {
    let world = World::new();
    let read = |name: &str| fs::read_to_string(world.path(name)).expect("written");
    let server = world.serve(&["--credentials", "c"]);
    let key = read("c/apiclient_key.pem");
    // The command without a configuration shares the data folder.
    world
        .run(&["user-card", "update", CODE, "--level", "银卡"])
        .ok();
    server.stop("-KILL");
    let server = world.serve(&["--credentials", "c"]);
    assert_eq!(read("c/apiclient_key.pem"), key);
    assert!(read("c/credentials.json").contains(&server.base_url));
    assert_eq!(world.card()["level"], "银卡");
}

#[test]
fn a_store_by_address() {
    let world = World::new();
    let store = format!("sqlite:{}", world.path("own/sandbox.db").display());
    fs::create_dir_all(world.path("own")).expect("made");
    world.serve(&["--store", &store]).stop("-TERM");
    assert!(world.path("own/sandbox.db").exists());
    assert!(
        !world.path("data").exists(),
        "nothing goes into the data folder"
    );
}

#[cfg(unix)]
#[test]
fn credentials_are_the_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let server = world.serve(&["--store", "memory", "--credentials", "c", "--tls"]);
    assert!(server.id() > 0);
    for name in [
        "credentials.json",
        "apiclient_key.pem",
        "apiclient_cert.pem",
        "pub_key.pem",
        "wechatpay_cert.pem",
        "ca.pem",
        "brand/apiclient_key.pem",
        "brand/apiclient_cert.pem",
        "brand/pub_key.pem",
    ] {
        let metadata = fs::metadata(world.path("c").join(name)).expect(name);
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn switches_come_from_the_file_and_from_flags() {
    const PATH: &str = "v3/brand/partner/card-member/cards/pbLatjvWOibDc5-TBnbUk1pD12o0";
    let get = ["call", "GET", PATH, "--query", "brand_id=1004"];
    let has_update_time = |world: &World| {
        let card = world.run(&get).ok().json();
        card.get("update_time").is_some()
    };
    let world = World::new();
    assert!(!has_update_time(&world));
    world.configure("[sandbox]\nupdate_time = true\ncard_event_retries = '1s,2m'\n");
    assert!(
        has_update_time(&world),
        "the embedded sandbox goes by the file"
    );

    let serve = |world: &World, more: &[&str]| {
        let common = ["--store", "memory", "--credentials", "c"];
        let server = world.serve(&[&common, more].concat());
        let text = fs::read_to_string(world.path("c/credentials.json")).expect("written");
        let credentials: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let text = |name: &str| credentials[name].as_str().expect("a text").to_owned();
        let client = World::new()
            .set("KABAO_MCHID", text("mchid"))
            .set("KABAO_SERIAL_NO", text("serial_no"))
            .set("KABAO_PRIVATE_KEY", world.path("c/apiclient_key.pem"))
            .set("KABAO_APIV3_KEY", text("apiv3_key"))
            .set("KABAO_BASE_URL", text("base_url"));
        let has = has_update_time(&client);
        drop(server);
        has
    };
    assert!(serve(&world, &[]), "so does the one that is served");
    assert!(!serve(&world, &["--switch", "update_time=false"]));
    let plain = World::new();
    assert!(!serve(&plain, &["--card-event-retries=none"]));
    assert!(serve(
        &plain,
        &["--switch=update_time", "--switch=refuse_replays"]
    ));

    plain
        .run(&["sandbox", "serve", "--switch", "upsidedown"])
        .failed(
            2,
            &[
                "there is no switch `upsidedown`",
                "refuse_replays",
                "notify_hosts",
            ],
        );
    let root = ["sandbox", "serve", "--notify-root-certificate", "none.pem"];
    plain
        .run(&root)
        .failed(2, &["none.pem", "authority for notifications"]);
    plain.configure("[sandbox]\nupdatetime = true\n");
    let outcome = plain.run(&["sandbox", "serve"]);
    outcome.failed(2, &["config.toml", "unknown key `updatetime` in [sandbox]"]);
    let help = plain.run(&["sandbox", "serve", "--help"]).ok().stdout;
    assert!(
        help.contains("notify_hosts=HOST") && help.contains("[sandbox]"),
        "{help}"
    );
}

#[test]
fn a_card_event_is_tried_as_often_as_the_file_says() {
    let world = World::new();
    world.configure("[sandbox]\ncard_event_retries = 'none'\n");
    world
        .run(&["sandbox", "user", "join", "--openid=oNew"])
        .ok();
    // The template's address is not this machine, so the first try fails.
    let list = ["sandbox", "notifications", "list", "--output", "json"];
    let states = (0..100).map(|_| world.run(&list).ok().json()[0]["state"].take());
    let mut states = states.filter(|state| state != "PENDING");
    assert_eq!(states.next(), Some("FAILED".into()));
}
