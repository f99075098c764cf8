//! Every backend keeps the contract.

use std::sync::Arc;

use kabao_sandbox::{
    store::{self, Store, contract},
    vault::MasterKey,
};

use crate::place::Place;

macro_rules! of_a_filled_store {
    ($($rule:ident),+ $(,)?) => { $(
        mod $rule {
            use super::*;

            #[tokio::test]
            async fn memory() {
                let store = in_memory();
                contract::prepare(&*store).await;
                contract::$rule(&*store).await;
            }

            #[tokio::test]
            async fn file() {
                let place = Place::new();
                let store = place.open();
                contract::prepare(&*store).await;
                contract::$rule(&*store).await;
            }
        }
    )+ };
}

of_a_filled_store! {
    a_card_reads_back_as_it_was_put,
    another_key_finds_nothing,
    a_change_is_seen_by_the_next_read,
    a_refused_change_leaves_no_trace,
    a_panicking_rule_harms_no_other,
    a_users_cards_come_newest_first,
    a_view_tells_card_leave_and_clock,
    templates_and_grants_are_kept,
    the_clock_stands_as_set,
    a_reset_forgets_all_but_the_keys,
    a_failed_reset_changes_nothing,
    the_first_keys_stay,
    keys_change_by_rules,
    grants_come_and_go,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_at_once_all_count_in_memory() {
    let store = in_memory();
    contract::prepare(&*store).await;
    contract::changes_at_once_all_count(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_at_once_all_count_in_a_file() {
    let place = Place::new();
    let store = place.open();
    contract::prepare(&*store).await;
    contract::changes_at_once_all_count(store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_first_keys_is_taken_in_memory() {
    contract::one_of_many_first_keys_is_taken(in_memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_first_keys_is_taken_in_a_file() {
    let place = Place::new();
    contract::one_of_many_first_keys_is_taken(place.open()).await;
}

#[tokio::test]
async fn every_memory_is_another() {
    let (one, other) = (in_memory(), in_memory());
    contract::prepare(&*one).await;
    assert!(other.keys().await.unwrap().is_empty());
}

fn in_memory() -> Arc<dyn Store> {
    store::open("memory", &MasterKey::generate().unwrap()).unwrap()
}
