//! What was acknowledged is there after a kill, of the program or of the server.

use std::{path::Path, sync::Arc, time::Duration};

use kabao_sandbox::{
    domain::CardTemplate,
    sample,
    store::{
        self, Needs, Store, StoreError,
        contract::{self, count_up, counted},
    },
};
use tokio::{sync::watch, task::JoinSet};

use super::server::{database, durable_database};
use crate::{
    child,
    durability::{CODES, id, kill_again_and_again, write_until_killed},
    place::Place,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let role = "postgres::durability::a_kill_loses_nothing_that_was_acknowledged";
    if let Some(uri) = child::place() {
        let store = store::open(uri.to_str().unwrap(), &Place::new().key).unwrap();
        return write_until_killed(store).await;
    }
    let Some(database) = database() else { return };
    contract::prepare(&*database.open()).await;
    kill_again_and_again(role, Path::new(&database.uri()), || database.open()).await;
}

/// What a writer saw of its card.
#[derive(Debug, Default)]
struct Seen {
    acknowledged: usize,
    /// Changes since, of which nobody said whether they were made.
    unknown: usize,
    /// How often the server was away.
    interruptions: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crash_of_the_server_loses_nothing_that_was_acknowledged() {
    const CRASHES: usize = 3;
    let Some(database) = durable_database() else {
        return;
    };
    let server = database.server();
    let store = database.open();
    contract::prepare(&*store).await;
    let (stop, stopped) = watch::channel(false);
    let (progress, mut made) = watch::channel(0_usize);
    let progress = Arc::new(progress);
    let mut writers = JoinSet::new();
    for code in CODES {
        let (store, stopped) = (Arc::clone(&store), stopped.clone());
        let progress = Arc::clone(&progress);
        writers.spawn(async move { (code, write(&*store, code, &progress, &stopped).await) });
    }
    // Should all of them fail, nobody is waited for.
    drop(progress);
    for crash in 0..CRASHES {
        let enough = *made.borrow() + 50 + 37 * crash;
        made.wait_for(|made| *made >= enough).await.unwrap();
        tokio::task::spawn_blocking(|| server.stop()).await.unwrap();
        // Writers meet the closed door.
        tokio::time::sleep(Duration::from_millis(50)).await;
        tokio::task::spawn_blocking(|| server.start_again())
            .await
            .unwrap();
    }
    let enough = *made.borrow() + 20;
    made.wait_for(|made| *made >= enough).await.unwrap();
    stop.send(true).unwrap();
    for (code, seen) in writers.join_all().await {
        let card = store.user_card(&id(code)).await.unwrap().unwrap();
        let stored = counted(&card);
        assert!(
            (seen.acknowledged..=seen.acknowledged + seen.unknown).contains(&stored),
            "{code}: {stored} there, {seen:?}"
        );
        assert!(seen.interruptions > 0, "{seen:?}");
    }
}

/// Counts up until it is told to stop. Every number that is acknowledged follows
/// the one before, but for changes whose outcome nobody told.
async fn write(
    store: &dyn Store,
    code: &str,
    progress: &watch::Sender<usize>,
    stopped: &watch::Receiver<bool>,
) -> Seen {
    let mut seen = Seen::default();
    while !*stopped.borrow() {
        match store.change_user_card(&id(code), count_up()).await {
            Ok(changed) => {
                let count = counted(&changed.unwrap().unwrap());
                let least = seen.acknowledged + 1;
                assert!(
                    (least..=least + seen.unknown).contains(&count),
                    "{code}: {count} after {seen:?}"
                );
                (seen.acknowledged, seen.unknown) = (count, 0);
                progress.send_modify(|made| *made += 1);
            }
            Err(StoreError::Unavailable { .. }) => {
                seen.unknown += 1;
                seen.interruptions += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    seen
}

/// Requests are broken off at any moment, in the middle of a transaction too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_who_goes_away_leaves_nothing_behind() {
    let Some(database) = database() else { return };
    let (store, other) = (database.open(), database.open());
    contract::prepare(&*store).await;
    for round in 0..300 {
        let needs = Needs::of(sample::BRAND_ID).user_card(sample::CARD_ID, CODES[round % 3]);
        let change = store.decide(needs, move |workspace| {
            // Several rows, for which there is a transaction.
            for row in 0..4 {
                workspace.put_card_template(template(&format!("{round} {row}")));
            }
            Ok(())
        });
        let moment = Duration::from_micros(40 * (round as u64 % 100));
        // Whether it was done in time is of no interest.
        let _ = tokio::time::timeout(moment, change).await;
        // Who comes next, perhaps on the same connection, is not concerned.
        let id = id(CODES[round % 3]);
        let changed = store.change_user_card(&id, count_up()).await;
        let count = counted(&changed.unwrap().unwrap().unwrap());
        let seen = other.user_card(&id).await.unwrap().unwrap();
        assert_eq!(counted(&seen), count, "in round {round}");
    }
    let open = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(database.sql(open), "0\n");
    // Of each change there is all or nothing.
    let torn = "SELECT split_part(card_id, ' ', 1), count(*) FROM card_templates
         WHERE card_id LIKE '% %' GROUP BY 1 HAVING count(*) <> 4";
    assert_eq!(database.sql(torn), "");
}

fn template(card_id: &str) -> CardTemplate {
    let mut template = sample::contents().card_templates.remove(0);
    template.card.card_id = card_id.to_owned();
    template
}
