//! What must not be seen.

use std::fs;

use crate::world::{CODE, World};

#[test]
fn verbose_shows_each_step_and_no_secret() {
    let world = World::new();
    let update = [
        "user-card",
        "update",
        CODE,
        "--phone-number",
        "13912345678",
        "--attach",
        "私人数据",
        "--common",
        "name=张三丰",
        "-vvv",
        "--output",
        "jsonl",
    ];
    let told = world.run(&update).ok().stderr;
    for step in [
        "PATCH",
        "v3/brand/partner/card-member/user-cards/{user_card_code}",
        "http://127.0.0.1:",
        "WECHATPAY2-SHA256-RSA2048",
        "serial_no=",
        "request_id=",
        "verified",
        "PUB_KEY_ID_",
        "opened=",
    ] {
        assert!(told.contains(step), "no {step} in {told}");
    }
    let key = "BEGIN PRIVATE KEY";
    for secret in [
        "13912345678",
        "私人数据",
        "张三丰",
        "13800138000",
        key,
        "signature=\"",
    ] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[test]
fn key_material_is_never_told() {
    let world = World::new();
    let credentials = ["--store", "memory", "--credentials", "credentials", "-vv"];
    let server = world.serve(&credentials);
    let folder = world.path("credentials");
    let json = fs::read_to_string(folder.join("credentials.json")).expect("written");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let text = |name: &str| json[name].as_str().expect("a text").to_owned();
    let client = World::new()
        .set("KABAO_MCHID", text("mchid"))
        .set("KABAO_SERIAL_NO", text("serial_no"))
        .set("KABAO_PRIVATE_KEY", folder.join("apiclient_key.pem"))
        .set("KABAO_APIV3_KEY", text("apiv3_key"))
        .set("KABAO_BASE_URL", text("base_url"))
        .set("KABAO_BRAND_ID", "1004")
        .set("KABAO_CARD_ID", text("card_id"))
        .set("KABAO_OPENID", text("openid"));
    let shown = client
        .run(&["user-card", "get", CODE, "-vvv", "--output", "json"])
        .ok();
    let mut told = shown.stderr;
    told.push_str(&server.stop("-TERM").stderr);
    let key = fs::read_to_string(folder.join("apiclient_key.pem")).expect("a key");
    let middle = key.lines().nth(5).expect("base64");
    assert!(
        !told.contains(middle) && !told.contains(&text("apiv3_key")),
        "{told}"
    );
    assert!(
        !told.contains("13800138000") && !told.contains(&text("openid")),
        "{told}"
    );
}

#[cfg(unix)]
#[test]
fn the_data_folder_is_the_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.run(&["user-card", "get", CODE]).ok();
    let mode = |name: &str| {
        let metadata = fs::metadata(world.path(name)).expect("there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("data/kabao"), 0o700);
    assert_eq!(mode("data/kabao/master.key"), 0o600);
    let database = fs::read(world.path("data/kabao/sandbox.db")).expect("the store");
    assert!(!database.windows(11).any(|bytes| bytes == b"13800138000"));
}
