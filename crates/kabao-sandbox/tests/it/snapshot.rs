//! Snapshots over the control plane.

use serde_json::json;

use crate::{
    notifications::after_attempts,
    receiver::Receiver,
    support::{Request, Running, card_target, change, echoed, patch_target},
};

fn load(running: &Running, file: &[u8]) -> crate::support::Answer {
    Request::new("PUT", "/_sandbox/snapshot")
        .body(file)
        .send(running.address)
}

/// With the same master key and keys of its own.
fn another_like(running: &Running) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let key = "master.key";
    std::fs::copy(running.folder.path().join(key), folder.path().join(key)).unwrap();
    Running::in_folder(folder, |builder| builder)
}

#[test]
fn another_sandbox_goes_on_where_the_first_was() {
    let first = Running::start();
    let refusing = Receiver::answering([500, 200]);
    first
        .merchant()
        .patch(&patch_target(), &change(json!({"level": "黑金"})));
    echoed(&first, &refusing.url);
    after_attempts(&first, &refusing.url, 1);
    let frozen = json!({"now": "2029-01-01T00:00:00+08:00", "frozen": true});
    first.control_ok("PUT", "/_sandbox/clock", Some(frozen));
    let saved = first.control("GET", "/_sandbox/snapshot", None);
    assert_eq!(saved.status, 200);
    let text = String::from_utf8(saved.body.clone()).unwrap();
    for private in ["13800138000", &*first.credentials.merchant.apiv3_key] {
        assert!(!text.contains(private), "{private} in {text}");
    }
    assert!(!text.contains("PRIVATE KEY"), "{text}");

    let second = another_like(&first);
    let fault = json!({"kind": "bad_signature"});
    second.control_ok("POST", "/_sandbox/faults", Some(fault));
    let mut caller = first.merchant();
    caller.address = second.address;
    assert_eq!(
        caller.get(&card_target()).status,
        401,
        "its keys are others"
    );
    let loaded = load(&second, &saved.body);
    assert_eq!(loaded.status, 200, "{loaded:?}");
    assert_eq!(loaded.json()["keys_changed"], true);
    // At once, with the keys of the first, and without what was ordered before.
    let answer = caller.get(&card_target());
    assert_eq!(answer.json()["level"], "黑金");
    first.verified(&answer);
    let clock = second.control_ok("GET", "/_sandbox/clock", None);
    assert_eq!(clock["now"], "2029-01-01T00:00:00.000+08:00");
    drop(caller);
    first.stop();
    // What the first owed, the second delivers, and the receiver can open it.
    let past_all = json!({"now": "2029-01-03T00:00:00+08:00"});
    second.control_ok("PUT", "/_sandbox/clock", Some(past_all));
    let sent = after_attempts(&second, &refusing.url, 2);
    assert_eq!(sent["state"], "DELIVERED", "{sent}");
    let again = load(&second, &saved.body);
    assert_eq!(again.json()["keys_changed"], false);
}

#[test]
fn what_is_not_taken_changes_nothing() {
    let running = Running::start();
    let merchant = running.merchant();
    merchant.patch(&patch_target(), &change(json!({"level": "黑金"})));
    let saved = running.control("GET", "/_sandbox/snapshot", None).body;
    let mut damaged = saved.clone();
    let place = damaged
        .windows(6)
        .position(|window| window == "黑金".as_bytes());
    damaged[place.unwrap()..][..6].copy_from_slice("白金".as_bytes());
    merchant.patch(&patch_target(), &change(json!({"level": "今"})));
    for (file, issue) in [
        (&damaged[..], "damaged"),
        (&saved[..saved.len() / 2], "ends early"),
        (&b"{}"[..], "not a snapshot"),
        (&b""[..], "not a snapshot"),
    ] {
        let answer = load(&running, file);
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()));
        let message = answer.json()["message"].to_string();
        assert!(
            message.contains(issue) && message.contains("nothing was changed"),
            "{message}"
        );
    }
    let stranger = Running::in_folder(tempfile::tempdir().unwrap(), |builder| builder);
    let answer = load(&stranger, &saved);
    let message = answer.json()["message"].to_string();
    assert!(message.contains("another master key"), "{message}");
    assert_eq!(merchant.get(&card_target()).json()["level"], "今");
    assert_eq!(load(&running, &saved).status, 200);
    assert_eq!(merchant.get(&card_target()).json()["level"], "黑金");
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let running = Running::start();
    let store = rusqlite::Connection::open(running.folder.path().join("sandbox.db")).unwrap();
    store
        .busy_timeout(std::time::Duration::from_secs(30))
        .unwrap();
    // Nobody can read this.
    store
        .execute("UPDATE user_cards SET personal = x'00'", [])
        .unwrap();
    let save = || running.control("GET", "/_sandbox/snapshot", None);
    assert_eq!(save().status, 500);
    let sql = "INSERT INTO records (brand_id, kind, id, document) VALUES ('1004', 'x', 'x', ?1)";
    store.execute(sql, ["x".repeat(32 << 20)]).unwrap();
    let refused = save();
    assert_eq!(refused.refusal(), (400, "INVALID_REQUEST".into()));
    let message = refused.json()["message"].to_string();
    assert!(
        message.contains("32 MiB") && message.contains("copy the store"),
        "{message}"
    );
}
