//! Faults on demand, and for each whether the change was applied.

use std::{
    io::{ErrorKind, Read as _},
    thread,
    time::{Duration, Instant},
};

use kabao_core::{
    answer::{AnswerSignature, VerifyError, header},
    message,
};
use serde_json::{Value, json};

use crate::{
    notifications::{after_attempts, stop_clock_at},
    receiver::Receiver,
    support::{
        Answer, BRAND_CARD_PATH, CARD_ID, OPENID, Request, Running, card_target, change, echoed,
        nonce, patch_target, unix_now,
    },
};

const SAMPLE_LEVEL: &str = "钻石会员";
const NEW_LEVEL: &str = "白金会员";

fn order(running: &Running, fault: Value) -> Value {
    running.control_ok("POST", "/_sandbox/faults", Some(fault))
}

fn clear(running: &Running) {
    running.control_ok("DELETE", "/_sandbox/faults", None);
}

/// A change of the sample card's level.
fn update(running: &Running) -> Request {
    let body = change(json!({"level": NEW_LEVEL})).to_string();
    running.merchant().request("PATCH", &patch_target(), &body)
}

fn level(running: &Running) -> Value {
    running.merchant().get(&card_target()).json()["level"].clone()
}

/// Whether the change was applied, and what the journal says of the fault.
fn applied(running: &Running, name: &str) -> (bool, Value) {
    let entry = running.last_request();
    assert_eq!(entry["fault"], name, "{entry}");
    clear(running);
    let level = level(running);
    assert!([SAMPLE_LEVEL, NEW_LEVEL].contains(&level.as_str().unwrap()));
    (level == NEW_LEVEL, entry)
}

fn says(entry: &Value, words: &str) {
    let effect = entry["fault_effect"].as_str().unwrap();
    assert!(effect.contains(words), "{effect}");
}

fn verify(running: &Running, answer: &Answer) -> Result<(), VerifyError> {
    let signature = AnswerSignature::from_headers(|name| answer.header(name))?;
    let keys = running.keyring();
    signature.verify(&answer.body, &keys, unix_now()).map(drop)
}

#[test]
fn a_status_is_answered_and_nothing_is_done() {
    for (fault, status, code, message) in [
        (json!({"status": 503}), 503, "SYSTEM_ERROR", None),
        (json!({"status": 429}), 429, "FREQUENCY_LIMITED", None),
        (
            json!({"status": 500, "code": "BANK_ERROR"}),
            500,
            "BANK_ERROR",
            None,
        ),
        (
            json!({"status": 404, "message": "没有"}),
            404,
            "RESOURCE_NOT_EXISTS",
            Some("没有"),
        ),
        (
            json!({"status": 202, "code": "ACCEPTED"}),
            202,
            "ACCEPTED",
            None,
        ),
        (json!({"status": 599}), 599, "SYSTEM_ERROR", None),
    ] {
        let running = Running::start();
        let mut fault = fault;
        fault["kind"] = "status".into();
        fault["retry_after"] = 7.into();
        order(&running, fault);
        let answer = update(&running).send(running.address);
        assert_eq!(answer.refusal(), (status, code.to_owned()));
        assert!(message.is_none_or(|message| answer.json()["message"] == message));
        assert_eq!(answer.header("retry-after"), Some("7"));
        running.verified(&answer);
        let (applied, entry) = applied(&running, "status");
        assert!(!applied);
        says(&entry, "the operation did not run");
        assert_eq!(
            (&entry["status"], &entry["code"]),
            (&json!(status), &json!(code))
        );
    }
}

#[test]
fn a_status_may_be_unsigned_or_bare() {
    let running = Running::start();
    order(
        &running,
        json!({"kind": "status", "status": 500, "signed": false}),
    );
    let answer = update(&running).send(running.address);
    assert_eq!(answer.refusal(), (500, "SYSTEM_ERROR".into()));
    assert!(answer.is_unsigned() && answer.header("request-id").is_some());
    let (done, entry) = applied(&running, "status");
    assert!(!done && entry["signed_with"].is_null(), "{entry}");

    order(&running, json!({"kind": "status", "status": 204}));
    let answer = update(&running).send(running.address);
    assert_eq!((answer.status, &*answer.body), (204, &b""[..]));
    running.verified(&answer);
    assert!(!applied(&running, "status").0);
}

#[test]
fn an_error_envelope_is_a_signed_200() {
    let running = Running::start();
    order(
        &running,
        json!({"kind": "error_envelope", "code": "X", "message": "y"}),
    );
    let answer = update(&running).send(running.address);
    assert_eq!(answer.refusal(), (200, "X".into()));
    assert_eq!(answer.json(), json!({"code": "X", "message": "y"}));
    running.verified(&answer);
    let (applied, entry) = applied(&running, "error_envelope");
    assert!(!applied);
    assert_eq!(entry["code"], "X");
}

#[test]
fn a_gateways_page_is_html_and_unsigned() {
    for status in [200, 502, 504] {
        let running = Running::start();
        order(&running, json!({"kind": "html", "status": status}));
        let answer = update(&running).send(running.address);
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("content-type"), Some("text/html"));
        assert!(answer.body.starts_with(b"<html>") && answer.is_unsigned());
        assert!(!applied(&running, "html").0);
    }
}

#[test]
fn a_reset_comes_before_the_operation() {
    let running = Running::start();
    order(&running, json!({"kind": "reset"}));
    let (answer, end) = update(&running).exchange(running.address);
    assert_eq!(answer, b"");
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let (applied, entry) = applied(&running, "reset");
    assert!(!applied && entry["status"].is_null(), "{entry}");
    says(&entry, "the operation did not run");
}

#[test]
fn or_within_the_answers_body_after_it() {
    let running = Running::start();
    order(&running, json!({"kind": "reset", "at": "body"}));
    let (bytes, end) = update(&running).exchange(running.address);
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    let answer = Answer::parse(&bytes);
    let length: usize = answer.header("content-length").unwrap().parse().unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, length / 2));
    assert!(answer.body.starts_with(b"{"));
    let (applied, entry) = applied(&running, "reset");
    assert!(applied && entry["status"] == 200, "{entry}");
    says(&entry, "within the answer's body");
}

#[test]
fn a_lost_answer_follows_the_operation() {
    let running = Running::start();
    order(&running, json!({"kind": "lost_answer", "ms": 80}));
    let begun = Instant::now();
    let (answer, end) = update(&running).exchange(running.address);
    assert!(begun.elapsed() >= Duration::from_millis(80));
    assert!(answer.is_empty() && end.is_ok(), "{end:?}");
    let (applied, entry) = applied(&running, "lost_answer");
    assert!(applied && entry["status"].is_null(), "{entry}");
    says(&entry, "closed without an answer, 80 ms later");
}

#[test]
fn a_delayed_answer_comes_late_to_what_was_done_at_once() {
    let running = Running::start();
    order(
        &running,
        json!({"kind": "delay", "ms": 20_000, "method": "PATCH"}),
    );
    // Nobody waits that long; what was sent is done all the same.
    let connection = update(&running).started(running.address);
    let patience = Instant::now() + Duration::from_secs(10);
    while level(&running) != NEW_LEVEL {
        assert!(Instant::now() < patience);
        thread::sleep(Duration::from_millis(10));
    }
    drop(connection);
    let journal = running.control_ok("GET", "/_sandbox/requests", None);
    let delayed = |entry: &&Value| entry["fault"] == "delay";
    let entry = journal["data"].as_array().unwrap().iter().find(delayed);
    says(entry.unwrap(), "waited 20000 ms");

    order(&running, json!({"kind": "delay", "ms": 60}));
    let begun = Instant::now();
    let answer = running.merchant().get(&card_target());
    assert!(begun.elapsed() >= Duration::from_millis(60));
    running.verified(&answer);
}

#[test]
fn who_stops_the_sandbox_waits_for_no_fault() {
    for fault in ["delay", "lost_answer"] {
        let running = Running::start();
        order(
            &running,
            json!({"kind": fault, "ms": 60_000, "method": "PATCH"}),
        );
        let mut connection = update(&running).started(running.address);
        let patience = Instant::now() + Duration::from_secs(10);
        while running.last_request()["fault"] != fault {
            assert!(Instant::now() < patience);
            thread::sleep(Duration::from_millis(10));
        }
        let begun = Instant::now();
        running.stop();
        assert!(begun.elapsed() < Duration::from_secs(5), "{fault}");
        // What was held back comes, what is lost does not.
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
        assert_eq!(answer.starts_with(b"HTTP/1.1 200"), fault == "delay");
    }
}

#[test]
fn a_notification_that_is_held_back_goes_out_when_the_sandbox_stops() {
    let running = Running::start();
    let receiver = Receiver::answering([200]);
    let delay = json!({"kind": "delay", "ms": 10_000, "on": "notification", "count": 2});
    order(&running, delay);
    echoed(&running, &receiver.url);
    // Until it is under way.
    let patience = Instant::now() + Duration::from_secs(10);
    let is_waiting = || {
        let list = running.control_ok("GET", "/_sandbox/faults", None);
        list["data"][0]["count"] == 2
    };
    while is_waiting() {
        assert!(Instant::now() < patience);
        thread::sleep(Duration::from_millis(10));
    }
    let begun = Instant::now();
    running.stop();
    assert!(begun.elapsed() < Duration::from_secs(5));
    receiver.next();
}

#[test]
fn delays_that_vary_are_the_same_again() {
    let running = Running::start();
    let waits = |seed: u64| {
        let fault = json!({"kind": "delay", "median_ms": 4, "sigma": 1.0, "seed": seed});
        order(&running, fault);
        let waits = [0; 6].map(|_| {
            running.merchant().get(&card_target());
            running.last_request()["fault_effect"].clone()
        });
        clear(&running);
        waits
    };
    let first = waits(1);
    assert_eq!(waits(1), first);
    assert_ne!(waits(2), first);
}

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
                    seconds_off: Some(-605..=-600),
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
                        seconds_off: Some(395..=400),
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
fn notifications_go_wrong_and_come_again() {
    for kind in [
        "bad_signature",
        "missing_signature",
        "stale_signature",
        "unknown_serial",
        "probe",
    ] {
        let running = Running::start();
        let begin = unix_now();
        stop_clock_at(&running, begin, 0);
        let receiver = Receiver::answering([401, 200]);
        order(
            &running,
            json!({"kind": kind, "on": "notification", "count": 1, "caller": "1900000001"}),
        );
        echoed(&running, &receiver.url);
        let first = receiver.next();
        let verdict =
            AnswerSignature::from_headers(|name| first.header(name)).and_then(|signature| {
                let keys = running.keyring();
                signature.verify(&first.body, &keys, unix_now()).map(drop)
            });
        assert!(verdict.is_err(), "{kind}");
        let seen = after_attempts(&running, &receiver.url, 1);
        let entry = running.last_request();
        assert_eq!(
            (&entry["fault"], &entry["notification"]),
            (&json!(kind), &seen["id"])
        );
        assert_eq!(
            (&entry["status"], &entry["path"]),
            (&json!(401), &json!("/notify"))
        );
        assert_eq!(
            (&entry["caller"], &entry["verdict"]),
            (&json!("1900000001"), &Value::Null)
        );

        stop_clock_at(&running, begin, 15);
        let second = receiver.next();
        second.verified(&running);
        assert_eq!(second.body, first.body);
    }
}

/// A frozen clock, and a notification that a fault befalls once.
fn befallen(fault: Value) -> (Running, i64, Receiver) {
    let running = Running::start();
    let begin = unix_now();
    stop_clock_at(&running, begin, 0);
    let receiver = Receiver::answering([200]);
    order(&running, fault);
    echoed(&running, &receiver.url);
    (running, begin, receiver)
}

#[test]
fn a_notification_is_posted_twice() {
    let (running, _, receiver) = befallen(json!({"kind": "duplicate", "count": 1}));
    let [first, second] = [receiver.next(), receiver.next()];
    first.verified(&running);
    second.verified(&running);
    assert_eq!(first.body, second.body);
    let seen = after_attempts(&running, &receiver.url, 1);
    assert_eq!(seen["state"], "DELIVERED", "{seen}");
    assert_eq!(seen["attempts"].as_array().unwrap().len(), 1, "{seen}");
    says(&running.last_request(), "posted twice");
}

#[test]
fn a_notification_that_no_key_opens_comes_again_as_it_should_be() {
    let running = Running::start();
    let begin = unix_now();
    stop_clock_at(&running, begin, 0);
    let receiver = Receiver::answering([500, 200]);
    order(&running, json!({"kind": "bad_ciphertext", "count": 1}));
    echoed(&running, &receiver.url);
    let key = kabao_core::ApiV3Key::new(&running.credentials.merchant.apiv3_key).unwrap();
    let first = receiver.next();
    first.verified(&running);
    assert!(first.envelope().open(&key).is_err());
    after_attempts(&running, &receiver.url, 1);
    stop_clock_at(&running, begin, 15);
    let second = receiver.next();
    second.verified(&running);
    assert!(second.envelope().open(&key).is_ok());
    assert_eq!(first.envelope().id, second.envelope().id);
}

#[test]
fn a_lost_notification_and_a_lost_answer_come_again() {
    for (kind, arrives) in [("reset", false), ("lost_answer", true)] {
        let fault = json!({"kind": kind, "on": "notification", "count": 1});
        let (running, begin, receiver) = befallen(fault);
        let seen = after_attempts(&running, &receiver.url, 1);
        let error = seen["attempts"][0]["error"].as_str().unwrap();
        assert!(error.contains("lost"), "{error}");
        assert_eq!(running.last_request()["fault"], kind);
        stop_clock_at(&running, begin, 15);
        let post = receiver.next();
        post.verified(&running);
        let seen = after_attempts(&running, &receiver.url, 2);
        assert_eq!(seen["state"], "DELIVERED", "{seen}");
        if arrives {
            assert_eq!(receiver.next().body, post.body);
        }
        receiver.stays_silent(&running);
    }
}

#[test]
fn a_held_notification_lets_others_pass() {
    let held = json!({"kind": "delay", "ms": 5000, "on": "notification", "count": 1});
    let (running, begin, receiver) = befallen(held);
    let patience = Instant::now() + Duration::from_secs(20);
    while running.control_ok("GET", "/_sandbox/faults", None)["data"] != json!([]) {
        assert!(Instant::now() < patience, "it is not held");
        thread::sleep(Duration::from_millis(10));
    }
    // The newest in the list is then the second.
    stop_clock_at(&running, begin, 1);
    echoed(&running, &receiver.url);
    let [first, second] = [receiver.next(), receiver.next()].map(|post| post.envelope().id);
    let newest = after_attempts(&running, &receiver.url, 1);
    assert_eq!(newest["id"], json!(first));
    assert_ne!(first, second);
}

#[test]
fn what_befalls_notifications_leaves_answers_alone_and_others_too() {
    let running = Running::start();
    let receiver = Receiver::answering([200]);
    order(
        &running,
        json!({"kind": "probe_notification", "path": "/elsewhere"}),
    );
    order(
        &running,
        json!({"kind": "probe_notification", "caller": "1004"}),
    );
    order(
        &running,
        json!({"kind": "bad_signature", "operation": "get_card"}),
    );
    echoed(&running, &receiver.url);
    receiver.next().verified(&running);
    running.verified(&running.merchant().get(&card_target()));
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
    assert!((395..=400).contains(&ahead(answer.header(header::TIMESTAMP).unwrap())));

    clear(&running);
    order(&running, json!({"kind": "clock_skew", "seconds": -60}));
    let answer = running.merchant().get(&card_target());
    assert!((-65..=-60).contains(&ahead(answer.header(header::TIMESTAMP).unwrap())));
    running.verified(&answer);
    echoed(&running, &receiver.url);
    let post = receiver.next();
    assert!((-65..=-60).contains(&ahead(post.header(header::TIMESTAMP).unwrap())));
}

#[test]
fn a_skew_comes_on_top_of_another_fault() {
    let running = Running::start();
    order(&running, json!({"kind": "clock_skew", "seconds": 60}));
    order(&running, json!({"kind": "status", "status": 500}));
    let answer = running.merchant().get(&card_target());
    assert_eq!(answer.status, 500);
    let stamp: i64 = answer.header(header::TIMESTAMP).unwrap().parse().unwrap();
    assert!((55..=60).contains(&(stamp - unix_now())));
    assert_eq!(running.last_request()["fault"], "clock_skew, status");
}

#[test]
fn faults_of_several_parts_come_together() {
    let running = Running::start();
    for fault in [
        json!({"kind": "delay", "ms": 300}),
        json!({"kind": "stale_signature"}),
        json!({"kind": "status", "status": 503}),
        json!({"kind": "probe"}),
    ] {
        order(&running, fault);
    }
    let begun = Instant::now();
    let answer = update(&running).send(running.address);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(answer.status, 503);
    let error = verify(&running, &answer).unwrap_err();
    assert!(
        matches!(error, VerifyError::TimestampOutOfWindow { .. }),
        "{error}"
    );
    let (changed, entry) = applied(&running, "status, delay, stale_signature");
    assert!(!changed);
    for words in [
        "answered 503, signed; the operation did not run",
        ", the answer waited 300 ms",
        "600 s in the past",
    ] {
        says(&entry, words);
    }

    // A change whose answer is late and cannot be believed.
    order(&running, json!({"kind": "bad_signature", "count": 1}));
    order(&running, json!({"kind": "delay", "ms": 5, "count": 1}));
    let answer = update(&running).send(running.address);
    assert!(matches!(
        verify(&running, &answer),
        Err(VerifyError::Mismatch { .. })
    ));
    let (changed, entry) = applied(&running, "delay, bad_signature");
    assert!(changed);
    says(&entry, "after the operation, the answer waited 5 ms");
}

#[test]
fn selectors_pick_who_is_befallen() {
    let running = Running::start();
    let brand_target = format!("{BRAND_CARD_PATH}?card_id={CARD_ID}&openid={OPENID}");
    let list = format!(
        "/v3/brand/partner/card-member/user-cards?brand_id=1004&openid={OPENID}&offset=0&limit=5"
    );
    // Of: the merchant's card, the brand's, the merchant's list, its change.
    for (selector, befallen) in [
        (json!({}), [true, true, true, true]),
        (json!({"method": "get"}), [true, true, true, false]),
        (json!({"path": "/brand/"}), [false, true, false, false]),
        (json!({"caller": "1900000001"}), [true, false, true, true]),
        (
            json!({"operation": "get_user_card"}),
            [true, true, false, false],
        ),
        (
            json!({"operation": "list_user_cards", "caller": "1004"}),
            [false; 4],
        ),
        (json!({"skip": 1, "count": 2}), [false, true, true, false]),
        (
            json!({"skip": 1, "count": 1, "method": "PATCH"}),
            [false; 4],
        ),
    ] {
        let mut fault = selector.clone();
        fault["kind"] = "status".into();
        fault["status"] = 500.into();
        order(&running, fault);
        let statuses = [
            running.merchant().get(&card_target()).status,
            running.brand().get(&brand_target).status,
            running.merchant().get(&list).status,
            update(&running).send(running.address).status,
        ];
        assert_eq!(statuses.map(|status| status == 500), befallen, "{selector}");
        clear(&running);
    }
}

#[test]
fn a_seed_repeats_a_run() {
    let running = Running::start();
    let run = |seed: u64| {
        let fault = json!({"kind": "status", "status": 500, "probability": 0.5, "seed": seed});
        order(&running, fault);
        let statuses = [0; 24].map(|_| running.merchant().get(&card_target()).status);
        clear(&running);
        statuses
    };
    let first = run(7);
    assert!(first.contains(&500) && first.contains(&200));
    assert_eq!(run(7), first);
    assert_ne!(run(8), first);
}

#[test]
fn a_refused_signature_is_not_befallen_nor_counted() {
    let running = Running::start();
    order(&running, json!({"kind": "reset", "count": 1}));
    let unsigned = running.merchant().bare("GET", &card_target(), "");
    assert_eq!(
        unsigned.send(running.address).refusal(),
        (401, "SIGN_ERROR".into())
    );
    let armed = running.control_ok("GET", "/_sandbox/faults", None);
    assert_eq!(
        armed["data"],
        json!([{"kind": "reset", "at": "before", "count": 1}])
    );
}

#[test]
fn what_is_left_is_listed_and_what_makes_no_sense_refused() {
    let running = Running::start();
    let drawn = order(&running, json!({"kind": "probe", "probability": 0.0}));
    assert!(drawn["data"][0]["seed"].is_u64(), "{drawn}");
    clear(&running);
    order(&running, json!({"kind": "html", "count": 2, "skip": 1}));
    for _ in 0..2 {
        running.merchant().get(&card_target());
    }
    let armed = running.control_ok("GET", "/_sandbox/faults", None);
    let left = json!([{"kind": "html", "status": 502, "skip": 0, "count": 1}]);
    assert_eq!(armed["data"], left);
    for (fault, begins) in [
        (json!({"kind": "earthquake"}), "kind: "),
        (json!({"kind": "delay", "mss": 1}), "mss: "),
        (json!({"kind": "status", "status": "many"}), "status: "),
        (
            json!({"kind": "probe", "operation": "get_user_crad"}),
            "operation: `get_user_crad` is none of",
        ),
        (json!({"kind": "html", "on": "notification"}), "on: "),
    ] {
        let answer = running.control("POST", "/_sandbox/faults", Some(fault.clone()));
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{fault}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(begins), "{message}");
    }
    let armed = running.control_ok("GET", "/_sandbox/faults", None);
    assert_eq!(armed["data"], left, "what is refused is not armed");
    running.control_ok("POST", "/_sandbox/reset", None);
    running.verified(&running.merchant().get(&card_target()));
}

#[test]
fn what_is_left_outlives_a_restart_and_no_reset() {
    let running = Running::start();
    order(
        &running,
        json!({"kind": "status", "status": 500, "count": 3}),
    );
    let befallen = |running: &Running| running.merchant().get(&card_target()).status == 500;
    assert!(befallen(&running));
    let again = Running::in_folder(running.stop(), |builder| {
        builder.rate_limits(kabao_sandbox::RateLimits::Off)
    });
    let listed = again.control_ok("GET", "/_sandbox/faults", None);
    assert_eq!(listed["data"][0]["count"], 2, "{listed}");
    assert_eq!([(); 3].map(|()| befallen(&again)), [true, true, false]);
    order(&again, json!({"kind": "status", "status": 500}));
    again.control_ok("POST", "/_sandbox/reset", None);
    assert!(!befallen(&again));
    let again = Running::in_folder(again.stop(), |builder| {
        builder.rate_limits(kabao_sandbox::RateLimits::Off)
    });
    assert!(!befallen(&again));
}

#[test]
fn every_order_of_the_page_is_taken() {
    let page = include_str!("../../../../docs/faults.md");
    let running = Running::start();
    let orders = page.lines().filter_map(|line| {
        let (_, order) = line.split_once("-d '")?;
        order.strip_suffix('\'')
    });
    let mut count = 0;
    for text in orders {
        order(&running, serde_json::from_str(text).unwrap());
        count += 1;
    }
    assert!(count > 15, "{count}");
}
