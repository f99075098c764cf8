//! Notifications that are owed.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use kabao_core::{signature::Scheme, time::Time};
use tokio::task::JoinSet;

use super::{Hand, hand};
use crate::{
    sample,
    store::{Attempt, Contents, Needs, Owed, OwedState, Store, Then},
};

const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// An entry reads back as it was owed, alone and in the list, newest first.
pub async fn what_is_owed_reads_back(store: &dyn Store) {
    let (older, newer) = (owed("older", 1_000), owed("newer", 2_000));
    owe(store, [older.clone(), newer.clone()]).await;
    assert_eq!(
        store.notifications(10).await.expect("read"),
        [newer.clone(), older.clone()]
    );
    assert_eq!(store.notifications(1).await.expect("read"), [newer]);
    assert_eq!(store.pending().await.expect("counted"), 2);
    let found = store.notification("older").await.expect("read");
    assert_eq!(found, Some(older));
    assert_eq!(store.notification("another").await.expect("read"), None);
}

/// A rule that refuses owes nothing.
pub async fn a_refused_rule_owes_nothing(store: &dyn Store) {
    let refused = store.decide(Needs::of(sample::BRAND_ID), |workspace| {
        workspace.owe(owed("never", 1_000));
        Err::<(), _>(crate::refusal::Refusal::invalid_request("no"))
    });
    refused.await.expect("asked").expect_err("refused");
    assert!(store.notifications(10).await.expect("read").is_empty());
}

/// Entries are due by one clock and leased by another; the longest due come
/// first.
pub async fn what_is_due_is_leased_for_a_while(store: &dyn Store) {
    owe(
        store,
        [owed("later", 3_000), owed("b", 2_000), owed("a", 1_000)],
    )
    .await;
    let real = at_ms(50_000);
    assert_eq!(
        store.next_due(real).await.expect("read"),
        Some(at_ms(1_000))
    );
    let leased = lease(store, 2_000, real, 10).await;
    assert_eq!(names(leased), ["a", "b"]);
    let held = store.notification("a").await.expect("read").expect("there");
    assert_eq!(held.leased_until, Some(at_ms(80_000)));
    // Nobody else gets them until the lease has ended.
    assert_eq!(
        store.next_due(real).await.expect("read"),
        Some(at_ms(3_000))
    );
    assert!(lease(store, 2_999, at_ms(79_999), 10).await.is_empty());
    let leased = lease(store, 2_000, at_ms(80_000), 1).await;
    assert_eq!(names(leased), ["a"]);
}

/// Attempts add up; what follows ends the lease.
pub async fn attempts_are_noted(store: &dyn Store) {
    owe(store, [owed("a", 1_000)]).await;
    let real = at_ms(50_000);
    let leased = lease(store, 1_000, real, 1).await.remove(0);
    note(store, &leased, Some("no answer"), Then::Again(at_ms(5_000))).await;
    let pending = store.notification("a").await.expect("read").expect("there");
    assert_eq!(
        (pending.state, pending.next_attempt, pending.leased_until),
        (OwedState::Pending, Some(at_ms(5_000)), None)
    );
    let leased = lease(store, 5_000, real, 1).await.remove(0);
    assert_eq!(store.pending().await.expect("counted"), 1);
    note(store, &leased, None, Then::Delivered).await;
    assert_eq!(store.pending().await.expect("counted"), 0);
    assert_eq!(store.next_due(real).await.expect("read"), None);
    let again = store.redeliver("a", at_ms(7_000)).await.expect("asked");
    let again = again.expect("there");
    assert_eq!(
        (again.state, again.next_attempt, again.attempts.len()),
        (OwedState::Pending, Some(at_ms(7_000)), 2)
    );
    assert_eq!(again.attempts[0].error.as_deref(), Some("no answer"));
    let leased = lease(store, 7_000, real, 1).await.remove(0);
    note(store, &leased, Some("no answer"), Then::GiveUp).await;
    let failed = store.notification("a").await.expect("read").expect("there");
    assert_eq!(
        (failed.state, failed.next_attempt),
        (OwedState::Failed, None)
    );
    let unknown = store.redeliver("another", real).await.expect("asked");
    assert_eq!(unknown, None);
}

/// Whoever notes under a lease that another has followed adds an attempt, and
/// changes nothing else.
pub async fn who_is_too_slow_changes_nothing(store: &dyn Store) {
    owe(store, [owed("a", 1_000)]).await;
    let slow = lease(store, 1_000, at_ms(50_000), 1).await.remove(0);
    let other = lease(store, 1_000, at_ms(80_000), 1).await.remove(0);
    for then in [Then::Again(at_ms(9_000)), Then::GiveUp, Then::Delivered] {
        note(store, &slow, Some("too slow"), then).await;
        let held = store.notification("a").await.expect("read").expect("there");
        assert_eq!(
            (held.state, held.next_attempt, held.leased_until),
            (OwedState::Pending, Some(at_ms(1_000)), other.leased_until)
        );
    }
    note(store, &other, None, Then::Delivered).await;
    note(store, &slow, Some("too slow"), Then::Again(at_ms(9_000))).await;
    let delivered = store.notification("a").await.expect("read").expect("there");
    assert_eq!(
        (delivered.state, delivered.next_attempt),
        (OwedState::Delivered, None)
    );
    assert_eq!(delivered.attempts.len(), 5);
    // Without a lease nothing follows.
    let never = Owed {
        leased_until: None,
        ..slow
    };
    note(store, &never, Some("never"), Then::Again(at_ms(9_000))).await;
    let delivered = store.notification("a").await.expect("read").expect("there");
    assert_eq!(delivered.next_attempt, None);
}

/// What a reset has taken away stays away.
pub async fn an_attempt_at_what_is_gone_is_nothing(store: &dyn Store) {
    owe(store, [owed("a", 1_000)]).await;
    let leased = lease(store, 1_000, at_ms(50_000), 1).await.remove(0);
    store.reset(&Contents::default()).await.expect("reset");
    note(store, &leased, None, Then::Delivered).await;
    assert!(store.notifications(10).await.expect("read").is_empty());
}

/// Of many who lease at once, each entry is had by one.
pub async fn an_entry_is_leased_by_one(one: Hand, other: Hand) {
    const ENTRIES: usize = 40;
    let entries = (0..ENTRIES).map(|number| owed(&number.to_string(), 1_000));
    let entries: Vec<Owed> = entries.collect();
    owe(&*one, entries).await;
    let mut tasks = JoinSet::new();
    for number in 0..8_usize {
        let store = hand(&one, &other, number);
        tasks.spawn(async move {
            let (mut leased, mut waits) = (Vec::new(), true);
            while waits {
                leased.extend(names(lease(&*store, 1_000, at_ms(50_000), 7).await));
                let due = store.next_due(at_ms(50_000)).await.expect("read");
                waits = due.is_some();
            }
            leased
        });
    }
    let leased: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
    let different: HashSet<&String> = leased.iter().collect();
    assert_eq!((leased.len(), different.len()), (ENTRIES, ENTRIES));
}

/// Of attempts noted at once none is lost.
pub async fn attempts_at_once_all_count(one: Hand, other: Hand) {
    const ATTEMPTS: usize = 24;
    owe(&*one, [owed("a", 1_000)]).await;
    let leased = lease(&*one, 1_000, at_ms(50_000), 1).await.remove(0);
    let mut tasks = JoinSet::new();
    for number in 0..ATTEMPTS {
        let (store, leased) = (hand(&one, &other, number), leased.clone());
        tasks.spawn(async move {
            note(&*store, &leased, Some("no"), Then::Again(at_ms(2_000))).await;
        });
    }
    tasks.join_all().await;
    let noted = other.notification("a").await.expect("read").expect("there");
    assert_eq!(noted.attempts.len(), ATTEMPTS);
}

/// An entry that is asked for again while others lease it is due again.
pub async fn what_is_asked_for_again_is_due(one: Hand, other: Hand) {
    owe(&*one, [owed("a", 1_000)]).await;
    let mut tasks = JoinSet::new();
    for number in 0..8_usize {
        let store = hand(&one, &other, number);
        tasks.spawn(async move {
            for _ in 0..20 {
                lease(&*store, 1_000, at_ms(50_000), 1).await;
                let due = store.redeliver("a", at_ms(1_000)).await;
                assert!(due.expect("asked").is_some());
            }
        });
    }
    tasks.join_all().await;
    let due = other.notification("a").await.expect("read").expect("there");
    assert_eq!(due.next_attempt, Some(at_ms(1_000)));
}

async fn owe(store: &dyn Store, entries: impl Into<Vec<Owed>>) {
    let entries = entries.into();
    let owing = store.decide(Needs::of(sample::BRAND_ID), move |workspace| {
        entries
            .iter()
            .for_each(|entry| workspace.owe(entry.clone()));
        Ok(())
    });
    owing.await.expect("owed").expect("not refused");
}

async fn lease(store: &dyn Store, now_ms: i64, real: Timestamp, limit: usize) -> Vec<Owed> {
    let leased = store.lease_due(at_ms(now_ms), real, LEASE, limit).await;
    leased.expect("leased")
}

fn names(leased: Vec<Owed>) -> Vec<String> {
    leased.into_iter().map(|owed| owed.id).collect()
}

async fn note(store: &dyn Store, leased: &Owed, error: Option<&str>, then: Then) {
    let attempt = Attempt {
        time: Time::at(Timestamp::UNIX_EPOCH),
        status: error.is_none().then_some(200),
        error: error.map(str::to_owned),
    };
    let noted = store.note_attempt(leased, attempt, then);
    noted.await.expect("noted");
}

fn owed(id: &str, due_ms: i64) -> Owed {
    Owed {
        brand_id: sample::BRAND_ID.into(),
        id: id.into(),
        card_id: Some(sample::CARD_ID.into()),
        event_type: "BRAND_MEMBER_CARD_SP.USER_CARD.CREATE".into(),
        notify_url: "http://127.0.0.1/notify".into(),
        body: format!("{{\"of\": \"{id} 会员\"}}").into_bytes(),
        scheme: Scheme::Wechatpay2Sha256Rsa2048,
        identity: sample::MCHID.into(),
        create_time: at_ms(due_ms),
        state: OwedState::Pending,
        attempts: Vec::new(),
        next_attempt: Some(at_ms(due_ms)),
        leased_until: None,
    }
}

fn at_ms(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).expect("a time")
}
