//! What a client must not believe, and what it must not repeat.

use std::time::Duration;

use kabao::{Client, ErrorKind, RetryPolicy, card_member::UserCardChange};
use kabao_sandbox::RateLimits;
use serde_json::{Value, json};

use crate::support::World;

#[test]
fn a_spoiled_signature_is_not_believed_on_reads_and_writes() {
    let world = World::new();
    let members = world.merchant().card_member_for("1004");
    world.spoil_signatures(2);
    world.run(async {
        let error = members.user_cards().get(&world.key()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Verification, "{error}");
        assert!(!error.may_have_taken_effect());
        let change = UserCardChange::new().level("新等级");
        let error = members
            .user_cards()
            .update(&world.key(), change)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Verification, "{error}");
        assert!(error.may_have_taken_effect());
        // And so it had.
        let card = members.user_cards().get(&world.key()).await.unwrap();
        assert_eq!(card.level.as_deref(), Some("新等级"));
    });
}

#[test]
fn a_refusal_with_a_spoiled_signature_is_not_believed_either() {
    let world = World::new();
    world.spoil_signatures(1);
    let mut key = world.key();
    key.user_card_code = "1".into();
    let error = world
        .run(
            world
                .merchant()
                .card_member_for("1004")
                .user_cards()
                .get(&key),
        )
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Verification, "{error}");
}

#[test]
fn too_often_is_waited_out_or_reported() {
    let world = World::with(|builder| builder.rate_limits(RateLimits::Documented));
    let impatient = kabao_e2e::merchant(&world.credentials)
        .unwrap()
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let paced = kabao_e2e::merchant(&world.credentials)
        .unwrap()
        .rate_limit(4)
        .build()
        .unwrap();
    world.run(async {
        let cards = impatient.card_member_for("1004").user_cards();
        let mut refused = None;
        for _ in 0..50 {
            if let Err(error) = cards.get(&world.key()).await {
                refused = Some(error);
                break;
            }
        }
        let error = refused.expect("50 calls at once pass a limit of 5 a second");
        assert_eq!(error.code(), Some("FREQUENCY_LIMITED"));
        assert!(error.is_retryable() && !error.may_have_taken_effect());
        tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
        let cards = paced.card_member_for("1004").user_cards();
        for _ in 0..8 {
            cards.get(&world.key()).await.unwrap();
        }
    });
    let limited = world
        .journal()
        .iter()
        .filter(|entry| entry["status"] == 429)
        .count();
    assert_eq!(limited, 1, "the paced client must not have been limited");
}

#[test]
fn a_server_that_is_gone_is_a_connection_failure_without_effect() {
    let world = World::new();
    let client = kabao_e2e::merchant(&world.credentials)
        .unwrap()
        .base_url("http://127.0.0.1:9")
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let change = UserCardChange::new().level("x");
    let error = world
        .run(
            client
                .card_member_for("1004")
                .user_cards()
                .update(&world.key(), change),
        )
        .unwrap_err();
    assert!(!error.may_have_taken_effect(), "{error}");
}

const NEW_LEVEL: &str = "新等级";

fn client(world: &World, policy: RetryPolicy) -> Client {
    kabao_e2e::merchant(&world.credentials)
        .unwrap()
        .retry(policy)
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap()
}

/// Changes the sample card's level.
fn update(world: &World, client: &Client) -> kabao::Result<()> {
    let change = UserCardChange::new().level(NEW_LEVEL);
    let cards = client.card_member_for("1004").user_cards();
    world.run(cards.update(&world.key(), change)).map(drop)
}

fn is_updated(world: &World) -> bool {
    world.control("DELETE", "/_sandbox/faults", None);
    let cards = world.merchant().card_member_for("1004").user_cards();
    let card = world.run(cards.get(&world.key())).unwrap();
    card.level.as_deref() == Some(NEW_LEVEL)
}

/// Faults that a client cannot get around, what it calls them, and whether it
/// leaves open that the change was made.
#[test]
fn every_fault_has_its_kind_and_no_change_is_denied_that_was_made() {
    use ErrorKind::{
        Decode, Gateway, Network, RateLimited, Refused, Server, SignatureRefused, Timeout,
        Verification,
    };
    for (fault, kind, in_doubt, is_made) in [
        (
            json!({"kind": "status", "status": 400}),
            Refused,
            false,
            false,
        ),
        (
            json!({"kind": "status", "status": 403}),
            Refused,
            false,
            false,
        ),
        (
            json!({"kind": "status", "status": 429}),
            RateLimited,
            true,
            false,
        ),
        (
            json!({"kind": "status", "status": 500}),
            Server,
            true,
            false,
        ),
        (
            json!({"kind": "status", "status": 503, "signed": false}),
            Gateway,
            true,
            false,
        ),
        (
            json!({"kind": "status", "status": 401, "signed": false}),
            SignatureRefused,
            false,
            false,
        ),
        (json!({"kind": "error_envelope"}), Decode, true, false),
        (
            json!({"kind": "html", "status": 200}),
            Verification,
            true,
            false,
        ),
        (json!({"kind": "html", "status": 502}), Gateway, true, false),
        (json!({"kind": "html", "status": 504}), Gateway, true, false),
        (json!({"kind": "reset"}), Network, true, false),
        (json!({"kind": "reset", "at": "body"}), Network, true, true),
        (
            json!({"kind": "lost_answer", "ms": 10}),
            Network,
            true,
            true,
        ),
        (json!({"kind": "delay", "ms": 60_000}), Timeout, true, true),
        (json!({"kind": "bad_signature"}), Verification, true, true),
        (
            json!({"kind": "missing_signature"}),
            Verification,
            true,
            true,
        ),
        (json!({"kind": "stale_signature"}), Verification, true, true),
        (json!({"kind": "unknown_serial"}), Verification, true, true),
        (json!({"kind": "probe"}), Verification, true, true),
        (
            json!({"kind": "clock_skew", "seconds": 400}),
            SignatureRefused,
            false,
            false,
        ),
        (
            json!({"kind": "clock_skew", "seconds": -400}),
            SignatureRefused,
            false,
            false,
        ),
    ] {
        let world = World::new();
        let patience = if kind == Timeout { 1 } else { 30 };
        let impatient = kabao_e2e::merchant(&world.credentials)
            .unwrap()
            .retry(RetryPolicy::none())
            .timeout(Duration::from_secs(patience))
            .build()
            .unwrap();
        world.order(fault.clone());
        let error = update(&world, &impatient).unwrap_err();
        assert_eq!(error.kind(), kind, "{fault}: {error}");
        assert_eq!(error.may_have_taken_effect(), in_doubt, "{fault}: {error}");
        assert_eq!(is_updated(&world), is_made, "{fault}");
    }
}

/// How many requests the journal has of a method.
fn sent(world: &World, method: &str) -> usize {
    let journal = world.journal();
    let of = |entry: &&Value| entry["method"] == method;
    journal.iter().filter(of).count()
}

#[test]
fn what_may_be_repeated_recovers() {
    let quick = RetryPolicy::default().backoff(Duration::from_millis(1));
    for fault in [
        json!({"kind": "status", "status": 429, "retry_after": 0}),
        json!({"kind": "status", "status": 500}),
        json!({"kind": "status", "status": 503, "signed": false}),
        json!({"kind": "html", "status": 502}),
        json!({"kind": "html", "status": 504}),
        json!({"kind": "reset"}),
        json!({"kind": "reset", "at": "body"}),
        json!({"kind": "lost_answer"}),
    ] {
        let world = World::new();
        let client = client(&world, quick);
        let mut twice = fault.clone();
        twice["count"] = 2.into();
        world.order(twice);
        update(&world, &client).unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert!(is_updated(&world), "{fault}");
        assert_eq!(sent(&world, "PATCH"), 3, "{fault}");
    }
    let world = World::new();
    let short = quick.attempt_timeout(Duration::from_secs(2));
    world.order(json!({"kind": "delay", "ms": 60_000, "count": 1}));
    update(&world, &client(&world, short)).unwrap();
    assert_eq!(sent(&world, "PATCH"), 2);
}

#[test]
fn what_cannot_be_believed_is_not_repeated() {
    for kind in [
        "bad_signature",
        "missing_signature",
        "stale_signature",
        "unknown_serial",
        "probe",
        "error_envelope",
    ] {
        let world = World::new();
        world.order(json!({"kind": kind, "count": 1}));
        let client = client(&world, RetryPolicy::default());
        update(&world, &client).unwrap_err();
        assert_eq!(sent(&world, "PATCH"), 1, "{kind}");
    }
}

#[test]
fn a_lost_answer_to_what_must_not_be_repeated_is_reported() {
    let world = World::new();
    world.order(json!({"kind": "lost_answer", "count": 1}));
    let client = client(&world, RetryPolicy::default());
    let call = client.chain("v3/nowhere");
    let error = world.run(call.post()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert!(error.may_have_taken_effect());
    assert_eq!(sent(&world, "POST"), 1);
}
