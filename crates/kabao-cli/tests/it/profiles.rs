//! A caller of one's own, against a sandbox in another process.

use std::{fs, path::Path};

use serde_json::Value;

use crate::world::{CARD_ID, CODE, OPENID, Port, Server, World};

/// A running sandbox and its credentials folder.
pub(crate) fn sandbox(world: &World, more: &[&str]) -> (Server, Value) {
    let arguments = [
        "--store",
        "memory",
        "--rate-limits",
        "off",
        "--credentials",
        "credentials",
    ];
    let server = world.serve(&[&arguments, more].concat());
    let text = fs::read_to_string(world.path("credentials/credentials.json")).expect("written");
    (server, serde_json::from_str(&text).expect("JSON"))
}

fn text<'v>(credentials: &'v Value, pointer: &str) -> &'v str {
    let value = credentials.pointer(pointer).and_then(Value::as_str);
    value.unwrap_or_else(|| panic!("no {pointer}"))
}

/// Every setting as a variable.
pub(crate) fn merchant_variables(folder: &Path, credentials: &Value) -> World {
    World::new()
        .set("KABAO_MCHID", text(credentials, "/mchid"))
        .set("KABAO_SERIAL_NO", text(credentials, "/serial_no"))
        .set("KABAO_PRIVATE_KEY", folder.join("apiclient_key.pem"))
        .set(
            "KABAO_WECHATPAY_PUBLIC_KEY_ID",
            text(credentials, "/wechatpay_public_key_id"),
        )
        .set("KABAO_WECHATPAY_PUBLIC_KEY", folder.join("pub_key.pem"))
        .set("KABAO_BASE_URL", text(credentials, "/base_url"))
        .set("KABAO_BRAND_ID", text(credentials, "/brand_id"))
        .set("KABAO_CARD_ID", CARD_ID)
        .set("KABAO_OPENID", OPENID)
}

fn merchant_profile(credentials: &Value) -> String {
    format!(
        r#"
        [profiles.merchant]
        mchid = "{}"
        serial_no = "{}"
        private_key = "~/credentials/apiclient_key.pem"
        wechatpay_public_key_id = "{}"
        wechatpay_public_key = "~/credentials/pub_key.pem"
        base_url = "{}"
        brand_id = "1004"
        card_id = "{CARD_ID}"
        openid = "{OPENID}"
        "#,
        text(credentials, "/mchid"),
        text(credentials, "/serial_no"),
        text(credentials, "/wechatpay_public_key_id"),
        text(credentials, "/base_url"),
    )
}

pub(crate) fn brand_profile(credentials: &Value) -> String {
    format!(
        r#"
        [profiles.brand]
        brand = "{}"
        serial_no = "{}"
        private_key = "../../credentials/brand/apiclient_key.pem"
        wechatpay_public_key_id = "{}"
        wechatpay_public_key = "../../credentials/brand/pub_key.pem"
        base_url = "{}"
        card_id = "{CARD_ID}"
        openid = "{OPENID}"
        "#,
        text(credentials, "/brand/brand_id"),
        text(credentials, "/brand/serial_no"),
        text(credentials, "/brand/wechatpay_public_key_id"),
        text(credentials, "/base_url"),
    )
}

#[test]
fn a_service_provider_and_a_brand_from_the_file() {
    let world = World::new();
    let (_server, credentials) = sandbox(&world, &[]);
    world.configure(&format!(
        "{}{}",
        merchant_profile(&credentials),
        brand_profile(&credentials)
    ));

    let update = [
        "--profile",
        "merchant",
        "user-card",
        "update",
        CODE,
        "--level",
        "银卡",
    ];
    let changed = world.run(&update).ok();
    assert!(changed.line("level").ends_with("钻石会员 → 银卡"));
    assert!(!changed.stderr.contains("embedded"), "{}", changed.stderr);

    let update = ["user-card", "update", CODE, "--phone-number", "13900139000"];
    let changed = world
        .run(&[&update[..], &["--profile", "brand"]].concat())
        .ok();
    assert!(changed.line("level").ends_with("银卡"));
    assert!(
        changed
            .line("phone_number")
            .ends_with("13800138000 → 13900139000")
    );

    let call = format!("brand/card-member/user-cards/{CODE}");
    let (card_id, openid) = (format!("card_id={CARD_ID}"), format!("openid={OPENID}"));
    let call = [
        "call",
        "GET",
        &call,
        "--query",
        &card_id,
        "--query",
        &openid,
        "--profile",
        "brand",
    ];
    assert_eq!(world.run(&call).ok().json()["level"], "银卡");

    world
        .run(&[
            "user-card",
            "get",
            CODE,
            "--profile",
            "brand",
            "--brand-id",
            "1005",
        ])
        .failed(2, &["brand 1004 cannot call for brand 1005"]);
    world
        .run(&["user-card", "get", CODE, "--profile", "nope"])
        .failed(2, &["no profile `nope`", "brand, merchant, sandbox"]);

    world.configure(&format!(
        "default_profile = 'merchant'\n{}",
        merchant_profile(&credentials)
    ));
    assert_eq!(world.card()["level"], "银卡");
}

#[test]
fn a_service_provider_from_variables() {
    let home = World::new();
    let (_server, credentials) = sandbox(&home, &[]);
    let folder = home.path("credentials");
    let card = merchant_variables(&folder, &credentials).card();
    assert_eq!(card["phone_number"], "13800138000");

    // Certificates instead of the public key.
    let world = merchant_variables(&folder, &credentials)
        .set("KABAO_WECHATPAY_PUBLIC_KEY_ID", "")
        .set("KABAO_WECHATPAY_PUBLIC_KEY", "")
        .set("KABAO_APIV3_KEY", text(&credentials, "/apiv3_key"));
    let shown = world.run(&["user-card", "get", CODE, "-v"]).ok();
    assert!(
        shown
            .stderr
            .contains(text(&credentials, "/platform_serial_no")),
        "{}",
        shown.stderr
    );
}

#[test]
fn keys_that_do_not_fit_are_found_out() {
    let home = World::new();
    let (_server, credentials) = sandbox(&home, &[]);
    let folder = home.path("credentials");
    let variables = || merchant_variables(&folder, &credentials);
    let get = ["user-card", "get", CODE];
    let brands_key = fs::read_to_string(folder.join("brand/apiclient_key.pem")).expect("a key");
    let certificate = folder.join("apiclient_cert.pem");

    // The certificate tells before anything is sent.
    let world = variables().set("KABAO_CERTIFICATE", &certificate);
    let key = world.write("other/apiclient_key.pem", &brands_key);
    let world = world.set("KABAO_PRIVATE_KEY", key);
    let serial_no = text(&credentials, "/serial_no");
    world
        .run(&get)
        .failed(2, &["does not fit the certificate with serial", serial_no]);
    let world = variables().set("KABAO_SERIAL_NO", "4A62");
    world
        .run(&get)
        .failed(2, &["serial_no is 4A62 (KABAO_SERIAL_NO)", serial_no]);
    let world = variables().set("KABAO_SERIAL_NO", "");
    world
        .run(&get)
        .failed(2, &["set KABAO_SERIAL_NO", serial_no]);

    // Without it the API does.
    let world = variables();
    let key = world.write("alone.pem", &brands_key);
    let world = world.set("KABAO_PRIVATE_KEY", key);
    world.run(&get).failed(
        1,
        &[
            "401 SIGN_ERROR",
            "hint:",
            "clock",
            "private key",
            "serial_no",
        ],
    );

    // A public key that is not WeChat Pay's.
    let world = variables().set(
        "KABAO_WECHATPAY_PUBLIC_KEY",
        folder.join("brand/pub_key.pem"),
    );
    world
        .run(&get)
        .failed(2, &["signature does not match", "WeChat Pay public key"]);

    let world = variables().set("KABAO_PRIVATE_KEY", certificate);
    world
        .run(&get)
        .failed(2, &["this is a certificate", "apiclient_key.pem"]);
    let world = variables().set("KABAO_APIV3_KEY", "0123456789");
    let told = world
        .run(&get)
        .failed(2, &["KABAO_APIV3_KEY", "exactly 32 bytes, this one has 10"]);
    assert!(!told.stderr.contains("0123456789"), "{}", told.stderr);
    let world = variables().set("KABAO_WECHATPAY_PUBLIC_KEY_ID", "");
    world
        .run(&get)
        .failed(2, &["but no id", "KABAO_WECHATPAY_PUBLIC_KEY_ID"]);
}

#[test]
fn nobody_listening_is_told_with_the_setting() {
    let home = World::new();
    let port = Port::new();
    let (server, credentials) = sandbox(&home, &["--listen", &port.address()]);
    let world = merchant_variables(&home.path("credentials"), &credentials);
    server.stop("-TERM");
    world
        .run(&["user-card", "get", CODE])
        .failed(2, &["no connection", "KABAO_BASE_URL"]);
}

#[test]
fn tls_with_the_local_authority() {
    let home = World::new();
    let (server, credentials) = sandbox(&home, &["--tls"]);
    assert!(
        server.base_url.starts_with("https://127.0.0.1:"),
        "{}",
        server.base_url
    );
    let folder = home.path("credentials");
    let world = merchant_variables(&folder, &credentials);
    world
        .run(&["user-card", "get", CODE])
        .failed(2, &["certificate"]);
    let world = world.set("KABAO_ROOT_CERTIFICATE", folder.join("ca.pem"));
    assert_eq!(world.card()["level"], "钻石会员");
}
