//! Answers whose signature is wrong, and a clock that is off.

use kabao_core::{
    answer::{AnswerSignature, VerifyError, header},
    message,
};
use serde_json::{Value, json};

use super::{SAMPLE_LEVEL, applied, clear, order, says, update, verify};
use crate::{
    receiver::Receiver,
    support::{Running, card_target, echoed, nonce, unix_now},
};

#[test]
fn signatures_go_wrong_after_the_operation() {
    type Expected = fn(&VerifyError) -> bool;
    let cases: [(Value, Expected); 6] = [
        (json!({"kind": "bad_signature"}), |error| {
            matches!(error, VerifyError::Mismatch { probe: false })
        }),
        (json!({"kind": "probe"}), |error| {
            matches!(error, VerifyError::Mismatch { probe: true })
        }),
        (json!({"kind": "missing_signature"}), |error| {
            matches!(error, VerifyError::MissingHeader { .. })
        }),
        (json!({"kind": "unknown_serial"}), |error| {
            matches!(error, VerifyError::UnknownSerial { .. })
        }),
        (json!({"kind": "stale_signature"}), |error| {
            matches!(
                error,
                VerifyError::TimestampOutOfWindow {
                    seconds_off: Some(-660..=-600),
                    ..
                }
            )
        }),
        (
            json!({"kind": "stale_signature", "seconds": -400}),
            |error| {
                matches!(
                    error,
                    VerifyError::TimestampOutOfWindow {
                        seconds_off: Some(340..=400),
                        ..
                    }
                )
            },
        ),
    ];
    for (fault, expected) in cases {
        let running = Running::start();
        order(&running, fault.clone());
        let answer = update(&running).send(running.address);
        assert_eq!(answer.status, 200);
        let error = verify(&running, &answer).unwrap_err();
        assert!(expected(&error), "{fault}: {error}");
        // A refusal is signed no better.
        let refused = running.merchant().get("/v3/nowhere");
        assert_eq!(refused.status, 404);
        assert!(verify(&running, &refused).is_err(), "{fault}");
        assert!(applied(&running, fault["kind"].as_str().unwrap()).0);
        running.verified(&running.merchant().get(&card_target()));
    }
}

#[test]
fn a_stale_signature_is_good_but_for_its_time() {
    let running = Running::start();
    order(&running, json!({"kind": "stale_signature", "seconds": 600}));
    let answer = running.merchant().get(&card_target());
    let signature = AnswerSignature::from_headers(|name| answer.header(name)).unwrap();
    let then = unix_now() - 600;
    signature
        .verify(&answer.body, &running.keyring(), then)
        .unwrap();
}

#[test]
fn unknown_serials_have_the_form_of_known_ones() {
    let running = Running::start();
    order(&running, json!({"kind": "unknown_serial"}));
    let serial = |asked: &str| {
        let mut merchant = running.merchant();
        merchant.wechatpay_serial = Some(asked.to_owned());
        let answer = merchant.get(&card_target());
        answer.header(header::SERIAL).unwrap().to_owned()
    };
    let own = &running.credentials.merchant;
    for asked in [&own.wechatpay_public_key_id, &own.platform_serial_no] {
        let named = serial(asked);
        assert_ne!(named, *asked);
        assert_eq!(named.len(), asked.len());
        assert_eq!(
            named.starts_with("PUB_KEY_ID_"),
            asked.starts_with("PUB_KEY_ID_")
        );
    }
}

#[test]
fn a_clock_that_is_off_refuses_what_is_on_time() {
    let running = Running::start();
    let receiver = Receiver::answering([200]);
    order(&running, json!({"kind": "clock_skew", "seconds": 400}));
    let refused = update(&running).send(running.address);
    assert_eq!(refused.refusal(), (401, "SIGN_ERROR".into()));
    let entry = running.last_request();
    assert_eq!(
        (&entry["fault"], &entry["verdict"]["step"]),
        (&json!("clock_skew"), &json!("timestamp"))
    );
    says(&entry, "400 s ahead");

    // Whoever has the same clock gets along.
    let merchant = running.merchant();
    let then = (unix_now() + 400).to_string();
    let nonce = nonce();
    let built = message::request("GET", &card_target(), &then, &nonce, b"");
    let signature = kabao_core::signature::encode(&merchant.key.sign_now(&built).unwrap());
    let answer = merchant
        .bare("GET", &card_target(), "")
        .header(
            "Authorization",
            &merchant.header_of(&then, &nonce, &signature),
        )
        .send(running.address);
    assert_eq!(
        answer.json()["level"],
        SAMPLE_LEVEL,
        "the change was refused"
    );
    let ahead = |value: &str| value.parse::<i64>().unwrap() - unix_now();
    assert!((340..=400).contains(&ahead(answer.header(header::TIMESTAMP).unwrap())));

    clear(&running);
    order(&running, json!({"kind": "clock_skew", "seconds": -60}));
    let answer = running.merchant().get(&card_target());
    assert!((-120..=-60).contains(&ahead(answer.header(header::TIMESTAMP).unwrap())));
    running.verified(&answer);
    echoed(&running, &receiver.url);
    let post = receiver.next();
    assert!((-120..=-60).contains(&ahead(post.header(header::TIMESTAMP).unwrap())));
}

#[test]
fn a_skew_comes_on_top_of_another_fault() {
    let running = Running::start();
    order(&running, json!({"kind": "clock_skew", "seconds": 60}));
    order(&running, json!({"kind": "status", "status": 500}));
    let answer = running.merchant().get(&card_target());
    assert_eq!(answer.status, 500);
    let stamp: i64 = answer.header(header::TIMESTAMP).unwrap().parse().unwrap();
    assert!((1..=60).contains(&(stamp - unix_now())));
    assert_eq!(running.last_request()["fault"], "clock_skew, status");
}
