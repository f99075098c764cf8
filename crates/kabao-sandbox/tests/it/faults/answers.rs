//! What befalls an answer, and whether the change was applied.

use std::{
    io::{ErrorKind, Read as _},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{NEW_LEVEL, applied, clear, level, order, says, update};
use crate::support::{Answer, Running, card_target};

#[test]
fn a_status_is_answered_and_nothing_is_done() {
    for (fault, status, code, message) in [
        (json!({"status": 500}), 500, "SYSTEM_ERROR", None),
        (json!({"status": 502}), 502, "SERVICE_UNAVAILABLE", None),
        (json!({"status": 503}), 503, "SERVICE_UNAVAILABLE", None),
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
        json!({"kind": "delay", "ms": 60_000, "method": "PATCH"}),
    );
    // Nobody waits that long; what was sent is done all the same.
    let connection = update(&running).started(running.address);
    let patience = Instant::now() + Duration::from_secs(30);
    while level(&running) != NEW_LEVEL {
        assert!(Instant::now() < patience);
        thread::sleep(Duration::from_millis(10));
    }
    drop(connection);
    // It is noted a moment after it can be seen.
    let entry = loop {
        let journal = running.control_ok("GET", "/_sandbox/requests", None);
        let delayed = |entry: &&Value| entry["fault"] == "delay";
        let mut entries = journal["data"].as_array().unwrap().iter();
        if let Some(entry) = entries.find(delayed) {
            break entry.clone();
        }
        assert!(Instant::now() < patience, "{journal}");
    };
    says(&entry, "waited 60000 ms");

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
        let patience = Instant::now() + Duration::from_secs(30);
        while running.last_request()["fault"] != fault {
            assert!(Instant::now() < patience);
            thread::sleep(Duration::from_millis(10));
        }
        let begun = Instant::now();
        running.stop();
        assert!(begun.elapsed() < Duration::from_secs(30), "{fault}");
        // What was held back comes, what is lost does not.
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
        assert_eq!(answer.starts_with(b"HTTP/1.1 200"), fault == "delay");
    }
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
