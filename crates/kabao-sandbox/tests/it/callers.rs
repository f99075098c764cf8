//! Merchants and brands come, get other certificates, and leave to act for each
//! other.

use std::{
    collections::HashSet,
    path::Path,
    time::{Duration, Instant},
};

use kabao_core::{
    PrivateKey, PublicKey,
    answer::AnswerSignature,
    keyring::{Keyring, PlatformKey},
};
use kabao_sandbox::{RateLimits, Sandbox};
use serde_json::{Value, json};

use crate::{
    caller::{new_card, with},
    notifications::after_attempts,
    receiver::Receiver,
    support::{
        Answer, BRAND_CARD_PATH, CARD_ID, OPENID, Request, Running, Signer, card_target, unix_now,
    },
};

const MERCHANTS: &str = "/_sandbox/merchants";
const BRANDS: &str = "/_sandbox/brands";

/// Who was handed these credentials.
fn signer<'a>(running: &Running, credentials: &'a Value) -> Signer<'a> {
    let text = |name: &str| credentials[name].as_str();
    let (scheme, item) = match text("mchid") {
        Some(_) => ("WECHATPAY2-SHA256-RSA2048", "mchid"),
        None => ("WECHATPAY-BRAND-SHA256-RSA2048", "brand_id"),
    };
    Signer {
        address: running.address,
        scheme,
        item,
        identity: text(item).unwrap(),
        serial_no: text("serial_no").unwrap(),
        key: PrivateKey::from_pem(text("apiclient_key.pem").unwrap()).unwrap(),
        wechatpay_serial: text("wechatpay_public_key_id").map(ToOwned::to_owned),
    }
}

/// The answer's signature is that of the public key that was handed out.
fn is_signed_for(answer: &Answer, credentials: &Value) {
    let text = |name: &str| credentials[name].as_str().unwrap();
    let key = PublicKey::from_pem(text("pub_key.pem")).unwrap();
    let key = PlatformKey::public_key(text("wechatpay_public_key_id"), key);
    let signature = AnswerSignature::from_headers(|name| answer.header(name)).unwrap();
    let keys = Keyring::from_iter([key]);
    signature.verify(&answer.body, &keys, unix_now()).unwrap();
}

fn brand_card_target() -> String {
    format!("{BRAND_CARD_PATH}?card_id={CARD_ID}&openid={OPENID}")
}

#[test]
fn a_new_merchant_calls_and_needs_the_brands_leave() {
    let running = Running::start();
    let body = json!({"mchid": "1900000002"});
    let handed = running.control_ok("POST", MERCHANTS, Some(body.clone()));
    for name in [
        "base_url",
        "mchid",
        "serial_no",
        "apiv3_key",
        "wechatpay_public_key_id",
        "platform_serial_no",
        "apiclient_key.pem",
        "apiclient_cert.pem",
        "pub_key.pem",
        "wechatpay_cert.pem",
    ] {
        assert!(handed[name].is_string(), "{name}: {handed}");
    }
    let merchant = signer(&running, &handed);
    let refused = merchant.get(&card_target());
    refused.is_refused(403, "NO_AUTH");
    is_signed_for(&refused, &handed);

    let grant = "/_sandbox/brands/1004/merchants/1900000002";
    let granted = running.control_ok("PUT", grant, None);
    assert_eq!(
        granted["data"],
        json!([{"mchid": "1900000001"}, {"mchid": "1900000002"}])
    );
    merchant.get(&card_target()).ok();
    let listed = running.control_ok("GET", MERCHANTS, None);
    assert_eq!(listed["data"][1]["mchid"], "1900000002");
    assert_eq!(listed["data"][1]["brand_ids"], json!(["1004"]));
    assert!(!listed.to_string().contains("PRIVATE"), "{listed}");
    let withdrawn = running.control_ok("DELETE", grant, None);
    assert_eq!(withdrawn["data"].as_array().unwrap().len(), 1);
    merchant.get(&card_target()).is_refused(403, "NO_AUTH");
    running.merchant().get(&card_target()).ok();

    let taken = running.control("POST", MERCHANTS, Some(body));
    taken.is_refused(400, "RESOURCE_ALREADY_EXISTS");
    merchant.get(&card_target()).is_refused(403, "NO_AUTH");
    for (method, path) in [
        ("PUT", "/_sandbox/brands/1004/merchants/77"),
        ("PUT", "/_sandbox/brands/77/merchants/1900000002"),
        ("GET", "/_sandbox/brands/77/merchants"),
        ("POST", "/_sandbox/merchants/77/certificates"),
    ] {
        let answer = running.control(method, path, None);
        answer.is_refused(404, "RESOURCE_NOT_EXISTS");
    }
    for bad in [
        json!({"mchid": "a"}),
        json!({"mchid": ""}),
        json!({"brand_id": "1"}),
    ] {
        let answer = running.control("POST", MERCHANTS, Some(bad));
        answer.is_refused(400, "PARAM_ERROR");
    }
}

#[test]
fn numbers_are_drawn_and_a_merchant_of_today_has_no_certificates() {
    let running = Running::start();
    let body = json!({"public_key_only": true});
    let handed = running.control_ok("POST", MERCHANTS, Some(body));
    assert_eq!(handed["mchid"].as_str().unwrap().len(), 10);
    assert!(handed.get("platform_serial_no").is_none(), "{handed}");
    assert!(handed.get("wechatpay_cert.pem").is_none());
    let mchid = handed["mchid"].as_str().unwrap();
    let certificates = format!("{MERCHANTS}/{mchid}/certificates");
    let renewed = running.control_ok("POST", &certificates, None);
    assert!(renewed.get("platform_serial_no").is_none(), "{renewed}");
    assert!(renewed.get("wechatpay_cert.pem").is_none());
    for credentials in [&handed, &renewed] {
        let none = signer(&running, credentials).get("/v3/certificates");
        none.is_refused(404, "RESOURCE_NOT_EXISTS");
        is_signed_for(&none, credentials);
    }
}

#[test]
fn a_new_brand_calls_for_itself() {
    let running = Running::start();
    let body = json!({"brand_id": "1005"});
    let handed = running.control_ok("POST", BRANDS, Some(body.clone()));
    assert_eq!(handed["api_key"].as_str().unwrap().len(), 32);
    let brand = signer(&running, &handed);
    let none = brand.get(&brand_card_target());
    none.is_refused(404, "RESOURCE_NOT_EXISTS");
    is_signed_for(&none, &handed);
    let taken = running.control("POST", BRANDS, Some(body));
    taken.is_refused(400, "RESOURCE_ALREADY_EXISTS");
    running.control_ok("PUT", "/_sandbox/brands/1005/merchants/1900000001", None);
    let listed = running.control_ok("GET", BRANDS, None);
    assert_eq!(listed["data"][1]["mchids"], json!(["1900000001"]));
    let target = card_target().replace("1004", "1005");
    let partner = running.merchant().get(&target);
    partner.is_refused(404, "RESOURCE_NOT_EXISTS");
}

/// With another certificate come all the other credentials, as they were.
fn holds_what_was_written(handed: &Value, folder: &Path, item: &str) {
    let ids = std::fs::read(folder.join("credentials.json")).unwrap();
    let ids: Value = serde_json::from_slice(&ids).unwrap();
    let (own, folder, names, files) = match item {
        "mchid" => (
            &ids,
            folder.to_owned(),
            &[
                "mchid",
                "apiv3_key",
                "wechatpay_public_key_id",
                "platform_serial_no",
            ][..],
            &["pub_key.pem", "wechatpay_cert.pem"][..],
        ),
        _ => (
            &ids["brand"],
            folder.join("brand"),
            &["brand_id", "api_key", "wechatpay_public_key_id"][..],
            &["pub_key.pem"][..],
        ),
    };
    assert_eq!(handed["base_url"], ids["base_url"]);
    for name in names {
        assert_eq!(handed[name], own[name], "{name}");
    }
    for name in files {
        let written = std::fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(handed[name], written, "{name}");
    }
    let new = ["serial_no", "apiclient_key.pem", "apiclient_cert.pem"];
    let all: HashSet<&str> = [&["base_url"][..], names, files, &new]
        .concat()
        .into_iter()
        .collect();
    let given: HashSet<&str> = handed
        .as_object()
        .unwrap()
        .keys()
        .map(|name| &**name)
        .collect();
    assert_eq!(given, all);
}

#[test]
fn a_certificate_is_replaced_and_the_old_one_holds_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("credentials");
    let running = Running::with(|builder| builder.credentials_dir(&written));
    for (base, own, target) in [
        (
            "/_sandbox/merchants/1900000001",
            running.merchant(),
            card_target(),
        ),
        (
            "/_sandbox/brands/1004",
            running.brand(),
            brand_card_target(),
        ),
    ] {
        let certificates = format!("{base}/certificates");
        let revoke =
            |serial: &str| running.control("DELETE", &format!("{certificates}/{serial}"), None);
        revoke(own.serial_no).is_refused(400, "INVALID_REQUEST");
        let handed = running.control_ok("POST", &certificates, None);
        holds_what_was_written(&handed, &written, own.item);
        let new = signer(&running, &handed);
        // Each is answered with values that its own key opens.
        for caller in [&own, &new] {
            let card = caller.get(&target).ok();
            assert_eq!(caller.open(&card["phone_number"]), "13800138000");
        }
        let left = revoke(own.serial_no).ok();
        assert_eq!(left["serial_nos"], json!([new.serial_no]));
        own.get(&target).is_refused(401, "SIGN_ERROR");
        assert_eq!(running.last_request()["verdict"]["step"], "serial");
        new.get(&target).ok();
        revoke(own.serial_no).is_refused(404, "RESOURCE_NOT_EXISTS");
        revoke(new.serial_no).is_refused(400, "INVALID_REQUEST");
    }
}

#[test]
fn a_certificate_is_made_for_a_key_that_never_leaves_its_owner() {
    let running = Running::start();
    for (base, own, target) in [
        (
            "/_sandbox/merchants/1900000001",
            running.merchant(),
            card_target(),
        ),
        (
            "/_sandbox/brands/1004",
            running.brand(),
            brand_card_target(),
        ),
    ] {
        let certificates = format!("{base}/certificates");
        let pair = |key: &PrivateKey| {
            let pem = key.to_pkcs8_pem().unwrap();
            rcgen::KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &rcgen::PKCS_RSA_SHA256).unwrap()
        };
        let [first, second] = [(); 2].map(|()| PrivateKey::generate().unwrap());
        let request = rcgen::CertificateParams::default()
            .serialize_request(&pair(&first))
            .and_then(|request| request.pem())
            .unwrap();
        let public_key = second.public_key().to_spki_pem();
        for (key, body) in [
            (first, json!({"csr": request})),
            (second, json!({"public_key": public_key})),
        ] {
            let handed = running.control_ok("POST", &certificates, Some(body));
            assert!(handed.get("apiclient_key.pem").is_none(), "{handed}");
            let pem = handed["apiclient_cert.pem"].as_str().unwrap();
            let certified = PublicKey::from_pem(pem).unwrap();
            assert_eq!(certified.spki_der(), key.public_key().spki_der());
            let new = Signer {
                serial_no: handed["serial_no"].as_str().unwrap(),
                key,
                wechatpay_serial: own.wechatpay_serial.clone(),
                ..own
            };
            let card = new.get(&target).ok();
            assert_eq!(new.open(&card["phone_number"]), "13800138000");
        }
        // The one whose key is here stays.
        let last = format!("{certificates}/{}", own.serial_no);
        running
            .control("DELETE", &last, None)
            .is_refused(400, "INVALID_REQUEST");
        own.get(&target).ok();
        for (body, begins) in [
            (
                json!({"csr": public_key}),
                "csr: it is not a certificate request",
            ),
            (json!({"public_key": "x"}), "public_key: "),
            (json!({"csr": "x", "public_key": "x"}), "csr: give it or"),
            (json!({"key": "x"}), "the body: key: unknown field `key`"),
        ] {
            let answer = running.control("POST", &certificates, Some(body));
            let message = answer.json()["message"].as_str().unwrap().to_owned();
            answer.is_refused(400, "PARAM_ERROR");
            assert!(message.starts_with(begins), "{message}");
        }
    }
}

#[test]
fn the_folder_of_credentials_follows_the_keys() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("credentials");
    let running = Running::with(|builder| builder.credentials_dir(&folder));
    let rotated = running.control_ok("POST", "/_sandbox/keys/rotate-certificate", None);
    let certificates = "/_sandbox/merchants/1900000001/certificates";
    let renewed = running.control_ok("POST", certificates, None);
    // It is written last.
    let ids = || -> Value {
        let text = std::fs::read(folder.join("credentials.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    let patience = Instant::now() + Duration::from_secs(20);
    while ids()["serial_no"] != renewed["serial_no"] {
        assert!(Instant::now() < patience, "{}", ids());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(ids()["platform_serial_no"], rotated["platform_serial_no"]);
    let file = |name: &str| json!(std::fs::read_to_string(folder.join(name)).unwrap());
    assert_eq!(file("wechatpay_cert.pem"), rotated["wechatpay_cert.pem"]);
    for name in ["apiclient_key.pem", "apiclient_cert.pem"] {
        assert_eq!(file(name), renewed[name], "{name}");
    }
}

#[test]
fn what_listens_everywhere_is_found_on_this_machine() {
    let running = Running::with(|builder| builder.listen(([0, 0, 0, 0], 0).into()));
    let base_url = &running.credentials.base_url;
    assert!(base_url.starts_with("http://127.0.0.1:"), "{base_url}");
}

#[test]
fn other_processes_know_at_once_who_came_and_soon_who_went() {
    let running = Running::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let builder = Sandbox::builder()
        .data_dir(running.folder.path())
        .rate_limits(RateLimits::Off);
    let other = runtime.block_on(builder.start()).unwrap();
    let at_other = |mut signer: Signer<'_>| -> Answer {
        signer.address = other.address();
        signer.get(&card_target())
    };
    let handed = running.control_ok("POST", MERCHANTS, Some(json!({"mchid": "1900000002"})));
    at_other(signer(&running, &handed)).is_refused(403, "NO_AUTH");

    let replaced = running.control_ok("POST", "/_sandbox/merchants/1900000001/certificates", None);
    at_other(signer(&running, &replaced)).ok();

    let rotated = running.control_ok("POST", "/_sandbox/keys/rotate-certificate", None);
    let mut naming = running.merchant();
    naming.wechatpay_serial = rotated["platform_serial_no"]
        .as_str()
        .map(ToOwned::to_owned);
    at_other(naming).ok();

    let old = &running.credentials.merchant.serial_no;
    let path = format!("/_sandbox/merchants/1900000001/certificates/{old}");
    running.control_ok("DELETE", &path, None);
    let patience = Instant::now() + Duration::from_secs(30);
    while at_other(running.merchant()).status != 401 {
        assert!(Instant::now() < patience, "the revoked one still holds");
    }
    runtime.block_on(other.stop());
}

#[test]
fn who_came_is_there_after_a_restart_and_no_key_is_in_plain() {
    let running = Running::start();
    let handed = running.control_ok("POST", MERCHANTS, Some(json!({"mchid": "1900000002"})));
    running.control_ok("PUT", "/_sandbox/brands/1004/merchants/1900000002", None);
    let folder = running.stop();
    let secret = handed["apiv3_key"].as_str().unwrap().as_bytes();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for plain in [&b"PRIVATE KEY"[..], secret] {
            let mut windows = bytes.windows(plain.len());
            assert!(!windows.any(|window| window == plain), "{}", path.display());
        }
    }
    let again = Running::in_folder(folder, |builder| builder.rate_limits(RateLimits::Off));
    signer(&again, &handed).get(&card_target()).ok();
}

#[test]
fn other_processes_tell_at_once_who_came() {
    let running = Running::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let builder = Sandbox::builder()
        .data_dir(running.folder.path())
        .rate_limits(RateLimits::Off);
    let other = runtime.block_on(builder.start()).unwrap();
    let at_other = |method: &str, path: &str, body: Value| {
        let request = Request::new(method, path)
            .header("Content-Type", "application/json")
            .body(body.to_string());
        request.send(other.address()).ok()
    };
    running.freeze("2026-01-01T12:00:00+08:00");
    for number in 0..3 {
        // It has looked, and does not look again by itself for a second.
        at_other("GET", "/_sandbox/health", Value::Null);
        let handed = running.control_ok("POST", BRANDS, None);
        let brand_id = handed["brand_id"].as_str().unwrap();
        let receiver = Receiver::answering([500, 200]);
        let form = with(new_card(), json!({"notify_url": receiver.url}));
        let brand = signer(&running, &handed);
        let card = brand.send("POST", "/brand/card-member/cards", &form.to_string());
        let card_id = card.ok()["card_id"].clone();
        let join = json!({"brand_id": brand_id, "card_id": card_id});
        let path = format!("/_sandbox/users/o-{number}/join");
        // In turns: who lets a user join knows the caller from then on.
        let joined = match number % 2 {
            0 => at_other("POST", &path, join),
            _ => running.control_ok("POST", &path, Some(join)),
        };
        receiver.next();
        after_attempts(&running, &receiver.url, 1);
        let id = joined["notification_id"].as_str().unwrap();
        let path = format!("/_sandbox/notifications/{id}/redeliver");
        at_other("POST", &path, Value::Null);
        let seen = after_attempts(&running, &receiver.url, 2);
        assert_eq!(seen["state"], "DELIVERED", "{seen}");
    }
    runtime.block_on(other.stop());
}
