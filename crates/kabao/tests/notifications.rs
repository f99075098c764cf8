//! The notifications of the test vectors, which were signed and encrypted
//! elsewhere, through the public API; and the extractor.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{collections::HashMap, fs, path::Path, sync::Arc};

use http::{HeaderMap, HeaderName};
use jiff::Timestamp;
use kabao::{
    clock::Clock,
    core::answer::VerifyError,
    notification::{Event, NotificationError, Receiver},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    headers: HashMap<String, String>,
    body: String,
    now: i64,
    expect: String,
    #[serde(default)]
    probe: bool,
    plaintext: Option<String>,
}

impl Case {
    fn headers(&self) -> HeaderMap {
        let pairs = self.headers.iter();
        pairs
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }
}

#[derive(Debug)]
struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0).unwrap()
    }
}

fn vector(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kabao-core/tests/vectors");
    fs::read_to_string(folder.join(file)).unwrap()
}

fn cases() -> Vec<Case> {
    serde_json::from_str(&vector("notifications.json")).unwrap()
}

fn receiver(now: i64) -> Receiver {
    let keys: serde_json::Value = serde_json::from_str(&vector("keys/keys.json")).unwrap();
    let id = keys["wechatpay_public_key"]["public_key_id"]
        .as_str()
        .unwrap();
    Receiver::builder(keys["apiv3_key"].as_str().unwrap())
        .wechatpay_public_key(id, vector("keys/wechatpay_pub.pem"))
        .platform_certificate(vector("keys/platform_a_cert.pem"))
        .platform_certificate(vector("keys/platform_b_cert.pem"))
        .clock(Arc::new(At(now)))
        .build()
        .unwrap()
}

#[test]
fn what_others_signed_is_taken_or_refused_as_it_should() {
    for case in cases() {
        let name = &case.name;
        let outcome = receiver(case.now).receive_now(&case.headers(), case.body.as_bytes());
        match (case.expect.as_str(), outcome) {
            ("ok", Ok(delivery)) => {
                let plaintext = case.plaintext.as_deref().unwrap();
                let expected: serde_json::Value = serde_json::from_str(plaintext).unwrap();
                let resource = serde_json::to_value(delivery.event.reveal()).unwrap();
                assert_eq!(resource, expected, "{name}");
                let is_card = delivery.event_type.ends_with("USER_CARD.CREATE");
                let is_typed = matches!(delivery.event, Event::UserCardCreated(_));
                assert_eq!(is_card, is_typed, "{name}");
            }
            ("bad_signature", Err(error)) => assert_eq!(error.is_probe(), case.probe, "{name}"),
            (expected, Err(NotificationError::Signature(error))) => {
                let fits = match error {
                    VerifyError::TimestampOutOfWindow { .. } => "timestamp_out_of_window",
                    VerifyError::UnknownSerial { .. } => "unknown_serial",
                    VerifyError::UnsupportedSignatureType { .. } => "unsupported_signature_type",
                    VerifyError::MissingHeader { .. } => "missing_header",
                    _ => "another",
                };
                assert_eq!(fits, expected, "{name}");
            }
            (expected, outcome) => panic!("{name}: {expected}, not {outcome:?}"),
        }
    }
}

#[cfg(feature = "axum")]
mod axum_extractor {
    use axum::{
        Router,
        body::Body,
        extract::FromRef,
        http::{Request, Response, StatusCode},
        routing::post,
    };
    use http_body_util::BodyExt as _;
    use kabao::notification::{Ack, Delivery};
    use tower::ServiceExt as _;

    use super::{Case, Receiver, cases, receiver};

    /// A program's own state, with a receiver in it.
    #[derive(Clone)]
    struct Shop {
        receiver: Receiver,
    }

    impl FromRef<Shop> for Receiver {
        fn from_ref(shop: &Shop) -> Self {
            shop.receiver.clone()
        }
    }

    async fn notified(delivery: Delivery) -> Ack {
        match delivery.seen_before {
            false => Ack::success(),
            true => Ack::failure("seen"),
        }
    }

    fn shop(now: i64) -> Router {
        let shop = Shop {
            receiver: receiver(now),
        };
        Router::new()
            .route("/notify", post(notified))
            .with_state(shop)
    }

    fn request(case: &Case, body: impl Into<Body>) -> Request<Body> {
        let mut request = Request::post("/notify").body(body.into()).unwrap();
        *request.headers_mut() = case.headers();
        request
    }

    async fn text(response: Response<Body>) -> String {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_handler_gets_what_is_genuine_alone() {
        for case in cases() {
            let request = request(&case, case.body.clone());
            let response = shop(case.now).oneshot(request).await.unwrap();
            let status = response.status();
            let expected = match case.expect.as_str() {
                "ok" => StatusCode::OK,
                _ => StatusCode::UNAUTHORIZED,
            };
            assert_eq!(status, expected, "{}", case.name);
            assert_eq!(response.headers()["content-type"], "application/json");
            let code = if status == 200 { "SUCCESS" } else { "FAIL" };
            let begins = format!(r#"{{"code":"{code}","message":""#);
            assert!(text(response).await.starts_with(&begins), "{}", case.name);
        }
    }

    #[tokio::test]
    async fn a_replay_does_not_reach_the_handler() {
        let case = cases().remove(0);
        let shop = shop(case.now);
        for expected in [StatusCode::OK, StatusCode::CONFLICT] {
            let request = request(&case, case.body.clone());
            let response = shop.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), expected);
        }
    }

    #[tokio::test]
    async fn a_body_beyond_every_notification_is_not_read() {
        let case = cases().remove(0);
        let request = request(&case, vec![b' '; (1 << 20) + 1]);
        let response = shop(case.now).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert!(text(response).await.contains("more than 1048576 bytes"));
    }
}
