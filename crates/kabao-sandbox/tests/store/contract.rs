//! Every backend keeps the contract: one list, for all of them.

use std::sync::Arc;

use kabao_sandbox::{
    store::{
        self, Store,
        contract::{self, lists, outbox, races, shared, whole},
    },
    vault::MasterKey,
};

use crate::place::Place;

/// A function that is given a store, which is empty if it says `of_new`.
macro_rules! of_a_store {
    ($($module:ident::$rule:ident),+ $(,)?) => { $(
        mod $rule {
            use super::*;

            #[tokio::test]
            async fn memory() {
                let store = in_memory();
                contract::prepare(&*store).await;
                $module::$rule(&*store).await;
            }

            #[tokio::test]
            async fn file() {
                let place = Place::new();
                let store = place.open();
                contract::prepare(&*store).await;
                $module::$rule(&*store).await;
            }

            #[cfg(all(unix, feature = "postgres"))]
            #[tokio::test]
            async fn postgres() {
                let Some(database) = crate::postgres::database() else {
                    return;
                };
                let store = database.open();
                contract::prepare(&*store).await;
                $module::$rule(&*store).await;
            }
        }
    )+ };
}

/// A function that is given two hands on one store, which `prepare` has filled
/// or not.
macro_rules! of_two_hands {
    ($prepare:path: $($module:ident::$rule:ident),+ $(,)?) => { $(
        mod $rule {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn memory() {
                let store = in_memory();
                $prepare(&*store).await;
                $module::$rule(Arc::clone(&store), store).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn file() {
                let place = Place::new();
                let store = place.open();
                $prepare(&*store).await;
                $module::$rule(store, place.open()).await;
            }

            #[cfg(all(unix, feature = "postgres"))]
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres() {
                let Some(database) = crate::postgres::database() else {
                    return;
                };
                let store = database.open();
                $prepare(&*store).await;
                $module::$rule(store, database.open()).await;
            }

            #[cfg(all(unix, feature = "postgres"))]
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres_serializable() {
                let Some(database) = crate::postgres::database() else {
                    return;
                };
                let uri = database.uri_where("-c default_transaction_isolation=serializable");
                let open = || store::open(&uri, &database.key).unwrap();
                let store = open();
                $prepare(&*store).await;
                $module::$rule(store, open()).await;
            }
        }
    )+ };
}

of_a_store! {
    contract::a_card_reads_back_as_it_was_put,
    contract::names_may_hold_anything,
    contract::another_key_finds_nothing,
    contract::a_change_is_seen_by_the_next_read,
    contract::a_refused_change_leaves_no_trace,
    contract::a_panicking_rule_harms_no_other,
    contract::a_users_cards_come_newest_first,
    contract::a_view_tells_card_leave_and_clock,
    contract::templates_and_grants_are_kept,
    contract::the_clock_stands_as_set,
    contract::a_reset_forgets_all_but_the_keys,
    contract::a_failed_reset_changes_nothing,
    contract::the_first_keys_stay,
    contract::keys_change_by_rules,
    contract::grants_come_and_go,
    lists::templates_come_newest_first,
    lists::cards_are_listed_by_their_state,
    lists::activities_are_listed_by_their_stage,
    outbox::what_is_owed_reads_back,
    outbox::a_refused_rule_owes_nothing,
    outbox::what_is_due_is_leased_for_a_while,
    outbox::attempts_are_noted,
    outbox::who_is_too_slow_changes_nothing,
    outbox::an_attempt_at_what_is_gone_is_nothing,
    shared::limits_stand_as_set,
    shared::calls_are_used_up_and_come_back,
    shared::callers_are_counted_apart,
    shared::a_request_is_marked_once,
    shared::faults_change_by_rules,
    whole::a_snapshot_brings_everything_back,
    whole::what_is_stored_is_counted,
}

of_two_hands! { contract::prepare:
    races::changes_at_once_all_count,
    races::a_request_number_is_used_once,
    races::a_code_goes_to_one_user,
    races::a_user_joins_once,
    races::a_stock_ends_at_nothing,
    races::what_a_rule_goes_by_still_holds,
    races::a_reset_leaves_nothing_of_before,
    races::the_clock_is_moved_by_all,
    races::a_key_book_is_of_one_moment,
    outbox::an_entry_is_leased_by_one,
    outbox::attempts_at_once_all_count,
    outbox::what_is_asked_for_again_is_due,
    shared::calls_are_taken_by_one,
    shared::a_request_is_marked_by_one,
    shared::faults_are_taken_by_one,
}

of_two_hands! { left_new:
    races::one_of_many_first_keys_is_taken,
}

#[tokio::test]
async fn every_memory_is_another() {
    let (one, other) = (in_memory(), in_memory());
    contract::prepare(&*one).await;
    assert!(other.key_book().await.unwrap().keys.is_empty());
}

fn in_memory() -> Arc<dyn Store> {
    store::open("memory", &MasterKey::generate().unwrap()).unwrap()
}

async fn left_new(_: &dyn Store) {}
