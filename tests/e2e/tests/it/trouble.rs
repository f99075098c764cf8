//! What a client must not believe, and what it must not repeat.

use kabao::{ErrorKind, RetryPolicy, card_member::UserCardChange};
use kabao_sandbox::RateLimits;

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
