#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use http::{HeaderMap, Response, StatusCode};
use jiff::Timestamp;
use kabao_core::{
    ApiV3Key,
    answer::{VerifyError, header, signature_headers},
    authorization::Stamp,
    notification::{Envelope, Event, EventKind},
    sensitive::Sealer as _,
    signature::{PROBE_PREFIX, Scheme},
};
use serde_json::json;

use super::*;
use crate::{
    Client, ErrorKind, Sensitive,
    testing::{
        API_V3_KEY, By, Fake, HandClock, PUBLIC_KEY_ID, builder, certificate_list, keys, merchant,
        now, unsigned,
    },
};

const ID: &str = "8b33f79f-8869-5ae5-b41b-3c0b59f957d0";

/// A posted notification.
#[derive(Clone)]
struct Post {
    headers: HeaderMap,
    body: Vec<u8>,
}

fn body(id: &str, kind: EventKind, resource: &str) -> Vec<u8> {
    let envelope = Envelope {
        id,
        created: Timestamp::from_second(1_754_013_600).unwrap(),
        kind,
        scheme: Scheme::Wechatpay2Sha256Rsa2048,
    };
    let key = ApiV3Key::new(API_V3_KEY).unwrap();
    let notification = envelope.seal(resource.as_bytes(), &key, "j9g1wAzF9Xn1");
    serde_json::to_vec(&notification.unwrap()).unwrap()
}

fn sync_body(id: &str) -> Vec<u8> {
    let resource = json!({"brand_id":"1004","card_id":"p","openid":"o","user_card_code":"4785"});
    body(id, EventKind::SyncUserPoint, &resource.to_string())
}

/// Signed at this time; `random` makes the nonce.
fn sign(by: By, body: Vec<u8>, timestamp: i64, random: u8) -> Post {
    let stamp = Stamp::new(timestamp, &[random; 32]);
    let scheme = Scheme::Wechatpay2Sha256Rsa2048;
    let signed = signature_headers(scheme, &by.id(), &stamp, &body, |message| {
        by.key().sign_now(message)
    });
    let mut headers = HeaderMap::new();
    for (name, value) in signed.unwrap() {
        headers.insert(name, value.parse().unwrap());
    }
    headers.insert(header::REQUEST_ID, "08F5B8C2B506-0".parse().unwrap());
    Post { headers, body }
}

fn post(body: Vec<u8>) -> Post {
    sign(By::PublicKey, body, now(), 7)
}

fn standalone() -> ReceiverBuilder {
    Receiver::builder(API_V3_KEY)
        .wechatpay_public_key(PUBLIC_KEY_ID, keys().platform.public_key().to_spki_pem())
}

fn take(receiver: &Receiver, post: &Post) -> Result<Delivery, NotificationError> {
    receiver.receive_now(&post.headers, &post.body)
}

fn refused(receiver: &Receiver, post: &Post) -> NotificationError {
    let error = take(receiver, post).unwrap_err();
    let ack = error.ack();
    assert!(ack.status().is_client_error() || ack.status().is_server_error());
    assert!(
        ack.body().starts_with(r#"{"code":"FAIL","message":""#),
        "{}",
        ack.body()
    );
    error
}

#[test]
fn a_genuine_notification_is_taken() {
    let receiver = standalone().build().unwrap();
    let delivery = take(&receiver, &post(sync_body(ID))).unwrap();
    assert_eq!(delivery.id, ID);
    assert_eq!(delivery.create_time.as_str(), "2025-08-01T10:00:00+08:00");
    assert_eq!(delivery.request_id.as_deref(), Some("08F5B8C2B506-0"));
    assert_eq!(delivery.signed_with.as_str(), PUBLIC_KEY_ID);
    assert!(!delivery.seen_before);
    assert_eq!(
        delivery.to_string(),
        format!("BRAND_MEMBER_CARD_SP.SYNC_USER_POINT {ID}")
    );
    let Event::SyncUserPoint(sync) = delivery.event else {
        panic!("{:?}", delivery.event);
    };
    assert_eq!(sync.user_card_code, "4785");
}

#[test]
fn headers_come_from_anything() {
    let receiver = standalone().build().unwrap();
    let post = post(sync_body(ID));
    let pairs: Vec<(String, String)> = post
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let headers = Headers::from_fn(|name| {
        let found = pairs
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    });
    assert!(receiver.receive_now(headers, &post.body).is_ok());
}

#[test]
fn the_bytes_are_what_is_signed() {
    let receiver = standalone().build().unwrap();
    let mut post = post(sync_body(ID));
    post.body.push(b' ');
    let error = refused(&receiver, &post);
    assert!(matches!(
        error,
        NotificationError::Signature(VerifyError::Mismatch { probe: false })
    ));
    assert_eq!(error.status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn what_does_not_verify_is_refused_before_it_is_read() {
    let receiver = standalone().build().unwrap();
    let good = post(b"not a notification".to_vec());
    let altered = |name: &'static str, value: &str| {
        let mut post = good.clone();
        post.headers.insert(name, value.parse().unwrap());
        refused(&receiver, &post)
    };
    for name in [
        header::TIMESTAMP,
        header::NONCE,
        header::SERIAL,
        header::SIGNATURE,
    ] {
        let error = altered(name, "");
        assert!(
            matches!(
                error,
                NotificationError::Signature(VerifyError::MissingHeader { .. })
            ),
            "{name}: {error}"
        );
        assert!(error.to_string().contains(name));
    }
    let error = altered(header::SIGNATURE_TYPE, "WECHATPAY2-SM2-WITH-SM3");
    assert!(
        error.to_string().contains("WECHATPAY2-SM2-WITH-SM3"),
        "{error}"
    );
    let error = altered(header::SIGNATURE, &format!("{PROBE_PREFIX}AAAA"));
    assert!(error.is_probe(), "{error}");
    let error = altered(header::SERIAL, "4F");
    assert!(
        error.to_string().contains("no WeChat Pay key named 4F"),
        "{error}"
    );
    assert!(!error.is_probe());
}

#[test]
fn old_and_early_messages_are_refused() {
    let receiver = standalone().build().unwrap();
    for (off, taken) in [(-301, false), (-290, true), (299, true), (310, false)] {
        let post = sign(By::PublicKey, sync_body(&format!("{off}")), now() + off, 7);
        assert_eq!(take(&receiver, &post).is_ok(), taken, "{off}");
    }
}

#[test]
fn what_is_signed_may_still_be_nonsense() {
    let receiver = standalone().build().unwrap();
    for body in ["", "{}", "[]", "null", r#"{"id":"1"}"#, "\u{feff}{}"] {
        let error = refused(&receiver, &post(body.into()));
        assert!(
            matches!(error, NotificationError::Envelope { .. }),
            "{body}: {error}"
        );
    }
    let error = refused(&receiver, &post(vec![0xff; 100]));
    assert!(matches!(error, NotificationError::Envelope { .. }));
}

#[test]
fn what_does_not_open_is_refused_without_its_values() {
    let stranger = Receiver::builder("ffffffffffffffffffffffffffffffff")
        .wechatpay_public_key(PUBLIC_KEY_ID, keys().platform.public_key().to_spki_pem())
        .build()
        .unwrap();
    let error = refused(&stranger, &post(sync_body(ID)));
    assert_eq!(error.status(), StatusCode::BAD_REQUEST);
    assert!(
        error.to_string().contains("the APIv3 key is another one"),
        "{error}"
    );

    let receiver = standalone().build().unwrap();
    let resource = r#"{"brand_id":"1004","card_id":13800138000}"#;
    let error = refused(
        &receiver,
        &post(body(ID, EventKind::SyncUserPoint, resource)),
    );
    assert!(!error.to_string().contains("138"), "{error}");
    // It left no mark, so a good one of the same id is the first.
    assert!(!take(&receiver, &post(sync_body(ID))).unwrap().seen_before);
}

#[test]
fn the_same_signed_message_twice_is_a_replay() {
    let receiver = standalone().build().unwrap();
    let first = post(sync_body(ID));
    take(&receiver, &first).unwrap();
    let error = refused(&receiver.clone(), &first);
    assert!(matches!(&error, NotificationError::Replayed { id } if id == ID));
    assert_eq!(error.status(), StatusCode::CONFLICT);
}

#[test]
fn a_redelivery_is_taken_and_told() {
    let clock = Arc::new(HandClock::default());
    let receiver = standalone().clock(clock.clone()).build().unwrap();
    let redelivered = |seconds: i64, random| {
        let post = sign(By::PublicKey, sync_body(ID), now() + seconds, random);
        take(&receiver, &post).unwrap().seen_before
    };
    assert!(!redelivered(0, 1));
    // In the same second from another server, then much later.
    assert!(redelivered(0, 2));
    clock.advance(24 * 3600);
    assert!(redelivered(24 * 3600, 3));
    clock.advance(26 * 3600);
    assert!(!redelivered(50 * 3600, 4), "forgotten");
}

#[test]
fn a_replay_is_refused_for_as_long_as_its_signature_holds() {
    let clock = Arc::new(HandClock::default());
    let receiver = standalone().clock(clock.clone()).build().unwrap();
    // Signed by a server whose clock is ahead.
    let post = sign(By::PublicKey, sync_body(ID), now() + 290, 1);
    take(&receiver, &post).unwrap();
    clock.advance(580);
    assert!(matches!(
        refused(&receiver, &post),
        NotificationError::Replayed { .. }
    ));
    clock.advance(20);
    assert!(matches!(
        refused(&receiver, &post),
        NotificationError::Signature(VerifyError::TimestampOutOfWindow { .. })
    ));
}

#[derive(Debug)]
struct Broken {
    waits: bool,
}

impl ReplayStore for Broken {
    fn first<'a>(&'a self, _: Mark<'a>, _: Timestamp, _: Timestamp) -> Marking<'a> {
        let waits = self.waits;
        Box::pin(async move {
            if waits {
                tokio::task::yield_now().await;
            }
            Err(ReplayStoreError::new("redis at 10.0.0.1 is away"))
        })
    }
}

#[tokio::test]
async fn a_store_that_fails_takes_nothing() {
    let post = post(sync_body(ID));
    let broken = |waits| {
        let store = Arc::new(Broken { waits });
        standalone().replay_store(store).build().unwrap()
    };
    let error = broken(true)
        .receive(&post.headers, &post.body)
        .await
        .unwrap_err();
    assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        !error.ack().body().contains("10.0.0.1"),
        "{:?}",
        error.ack()
    );
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "redis at 10.0.0.1 is away");
    let error = refused(&broken(true), &post);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        source.contains("take notifications with `receive`"),
        "{source}"
    );
}

#[test]
fn the_second_layer_opens_with_the_private_key() {
    let phone = Sensitive::from("13800138000");
    let sealed = keys().merchant.public_key().seal(&phone).unwrap();
    let resource = json!({
        "brand_id": "1004", "card_id": "p", "openid": "o", "phone_number": sealed,
    });
    let body = |id| body(id, EventKind::UserCardCreate, &resource.to_string());
    let phone_of = |delivery: Delivery| match delivery.event {
        Event::UserCardCreated(card) => card.phone_number.unwrap(),
        other => panic!("{other:?}"),
    };
    let with_key = standalone()
        .private_key(keys().merchant.clone())
        .build()
        .unwrap();
    let opened = phone_of(take(&with_key, &post(body("1"))).unwrap());
    assert_eq!(opened.expose(), "13800138000");
    let client = builder(&Fake::new(|_, _| unsigned(500, "")))
        .build()
        .unwrap();
    let of_client = client.notifications(API_V3_KEY).build().unwrap();
    let opened = phone_of(take(&of_client, &post(body("2"))).unwrap());
    assert_eq!(opened.expose(), "13800138000");
    let without = standalone().build().unwrap();
    let kept = phone_of(take(&without, &post(body("3"))).unwrap());
    assert_eq!((kept.is_opened(), kept.expose()), (false, sealed.as_str()));
}

fn automatic(fake: &Arc<Fake>) -> Receiver {
    let client = Client::builder(merchant())
        .auto_certificates(API_V3_KEY)
        .transport(fake.clone())
        .build()
        .unwrap();
    client.notifications(API_V3_KEY).build().unwrap()
}

#[tokio::test]
async fn an_unknown_certificate_is_downloaded_once() {
    let fake = Fake::new(|_, _| certificate_list(By::Certificate(0), &[0, 1], API_V3_KEY));
    let receiver = automatic(&fake);
    for (id, by) in [("1", By::Certificate(0)), ("2", By::Certificate(1))] {
        let post = sign(by, sync_body(id), now(), 7);
        receiver.receive(&post.headers, &post.body).await.unwrap();
    }
    assert_eq!(fake.count(), 1);
    for id in ["3", "4"] {
        let post = sign(By::Stranger("4F"), sync_body(id), now(), 7);
        let error = receiver
            .receive(&post.headers, &post.body)
            .await
            .unwrap_err();
        assert!(matches!(
            error,
            NotificationError::Signature(VerifyError::UnknownSerial { .. })
        ));
    }
    assert_eq!(fake.count(), 2, "the first stranger alone is looked for");
}

#[cfg(feature = "blocking")]
#[test]
fn a_blocking_client_downloads_too() {
    let fake = Fake::new(|_, _| certificate_list(By::Certificate(0), &[0], API_V3_KEY));
    let client = crate::blocking::Client::builder(merchant())
        .auto_certificates(API_V3_KEY)
        .transport(fake.clone())
        .build()
        .unwrap();
    let receiver = client.notifications(API_V3_KEY).build().unwrap();
    let post = sign(By::Certificate(0), sync_body(ID), now(), 7);
    // By itself it has the keys at hand alone, of which there are none yet.
    assert!(take(&receiver, &post).is_err());
    let delivery = client
        .receive(&receiver, &post.headers, &post.body)
        .unwrap();
    assert_eq!(delivery.id, ID);
    assert_eq!(fake.count(), 1);
}

#[tokio::test]
async fn a_download_that_fails_is_no_verdict() {
    let receiver = automatic(&Fake::new(|_, _| unsigned(502, "<html>")));
    let post = sign(By::Certificate(0), sync_body(ID), now(), 7);
    let error = receiver
        .receive(&post.headers, &post.body)
        .await
        .unwrap_err();
    assert!(matches!(error, NotificationError::Keys { .. }), "{error}");
    assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[test]
fn either_kind_of_key_serves_while_a_merchant_moves() {
    let receiver = standalone()
        .platform_certificate(&keys().certified[0].pem)
        .build()
        .unwrap();
    for (id, by) in [("1", By::PublicKey), ("2", By::Certificate(0))] {
        take(&receiver, &sign(by, sync_body(id), now(), 7)).unwrap();
    }
}

#[test]
fn a_wrong_setting_is_named() {
    let cases = [
        (Receiver::builder(API_V3_KEY), "one of them is needed"),
        (
            Receiver::builder("short"),
            "api_v3_key: an APIv3 key has exactly 32 bytes",
        ),
        (
            standalone().wechatpay_public_key("4F", "x"),
            "begins with PUB_KEY_ID_",
        ),
        (
            standalone().platform_certificate("x"),
            "platform_certificate: ",
        ),
    ];
    for (builder, text) in cases {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn acknowledgements_have_the_documented_form() {
    let response: Response<Vec<u8>> = Ack::success().into();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.body(), br#"{"code":"SUCCESS","message":"OK"}"#);
    let response: Response<String> = Ack::failure("数据库\"忙\"").into();
    assert_eq!(response.status(), 500);
    assert_eq!(
        response.body(),
        r#"{"code":"FAIL","message":"数据库\"忙\""}"#
    );
    // A success that says FAIL would stop the redeliveries.
    for status in [StatusCode::OK, StatusCode::NO_CONTENT, StatusCode::FOUND] {
        assert_eq!(Ack::refusal(status, "x").status(), 500);
    }
}

#[test]
fn nothing_secret_shows() {
    let builder = standalone().private_key(keys().merchant.clone());
    let shown = format!("{builder:?}");
    let shown = format!("{shown} {:?}", builder.build().unwrap());
    assert!(!shown.contains(API_V3_KEY), "{shown}");
}
