//! The first keys, and the folder that a program is given.
#![allow(clippy::unwrap_used, reason = "tests")]
#![cfg(feature = "sqlite")]

use std::{fs, path::Path};

use jiff::{Timestamp, ToSpan as _};
use kabao_core::{
    PrivateKey, PublicKey,
    certificate::Certificate,
    signature::{Scheme, Verifier as _},
};
use kabao_sandbox::{Credentials, keys::Keys, store, vault::MasterKey};
use serde_json::Value;

#[tokio::test]
async fn the_folder_holds_what_the_console_hands_out() {
    let keys = first_keys().await;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("deep/credentials");
    let authority = keys.tls_authority().unwrap();
    let credentials = Credentials::of(&keys, "https://127.0.0.1:1", Some(&authority)).unwrap();
    credentials.write(&folder).unwrap();

    let json: Value = serde_json::from_str(&text(&folder, "credentials.json")).unwrap();
    let of = |pointer: &str| json.pointer(pointer).unwrap().as_str().unwrap();
    assert_eq!(of("/base_url"), "https://127.0.0.1:1");
    assert_eq!(of("/mchid"), "1900000001");
    assert_eq!(of("/brand_id"), "1004");
    assert_eq!(of("/brand/brand_id"), "1004");
    assert_eq!(of("/card_id"), "pbLatjvWOibDc5-TBnbUk1pD12o0");
    assert_eq!(of("/openid"), "obLatjnx9gnqzS4myYGmLZ7LgLBA");
    assert_eq!(json.as_object().unwrap().len(), 10);
    assert_eq!(json["brand"].as_object().unwrap().len(), 4);
    for pointer in ["/apiv3_key", "/brand/api_key"] {
        let key = of(pointer);
        assert!(key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
    for (pointer, owner) in [
        ("/wechatpay_public_key_id", "1900000001"),
        ("/brand/wechatpay_public_key_id", "0000001004"),
    ] {
        let number = of(pointer).strip_prefix("PUB_KEY_ID_").unwrap();
        assert!(number.len() == 34 && number.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(number.starts_with(&format!("01{owner}")), "{number}");
    }
    for (prefix, serial_no) in [("", of("/serial_no")), ("brand/", of("/brand/serial_no"))] {
        let certificate = text(&folder, &format!("{prefix}apiclient_cert.pem"));
        let key = text(&folder, &format!("{prefix}apiclient_key.pem"));
        assert!(key.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        is_in_force(&certificate, serial_no);
        let certified = Certificate::from_pem(&certificate)
            .unwrap()
            .public_key()
            .unwrap();
        let signature = PrivateKey::from_pem(&key)
            .unwrap()
            .sign_now(b"message")
            .unwrap();
        assert!(certified.verifies(b"message", &signature), "{prefix}");
    }
    is_in_force(
        &text(&folder, "wechatpay_cert.pem"),
        of("/platform_serial_no"),
    );
    assert!(text(&folder, "ca.pem").starts_with("-----BEGIN CERTIFICATE-----"));

    let merchant = keys
        .caller(Scheme::Wechatpay2Sha256Rsa2048, "1900000001")
        .unwrap();
    let brand = keys
        .caller(Scheme::WechatpayBrandSha256Rsa2048, "1004")
        .unwrap();
    let names = |of: &kabao_sandbox::keys::CallerKeys| -> Vec<String> {
        of.platform
            .iter()
            .map(|signer| signer.id.to_string())
            .collect()
    };
    let default_first = [of("/wechatpay_public_key_id"), of("/platform_serial_no")];
    assert_eq!(names(merchant), default_first);
    assert_eq!(names(brand), [of("/brand/wechatpay_public_key_id")]);
    for (file, signer) in [
        ("pub_key.pem", &merchant.platform[0]),
        ("wechatpay_cert.pem", &merchant.platform[1]),
        ("brand/pub_key.pem", &brand.platform[0]),
    ] {
        let public_key = PublicKey::from_pem(text(&folder, file)).unwrap();
        assert_eq!(&public_key, signer.key.public_key(), "{file}");
    }
    assert!(!format!("{credentials:?}").contains(of("/apiv3_key")));

    // Without TLS there is no authority to trust, and an old one goes away.
    Credentials::of(&keys, "http://127.0.0.1:2", None)
        .unwrap()
        .write(&folder)
        .unwrap();
    assert!(!folder.join("ca.pem").exists());
    only_the_owner_can_read(&folder);
    let left: Vec<_> = fs::read_dir(&folder).unwrap().collect();
    assert_eq!(left.len(), 6, "no temporary file stays: {left:?}");
}

#[tokio::test]
async fn keys_stay_the_same_after_a_restart_and_a_reset() {
    let folder = tempfile::tempdir().unwrap();
    let uri = format!("sqlite:{}", folder.path().join("sandbox.db").display());
    let key = MasterKey::generate().unwrap();
    let serial = |keys: &Keys| {
        let credentials = Credentials::of(keys, "", None).unwrap();
        (credentials.merchant.serial_no, credentials.brand.api_key)
    };
    let first = {
        let store = store::open(&uri, &key).unwrap();
        let keys = Keys::load_or_create(&*store).await.unwrap();
        store
            .reset(&kabao_sandbox::sample::contents())
            .await
            .unwrap();
        serial(&keys)
    };
    let store = store::open(&uri, &key).unwrap();
    assert_eq!(serial(&Keys::load_or_create(&*store).await.unwrap()), first);
    assert_eq!(serial(&Keys::load(&*store).await.unwrap()), first);
}

#[tokio::test]
async fn keys_that_no_sandbox_wrote_are_left_alone() {
    let credentials = || async { Credentials::of(&first_keys().await, "", None).unwrap() };
    for (name, content) in [
        ("apiclient_key.pem", "a key of production"),
        ("brand/apiclient_key.pem", "a key of production"),
        ("apiclient_cert.pem", "a certificate"),
        ("credentials.json", r#"{"mchid": "1900000001"}"#),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::create_dir(folder.join("brand")).unwrap();
        fs::write(folder.join(name), content).unwrap();
        fs::write(folder.join("ca.pem"), "an authority").unwrap();
        let error = credentials().await.write(folder).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
        assert_eq!(text(folder, name), content);
        assert_eq!(text(folder, "ca.pem"), "an authority");
        let files = fs::read_dir(folder).unwrap().count();
        assert!(files <= 3, "{name}: nothing else was written");
    }

    // What another sandbox wrote is replaced, and what a start that was cut
    // short left behind is completed.
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (credentials().await, credentials().await);
    first.write(folder.path()).unwrap();
    second.write(folder.path()).unwrap();
    let key = text(folder.path(), "apiclient_key.pem");
    assert_eq!(key, *second.merchant.private_key_pem);
    fs::remove_file(folder.path().join("credentials.json")).unwrap();
    first.write(folder.path()).unwrap_err();
    second.write(folder.path()).unwrap();
    assert!(folder.path().join("credentials.json").exists());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let keys = first_keys().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let credentials = Credentials::of(&keys, "", None).unwrap();
    let error = credentials.write(file.path()).unwrap_err().to_string();
    assert!(
        error.contains(&file.path().display().to_string()),
        "{error}"
    );
}

async fn first_keys() -> Keys {
    let store = store::open("memory", &MasterKey::generate().unwrap()).unwrap();
    Keys::load_or_create(&*store).await.unwrap()
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "certificates live in real time")]
fn is_in_force(pem: &str, serial_no: &str) {
    let certificate = Certificate::from_pem(pem).unwrap();
    assert_eq!(certificate.serial_no(), serial_no);
    assert!(
        serial_no.len() == 40 && !serial_no.starts_with('0'),
        "{serial_no}"
    );
    let now = Timestamp::now();
    assert!(certificate.not_before() <= now);
    assert!(certificate.not_after() > now + (4 * 365 * 24).hours());
}

#[cfg(unix)]
fn only_the_owner_can_read(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700);
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), wanted, "{}", path.display());
    }
}

#[cfg(not(unix))]
fn only_the_owner_can_read(_: &Path) {}
