//! The sandbox's clock at other speeds than real time's.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use kabao_sandbox::{NotificationSettings, RateLimits};
use serde_json::{Value, json};

use crate::{
    notifications::after_attempts,
    receiver::Receiver,
    support::{Running, card_target, echoed},
};

/// What a test waits for at most, far above what it takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn set(running: &Running, change: Value) -> Value {
    running.control_ok("PUT", "/_sandbox/clock", Some(change))
}

fn shown(running: &Running) -> Value {
    running.control_ok("GET", "/_sandbox/clock", None)
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

fn seconds_between(earlier: &Value, later: &Value) -> f64 {
    instant(later)
        .duration_since(instant(earlier))
        .as_secs_f64()
}

#[test]
fn an_hour_passes_in_a_minute() {
    let running = Running::start();
    assert_eq!(shown(&running)["speed"], 1);
    let begun = Instant::now();
    let first = set(&running, json!({"speed": 60}));
    let began = Instant::now();
    assert_eq!(first["speed"], 60);
    assert_eq!(first["frozen"], false);
    loop {
        let least = began.elapsed();
        let later = shown(&running);
        let most = begun.elapsed();
        let passed = seconds_between(&first["now"], &later["now"]);
        // The answers show thousandths.
        assert!(passed >= least.as_secs_f64() * 60.0 - 0.002, "{passed}");
        assert!(passed <= most.as_secs_f64() * 60.0 + 0.002, "{passed}");
        if later["offset_seconds"].as_i64().unwrap() >= 20 {
            break;
        }
        assert!(most < PATIENCE, "{later}");
    }
}

#[test]
fn a_card_expires_while_one_looks_and_signatures_do_not() {
    let running = Running::start();
    let merchant = running.merchant();
    let state = || {
        let answer = merchant.get(&card_target());
        running.verified(&answer);
        answer.json()["user_card_state"].clone()
    };
    // Its last minute.
    set(
        &running,
        json!({"now": "2030-05-20T13:28:40+08:00", "frozen": true}),
    );
    assert_eq!(state(), "EFFECTIVE");
    set(&running, json!({"speed": 600}));
    let begun = Instant::now();
    while state() != "EXPIRED" {
        assert!(begun.elapsed() < PATIENCE, "{}", shown(&running));
    }
}

#[test]
fn retries_keep_pace() {
    // 20 ms each, which a worker that looks twice a second would miss.
    let waits = [Duration::from_millis(1200); 20];
    let settings = NotificationSettings::default().other_event_retries(waits);
    let running =
        Running::with(|builder| builder.rate_limits(RateLimits::Off).notifications(settings));
    set(&running, json!({"speed": 60}));
    let receiver = Receiver::answering([500]);
    echoed(&running, &receiver.url);
    let seen = after_attempts(&running, &receiver.url, 21);
    assert_eq!(seen["state"], "FAILED");
    let attempts = seen["attempts"].as_array().unwrap();
    for pair in attempts.windows(2) {
        let waited = seconds_between(&pair[0]["time"], &pair[1]["time"]);
        assert!(waited >= 1.199, "{waited}");
    }
    let took = seconds_between(&attempts[0]["time"], &attempts[20]["time"]);
    assert!(took < 480.0, "{took} s of the sandbox's clock");
}

#[test]
fn a_speed_goes_on_until_it_is_changed() {
    let running = Running::start();
    let speed = |change: Value| set(&running, change)["speed"].clone();
    assert_eq!(speed(json!({"speed": 2.5})), 2.5);
    // Moved, it runs on as it did.
    let moved = set(&running, json!({"now": "2031-01-01T00:00:00+08:00"}));
    assert_eq!(moved["speed"], 2.5);
    let begin = "2031-01-01T00:00:00.000+08:00";
    let passed = seconds_between(&begin.into(), &moved["now"]);
    assert!((0.0..60.0).contains(&passed), "{moved}");
    // A clock that stands still has none, and goes on at the pace it had.
    assert_eq!(speed(json!({"frozen": true})), 0);
    assert_eq!(speed(json!({"now": "2032-01-01T00:00:00+08:00"})), 0);
    assert_eq!(speed(json!({"frozen": false})), 2.5);
    // Or at the one that is ordered.
    set(&running, json!({"frozen": true}));
    let going = set(&running, json!({"speed": 60}));
    assert_eq!(
        (&going["speed"], &going["frozen"]),
        (&json!(60), &json!(false))
    );
    // Changed on the way, it shows the same time.
    let before = instant(&going["now"]);
    assert!(instant(&set(&running, json!({"speed": 1}))["now"]) >= before);
    assert!(shown(&running)["offset_seconds"].as_i64().unwrap() > 0);
    // Back to real time is back to its pace.
    set(&running, json!({"speed": 60}));
    let real = set(&running, json!({"offset_seconds": 0}));
    assert_eq!(
        (&real["speed"], &real["offset_seconds"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(speed(json!({"offset_seconds": 60, "speed": 60})), 60);
    running.control_ok("POST", "/_sandbox/reset", None);
    assert_eq!(shown(&running)["speed"], 1);
}

#[test]
fn time_goes_on_while_the_sandbox_is_stopped() {
    let running = Running::start();
    let before = set(&running, json!({"speed": 100_000}));
    let stopped = Instant::now();
    let again = Running::in_folder(running.stop(), |builder| builder);
    let lasted = stopped.elapsed().as_secs_f64();
    let after = shown(&again);
    assert_eq!(after["speed"], 100_000);
    let passed = seconds_between(&before["now"], &after["now"]);
    assert!(passed >= lasted * 100_000.0 - 0.002, "{passed}");
}

#[test]
fn no_other_speeds_are_taken() {
    let running = Running::start();
    for (bad, words) in [
        (json!({"speed": 0}), "speed: 0 is not from 0.001 to 1000000"),
        (json!({"speed": -1}), "speed: -1"),
        (json!({"speed": 1_000_001}), "speed: 1000001"),
        (json!({"speed": "fast"}), "speed: invalid type"),
        (
            json!({"speed": 60, "frozen": true}),
            "speed: a frozen clock",
        ),
    ] {
        let answer = running.control("PUT", "/_sandbox/clock", Some(bad.clone()));
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{bad}");
        let message = answer.json()["message"].clone();
        assert!(message.as_str().unwrap().contains(words), "{message}");
    }
    assert_eq!(shown(&running)["speed"], 1);
}
