//! What is counted together.

use std::{num::NonZeroU32, sync::Arc};

use jiff::Timestamp;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    RateLimits,
    store::{Calls, Contents, FaultRule, OrderedFault, SignedRequest, Store},
};

/// Limits that were set read back, until they are taken away; a reset leaves
/// them.
pub async fn limits_stand_as_set(store: &dyn Store) {
    assert_eq!(set_limits(store).await, None);
    let table = r#"{"default":3,"operations":{"get_card":{"brand":7}}}"#;
    for text in [table, r#""off""#, r#""documented""#] {
        let limits: RateLimits = serde_json::from_str(text).expect("limits");
        store.set_rate_limits(Some(&limits)).await.expect("set");
        store.reset(&Contents::default()).await.expect("reset");
        assert_eq!(set_limits(store).await, Some(limits));
    }
    store.set_rate_limits(None).await.expect("set");
    assert_eq!(set_limits(store).await, None);
}

async fn set_limits(store: &dyn Store) -> Option<RateLimits> {
    store.watched().await.expect("read").rate_limits
}

/// A second's calls may be taken at once, and come back one by one.
pub async fn calls_are_used_up_and_come_back(store: &dyn Store) {
    let five = calls("merchant 1", 5);
    let take = async |wanted, now_ms| {
        let taken = store.take_calls(&five, wanted, at_ms(now_ms)).await;
        let taken = taken.expect("taken");
        (taken.granted, taken.left, taken.wait.as_millis())
    };
    assert_eq!(take(1, 10_000).await, (1, 4, 0));
    assert_eq!(take(3, 10_000).await, (3, 1, 0));
    assert_eq!(take(3, 10_000).await, (1, 0, 200));
    assert_eq!(take(1, 10_150).await, (0, 0, 50));
    assert_eq!(take(9, 10_200).await, (1, 0, 200));
    // Another machine's clock may be behind; it gives nothing back.
    assert_eq!(take(1, 9_700).await, (0, 0, 700));
    assert_eq!(take(1, 10_200).await, (0, 0, 200));
    assert_eq!(take(9, 60_000).await, (5, 0, 200));
    // A clock that was put back by hours does not block for hours.
    assert_eq!(take(1, 1_000).await.0, 0);
    assert_eq!(take(9, 3_000).await, (5, 0, 200));
}

/// Callers do not use up each other's; a reset and other limits give all back.
pub async fn callers_are_counted_apart(store: &dyn Store) {
    let all = async |owner: &str| {
        let taken = store.take_calls(&calls(owner, 3), 9, at_ms(1_000)).await;
        taken.expect("taken").granted
    };
    assert_eq!(all("merchant 1").await, 3);
    assert_eq!(all("brand 1").await, 3);
    assert_eq!(all("merchant 1").await, 0);
    store.reset(&Contents::default()).await.expect("reset");
    assert_eq!(all("merchant 1").await, 3);
    store.set_rate_limits(None).await.expect("set");
    assert_eq!(all("merchant 1").await, 3);
}

/// A mark holds until it is over, is swept then, and a reset forgets it.
pub async fn a_request_is_marked_once(store: &dyn Store) {
    let mark = async |name: &str, now_s: i64| {
        let (until, now) = (at_ms((now_s + 600) * 1000), at_ms(now_s * 1000));
        let marked = store.mark_request(&request(name), until, now).await;
        marked.expect("marked")
    };
    assert!(mark("a", 1_000).await);
    assert!(!mark("a", 1_000).await);
    assert!(mark("b", 1_100).await);
    assert!(!mark("a", 1_599).await);
    assert!(mark("a", 1_600).await);
    let sweep = async |now_s: i64, at_most| {
        let swept = store.sweep_marks(at_ms(now_s * 1000), at_most).await;
        swept.expect("swept")
    };
    assert_eq!(sweep(1_699, 10).await, 0);
    assert_eq!(sweep(1_700, 10).await, 1);
    assert!(!mark("a", 1_701).await);
    store.reset(&Contents::default()).await.expect("reset");
    assert!(mark("a", 1_701).await);
    // Not all that is over goes at once.
    for name in ["c", "d", "e", "f"] {
        assert!(mark(name, 1_701).await);
    }
    assert_eq!(sweep(9_000, 2).await, 2);
    assert_eq!(sweep(9_000, 2).await, 2);
    assert_eq!(sweep(9_000, 2).await, 1);
}

/// No more is taken than there is, by however many hands.
pub async fn calls_are_taken_by_one(one: Arc<dyn Store>, other: Arc<dyn Store>) {
    for round in 0..10 {
        let mut taking = JoinSet::new();
        for number in 0..20 {
            let store = Arc::clone(if number % 2 == 0 { &one } else { &other });
            let calls = calls(&format!("merchant {round}"), 25);
            taking.spawn(async move {
                let taken = store.take_calls(&calls, 2, at_ms(1_000)).await;
                taken.expect("taken").granted
            });
        }
        let taken: u32 = taking.join_all().await.into_iter().sum();
        assert_eq!(taken, 25);
    }
}

/// Of many that mark the same request, one is first.
pub async fn a_request_is_marked_by_one(one: Arc<dyn Store>, other: Arc<dyn Store>) {
    for round in 0..20 {
        let mut marking = JoinSet::new();
        for number in 0..8 {
            let store = Arc::clone(if number % 2 == 0 { &one } else { &other });
            marking.spawn(async move {
                let request = request(&round.to_string());
                let marked = store.mark_request(&request, at_ms(600_000), at_ms(1_000));
                marked.await.expect("marked")
            });
        }
        let marked = marking.join_all().await;
        assert_eq!(marked.iter().filter(|first| **first).count(), 1);
    }
}

/// Faults change by rules, whose word is handed on, and go with a reset.
pub async fn faults_change_by_rules(store: &dyn Store) {
    assert_eq!(faults(store).await, []);
    let change = async |rule: FaultRule| store.change_faults(rule).await.expect("changed");
    let wanted = [fault(1, 3), fault(u64::MAX, 3)];
    for one in &wanted {
        let one = one.clone();
        let (said, ordered) = change(Arc::new(move |faults| {
            faults.push(one.clone());
            faults.len() == 1
        }))
        .await;
        assert_eq!(said, ordered.len() == 1);
        assert_eq!(faults(store).await, ordered);
    }
    assert_eq!(faults(store).await, wanted);
    let (said, ordered) = change(Arc::new(|_| true)).await;
    assert!(said && ordered == wanted);
    store.set_rate_limits(None).await.expect("set");
    assert_eq!(faults(store).await, wanted);
    store.reset(&Contents::default()).await.expect("reset");
    assert_eq!(faults(store).await, []);
    change(Arc::new(|faults| {
        faults.push(fault(2, 1));
        true
    }))
    .await;
    let (_, none) = change(Arc::new(|faults| {
        faults.clear();
        true
    }))
    .await;
    assert_eq!(none, []);
    assert_eq!(faults(store).await, []);
}

/// Of what is left of a fault no more is taken than there is, by however many
/// hands, and what another orders meanwhile is not lost.
pub async fn faults_are_taken_by_one(one: Arc<dyn Store>, other: Arc<dyn Store>) {
    const LEFT: u64 = 12;
    let order = |id, left| -> FaultRule {
        Arc::new(move |faults| {
            faults.push(fault(id, left));
            true
        })
    };
    one.change_faults(order(1, LEFT)).await.expect("ordered");
    let take: FaultRule = Arc::new(|faults| {
        let count = &mut faults[0].order["count"];
        let left = count.as_u64().expect("a count");
        *count = left.saturating_sub(1).into();
        left > 0
    });
    let mut working = JoinSet::new();
    for number in 0..20 {
        let store = Arc::clone(if number % 2 == 0 { &one } else { &other });
        let (take, order) = (Arc::clone(&take), order(number + 2, 1));
        working.spawn(async move {
            store.change_faults(order).await.expect("ordered");
            store.change_faults(take).await.expect("taken").0
        });
    }
    let taken = working.join_all().await;
    let taken = taken.into_iter().filter(|taken| *taken).count();
    assert_eq!(taken as u64, LEFT);
    let ordered = faults(&*other).await;
    assert_eq!(ordered.len(), 21);
    assert_eq!(ordered[0], fault(1, 0));
}

async fn faults(store: &dyn Store) -> Vec<OrderedFault> {
    store.watched().await.expect("read").faults
}

fn fault(id: u64, count: u64) -> OrderedFault {
    // Whatever a person may say.
    let message = "稍后再试 \0 \" \u{1f4a5}";
    OrderedFault {
        id,
        order: json!({"kind": "status", "message": message, "share": 0.1, "count": count}),
    }
}

fn calls(owner: &str, per_second: u32) -> Calls {
    Calls {
        owner: owner.to_owned(),
        operation: "get_card",
        per_second: NonZeroU32::new(per_second).expect("a rate"),
    }
}

fn request(name: &str) -> SignedRequest {
    SignedRequest {
        owner: "merchant 1900000001".to_owned(),
        signature: name.to_owned(),
    }
}

fn at_ms(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).expect("a time")
}
