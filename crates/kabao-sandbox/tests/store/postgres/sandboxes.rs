//! Two sandboxes on one database.

use std::{
    collections::HashSet,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use kabao_core::signature::Scheme;
use kabao_sandbox::{
    RateLimits,
    store::{self, Needs, Owed, OwedState, Store},
    vault::MasterKey,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{
    proxy::Proxy,
    server::{Database, database},
};
use crate::{
    receiver::Receiver,
    support::{CARD_ID, Running, card_target, change, patch_target, unix_now},
    together,
};

/// Both, with the same master key.
fn two_on(database: &Database) -> [Arc<Running>; 2] {
    let first = start(database, tempfile::tempdir().unwrap());
    let second = another_beside(database, &first);
    assert_eq!(
        first.credentials.merchant.serial_no,
        second.credentials.merchant.serial_no
    );
    [first, second].map(Arc::new)
}

pub(super) fn start(database: &Database, folder: tempfile::TempDir) -> Running {
    Running::in_folder(folder, |builder| {
        builder.store(database.uri()).rate_limits(RateLimits::Off)
    })
}

/// A third hand on the database.
fn store_of(database: &Database, running: &Running) -> Arc<dyn Store> {
    let key = MasterKey::from_file(&running.folder.path().join("master.key")).unwrap();
    store::open(&database.uri(), &key).unwrap()
}

#[test]
fn a_card_changed_through_one_is_read_through_the_other() {
    let Some(database) = database() else { return };
    let [first, second] = two_on(&database);
    for (writer, reader, level) in [(&first, &second, "白金"), (&second, &first, "黑金")] {
        let changed = writer
            .merchant()
            .patch(&patch_target(), &change(json!({"level": level})));
        assert_eq!(changed.status, 200, "{changed:?}");
        let read = reader.merchant().get(&card_target()).json();
        assert_eq!(read["level"], level);
    }
    let frozen = json!({"now": "2029-01-01T00:00:00+08:00", "frozen": true});
    first.control_ok("PUT", "/_sandbox/clock", Some(frozen));
    let clock = second.control_ok("GET", "/_sandbox/clock", None);
    assert_eq!(clock["frozen"], true);
}

#[test]
fn a_user_joins_once_through_either() {
    let Some(database) = database() else { return };
    let both = two_on(&database);
    for round in 0..10 {
        let joining: Vec<_> = (0..6)
            .map(|number| {
                let running = Arc::clone(&both[number % 2]);
                thread::spawn(move || {
                    let target = format!("/_sandbox/users/joiner-{round}/join");
                    let body = json!({"brand_id": "1004", "card_id": CARD_ID});
                    running.control("POST", &target, Some(body)).status
                })
            })
            .collect();
        let statuses = joining.into_iter().map(|joined| joined.join().unwrap());
        let mut statuses: Vec<u16> = statuses.collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400, 400, 400, 400]);
    }
}

#[test]
fn what_is_owed_is_delivered_by_one() {
    const OWED: usize = 12;
    let Some(database) = database() else { return };
    let [first, second] = two_on(&database);
    // Long enough for the other to look again meanwhile.
    let receiver = Receiver::slow(Duration::from_millis(700), [200]);
    let store = store_of(&database, &first);
    let entries = (0..OWED).map(|number| owed(&first, &receiver.url, number));
    Runtime::new()
        .unwrap()
        .block_on(owe(&*store, entries.collect()));
    let ids: HashSet<Vec<u8>> = (0..OWED).map(|_| receiver.next().body).collect();
    assert_eq!(ids.len(), OWED);
    receiver.stays_silent(&first);
    for entry in all_delivered(&second) {
        assert_eq!(entry["attempts"].as_array().unwrap().len(), 1, "{entry}");
    }
}

/// The list, once what became of every entry is noted.
fn all_delivered(running: &Running) -> Vec<Value> {
    let begin = Instant::now();
    loop {
        let list = running.control_ok("GET", "/_sandbox/notifications", None);
        let list = list["data"].as_array().unwrap();
        if list.iter().all(|entry| entry["state"] == "DELIVERED") {
            return list.clone();
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{list:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_one_died_over_is_taken_over_when_the_lease_ends() {
    let Some(database) = database() else { return };
    let [first, _second] = two_on(&database);
    let begin = unix_now();
    stop_clock_at(&first, begin);
    let receiver = Receiver::answering([200]);
    let store = store_of(&database, &first);
    let due = Timestamp::from_second(begin + 60).unwrap();
    let mut entry = owed(&first, &receiver.url, 0);
    entry.next_attempt = Some(due);
    let leased = Runtime::new().unwrap().block_on(async {
        owe(&*store, vec![entry]).await;
        let real_now = Timestamp::from_second(unix_now()).unwrap();
        let lease = SignedDuration::from_secs(15);
        store.lease_due(due, real_now, lease, 10).await.unwrap()
    });
    assert_eq!(leased.len(), 1);
    stop_clock_at(&first, begin + 60);
    receiver.stays_silent(&first);
    // Whoever leased it says nothing more.
    receiver.next();
    receiver.stays_silent(&first);
}

fn stop_clock_at(running: &Running, second: i64) {
    let now = Timestamp::from_second(second).unwrap();
    let body = json!({"now": now.to_string(), "frozen": true});
    running.control_ok("PUT", "/_sandbox/clock", Some(body));
}

fn owed(running: &Running, notify_url: &str, number: usize) -> Owed {
    Owed {
        brand_id: "1004".into(),
        id: format!("8b33f79f-8869-4ae5-b41b-{number:012}"),
        card_id: Some(CARD_ID.into()),
        event_type: "BRAND_MEMBER_CARD_SP.USER_CARD.CREATE".into(),
        notify_url: notify_url.into(),
        // Nobody opens it here.
        body: format!("{{\"id\": {number}}}").into_bytes(),
        scheme: Scheme::Wechatpay2Sha256Rsa2048,
        identity: running.credentials.merchant.mchid.clone(),
        create_time: Timestamp::UNIX_EPOCH,
        state: OwedState::Pending,
        attempts: Vec::new(),
        next_attempt: Some(Timestamp::UNIX_EPOCH),
        leased_until: None,
    }
}

async fn owe(store: &dyn Store, entries: Vec<Owed>) {
    let owing = store.decide(Needs::of("1004"), move |workspace| {
        entries
            .iter()
            .for_each(|entry| workspace.owe(entry.clone()));
        Ok(())
    });
    owing.await.unwrap().unwrap();
}

#[test]
fn three_sandboxes_let_one_rate_through() {
    let Some(database) = database() else { return };
    let [first, second] = two_on(&database);
    let third = another_beside(&database, &first);
    let addresses = [first.address, second.address, third.address];
    for rate in [5, 100] {
        together::assert_one_rate(&first, &addresses, rate);
    }
}

#[test]
fn three_sandboxes_keep_one_order() {
    let Some(database) = database() else { return };
    let [first, second] = two_on(&database);
    let third = another_beside(&database, &first);
    let addresses = [first.address, second.address, third.address];
    together::assert_one_order(&first, &addresses);
}

#[cfg(not(target_os = "macos"))]
#[test]
fn who_is_befallen_by_nothing_that_is_counted_asks_nobody() {
    const CALLS: usize = 300;
    let Some(database) = database() else { return };
    let proxy = Proxy::to(database.server().port());
    let uri = database.uri_at(proxy.port, "geheim");
    let running = Running::in_folder(tempfile::tempdir().unwrap(), |builder| {
        builder.store(uri).rate_limits(RateLimits::Off)
    });
    // A look at the card is one; what looks again and again comes on top.
    let is_one_each = || {
        let begin = Instant::now();
        let before = proxy.round_trips();
        for _ in 0..CALLS {
            running.merchant().get(&card_target()).ok();
        }
        let asked = proxy.round_trips() - before;
        let looks = 10 * (1 + begin.elapsed().as_secs() as usize);
        assert!((CALLS..CALLS * 3 / 2 + looks).contains(&asked), "{asked}");
    };
    is_one_each();
    for order in [
        json!({"kind": "status", "status": 500, "path": "/brand/", "count": 5}),
        json!({"kind": "bad_signature", "probability": 0.5}),
        json!({"kind": "delay", "ms": 0}),
    ] {
        running.control_ok("POST", "/_sandbox/faults", Some(order));
    }
    is_one_each();
    assert!(running.last_request()["fault"].is_string());
}

#[test]
fn a_replayed_request_passes_one_of_two_sandboxes() {
    let Some(database) = database() else { return };
    let strict = |folder| {
        Running::in_folder(folder, |builder| {
            builder
                .store(database.uri())
                .rate_limits(RateLimits::Off)
                .refuse_replays(true)
        })
    };
    let first = strict(tempfile::tempdir().unwrap());
    let second = strict(folder_beside(&first));
    together::assert_passes_once(&first, [first.address, second.address]);
}

/// A folder with the same master key.
pub(super) fn folder_beside(first: &Running) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let key = "master.key";
    std::fs::copy(first.folder.path().join(key), folder.path().join(key)).unwrap();
    folder
}

fn another_beside(database: &Database, first: &Running) -> Running {
    start(database, folder_beside(first))
}
