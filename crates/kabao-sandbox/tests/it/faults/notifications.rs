//! What befalls notifications.

use std::{
    thread,
    time::{Duration, Instant},
};

use kabao_core::answer::AnswerSignature;
use serde_json::{Value, json};

use super::{order, says};
use crate::{
    notifications::{after_attempts, stop_clock_at},
    receiver::Receiver,
    support::{Running, card_target, echoed, unix_now},
};

#[test]
fn a_notification_that_is_held_back_goes_out_when_the_sandbox_stops() {
    let running = Running::start();
    let receiver = Receiver::answering([200]);
    let delay = json!({"kind": "delay", "ms": 10_000, "on": "notification", "count": 2});
    order(&running, delay);
    echoed(&running, &receiver.url);
    // Until it is under way.
    let patience = Instant::now() + Duration::from_secs(30);
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
    assert!(begun.elapsed() < Duration::from_secs(8));
    receiver.next();
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
fn what_is_not_posted_is_not_befallen() {
    let running = Running::start();
    order(&running, json!({"kind": "duplicate", "count": 1}));
    order(
        &running,
        json!({"kind": "clock_skew", "seconds": 90, "count": 1, "path": "/notify"}),
    );
    let url = "https://192.0.2.7/notify";
    echoed(&running, url);
    after_attempts(&running, url, 1);
    let list = running.control_ok("GET", "/_sandbox/faults", None);
    assert_eq!(list["data"].as_array().unwrap().len(), 2, "{list}");
    assert!(running.last_request().get("notification").is_none());
}

#[test]
fn where_nobody_listens_nothing_is_said_to_have_arrived() {
    let running = Running::start();
    let url = "http://127.0.0.1:9/notify";
    for (kind, effect) in [
        ("duplicate", "it was to be posted twice: cannot connect to"),
        (
            "lost_answer",
            "there was no answer to lose: cannot connect to",
        ),
    ] {
        order(
            &running,
            json!({"kind": kind, "on": "notification", "count": 1}),
        );
        echoed(&running, url);
        after_attempts(&running, url, 1);
        says(&running.last_request(), effect);
    }
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
    let held = json!({"kind": "delay", "ms": 10_000, "on": "notification", "count": 1});
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
