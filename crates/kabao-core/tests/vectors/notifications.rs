//! `notifications.json`.

use kabao_core::{answer::VerifyError, message, notification::Notification, resource};
use serde::Deserialize;

use crate::data::{Headers, Keys, Role, Verdict, load};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    name: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    headers: Headers,
    body: String,
    now: i64,
    message: String,
    expect: Verdict,
    #[serde(default)]
    probe: bool,
    plaintext: Option<String>,
}

#[test]
fn notifications_are_verified_and_opened() {
    let keys = Keys::load();
    let ring = keys.ring(&[Role::PlatformA, Role::PlatformB, Role::WechatpayPublicKey]);
    let key = keys.api_v3_key();
    for case in load::<Vec<Posted>>("notifications.json") {
        let name = &case.name;
        let signature = case.headers.signature().expect(name);
        let body = case.body.as_bytes();
        let message = message::answer(signature.timestamp, signature.nonce, body);
        assert_eq!(message, case.message.as_bytes(), "{name}: message");

        let result = signature.verify(body, &ring, case.now);
        assert_eq!(Verdict::of(&result), case.expect, "{name}: verdict");
        if let Err(VerifyError::Mismatch { probe }) = result {
            assert_eq!(probe, case.probe, "{name}: probe");
        }
        let opens = case.expect == Verdict::Ok;
        assert_eq!(case.plaintext.is_some(), opens, "{name}: plaintext");
        let Some(plaintext) = &case.plaintext else {
            continue;
        };

        let notification: Notification = serde_json::from_slice(body).expect(name);
        let opened = notification.open(&key).expect(name);
        assert_eq!(*opened, plaintext.as_bytes(), "{name}: opened");
    }
}

#[test]
fn a_server_writes_the_same_bodies() {
    let key = Keys::load().api_v3_key();
    let opens = |case: &Posted| case.plaintext.is_some();
    for case in load::<Vec<Posted>>("notifications.json")
        .into_iter()
        .filter(opens)
    {
        let name = &case.name;
        let received: Notification = serde_json::from_str(&case.body).expect(name);
        let resource = &received.resource;
        let sealed = resource::EncryptedResource::seal(
            &key,
            &resource.nonce,
            resource.associated_data.as_deref().unwrap_or_default(),
            case.plaintext.as_deref().unwrap_or_default().as_bytes(),
        )
        .expect(name);
        let written = Notification {
            resource: resource::EncryptedResource {
                original_type: resource.original_type.clone(),
                ..sealed
            },
            ..received
        };
        let body = serde_json::to_string(&written).expect(name);
        assert_eq!(body, case.body, "{name}: body");
    }
}
