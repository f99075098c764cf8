//! Which faults meet which calls, and how orders are kept.

use std::time::{Duration, Instant};

use kabao_core::answer::VerifyError;
use serde_json::json;

use super::{applied, clear, order, says, update, verify};
use crate::support::{BRAND_CARD_PATH, CARD_ID, OPENID, Running, card_target};

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
    let page = include_str!("../../../../../docs/faults.md");
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

#[test]
fn an_order_has_a_size() {
    let running = Running::start();
    let long = |bytes: usize| {
        let message = "x".repeat(bytes);
        json!({"kind": "status", "status": 500, "message": message, "path": "/nowhere"})
    };
    order(&running, long(4_000));
    let answer = running.control("POST", "/_sandbox/faults", Some(long(4_096)));
    answer.is_refused(400, "PARAM_ERROR");
    let message = answer.json()["message"].to_string();
    assert!(message.contains("up to 4096 bytes"), "{message}");
}
