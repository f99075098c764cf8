//! Notifications as the SDK's receiver takes them. An input is a post: headers, a
//! line each, an empty line, then the body. It is never taken, for nobody signed
//! it. Where its first line is one of these two, WeChat Pay's key has:
//!
//! - `signed`, then a body: an envelope, whose resource nobody sealed;
//! - `event TYPE`, then a resource, which is sealed and put into an envelope.
//!   `{sealed}` in it becomes a value that the receiver's private key opens.
#![no_main]

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use kabao::{
    ApiV3Key, PrivateKey, Sensitive,
    clock::Clock,
    notification::{Delivery, Headers, NotificationError, Receiver},
};
use kabao_core::{
    Sealed,
    answer::{VerifyError, header},
    message,
    notification::{ENCRYPT_RESOURCE, Event, EventError, Notification},
    resource::EncryptedResource,
    sensitive::Sealer as _,
    signature,
};

/// What the inputs are dated.
const NOW: &str = "1767196800";
const KEY_ID: &str = "PUB_KEY_ID_0119";
const API_KEY: &str = "0123456789abcdef0123456789abcdef";
/// What stands in a sealed value, and may be shown nowhere.
const PLAIN: &str = "kept from every log";

/// WeChat Pay's key, and the receiver's.
static KEYS: LazyLock<(PrivateKey, PrivateKey)> = LazyLock::new(|| {
    let key = || PrivateKey::generate().expect("a key");
    (key(), key())
});
static SEALED: LazyLock<String> = LazyLock::new(|| {
    let sealer = KEYS.1.public_key();
    let sealed = sealer.seal(&Sensitive::new(PLAIN)).expect("sealing");
    sealed.as_str().to_owned()
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.splitn(2, |byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let rest = lines.next().unwrap_or_default();
    match first.strip_prefix(b"event ").map(std::str::from_utf8) {
        Some(Ok(event_type)) => event(event_type, rest),
        _ if first == b"signed" => envelope(rest),
        _ => post(bytes),
    }
});

fn post(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            break;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let outcome = receiver().receive_now(&headers, rest);
    assert!(
        matches!(outcome, Err(NotificationError::Signature(_))),
        "{outcome:?}"
    );
    refused(outcome);
}

fn envelope(body: &[u8]) {
    let outcome = receiver().receive_now(&signed(body), body);
    assert!(
        matches!(
            outcome,
            Err(NotificationError::Envelope { .. }
                | NotificationError::Event(EventError::Resource(_)))
        ),
        "{outcome:?}"
    );
    refused(outcome);
}

fn event(event_type: &str, resource: &[u8]) {
    let resource = match std::str::from_utf8(resource) {
        Ok(text) => Cow::Owned(text.replace("{sealed}", &SEALED).into_bytes()),
        Err(_) => Cow::Borrowed(resource),
    };
    let key = ApiV3Key::new(API_KEY).expect("a key");
    let notification = Notification {
        id: "1".to_owned(),
        create_time: "2026-01-01T00:00:00+08:00".to_owned(),
        resource_type: ENCRYPT_RESOURCE.to_owned(),
        event_type: event_type.to_owned(),
        summary: String::new(),
        resource: EncryptedResource::seal(&key, "j9g1wAzF9Xn1", "a", &resource).expect("sealing"),
        extra: Default::default(),
    };
    let mut body = serde_json::to_vec(&notification).expect("an envelope");
    let receiver = receiver();
    let headers = signed(&body);
    let outcome = receiver.receive_now(&headers, &body);
    match (outcome, Event::<Sealed>::decode(event_type, &resource)) {
        (Ok(delivery), Ok(event)) => {
            assert_eq!(delivery.event.kind(), event.kind());
            assert_eq!(delivery.event_type, event_type);
            assert!(!delivery.seen_before);
            assert!(!format!("{delivery} {delivery:?}").contains(PLAIN));
            let again = receiver.receive_now(&headers, &body);
            assert!(
                matches!(again, Err(NotificationError::Replayed { .. })),
                "{again:?}"
            );
        }
        (Err(error), Err(_)) => {
            assert!(
                matches!(error, NotificationError::Event(EventError::Decode { .. })),
                "{error:?}"
            );
            refused(Err(error));
        }
        (outcome, read) => panic!("{outcome:?}, but {read:?}"),
    }
    // The same signature over one bit less.
    *body.last_mut().expect("a body") ^= 1;
    let altered = receiver.receive_now(&headers, &body);
    assert!(
        matches!(
            altered,
            Err(NotificationError::Signature(VerifyError::Mismatch { .. }))
        ),
        "{altered:?}"
    );
}

/// What is answered says no, in JSON.
fn refused(outcome: Result<Delivery, NotificationError>) {
    let error = outcome.expect_err("a refusal");
    assert!(error.status().is_client_error());
    let answer: http::Response<String> = error.ack().into();
    assert_eq!(answer.status(), error.status());
    let body: BTreeMap<String, String> = serde_json::from_str(answer.body()).expect("JSON");
    assert_eq!(body["code"], "FAIL");
}

/// One that remembers nothing, so that an input fails alone as it failed among
/// others.
fn receiver() -> Receiver {
    thread_local! {
        static PEM: String = KEYS.0.public_key().to_spki_pem();
    }
    Receiver::builder(API_KEY)
        .wechatpay_public_key(KEY_ID, PEM.with(Clone::clone))
        .private_key(KEYS.1.clone())
        .clock(Arc::new(Fixed))
        .build()
        .expect("a receiver")
}

/// The headers of a body that WeChat Pay posts.
fn signed(body: &[u8]) -> Signed {
    let signed = KEYS.0.sign_now(&message::answer(NOW, "fuzz", body));
    Signed(signature::encode(&signed.expect("signing")))
}

struct Signed(String);

impl<'a> From<&'a Signed> for Headers<'a> {
    fn from(signed: &'a Signed) -> Self {
        Self::from_fn(|name| match name {
            header::TIMESTAMP => Some(NOW),
            header::NONCE => Some("fuzz"),
            header::SERIAL => Some(KEY_ID),
            header::SIGNATURE => Some(&signed.0),
            _ => None,
        })
    }
}

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW.parse()
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .expect("a time")
    }
}
