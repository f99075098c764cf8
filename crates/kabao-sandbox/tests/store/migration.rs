//! A newer version starts while an older one works.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use kabao_sandbox::{
    sample,
    store::{Store, contract::sample_id},
};
use rusqlite::Connection;

use crate::place::Place;

/// What the older one has written goes into the newer one's hands, and both go
/// on. `write` is a statement of the older one's, which lets a merchant of that
/// number serve the sample brand.
pub(crate) async fn assert_both_go_on(
    write: impl Fn(usize) + Send + 'static,
    open: impl FnOnce() -> Arc<dyn Store> + Send + 'static,
) {
    let (written, ends) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let older = {
        let (written, ends) = (Arc::clone(&written), Arc::clone(&ends));
        tokio::task::spawn_blocking(move || {
            while !ends.load(Ordering::Relaxed) {
                write(written.load(Ordering::Relaxed));
                written.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let more = async || {
        let before = written.load(Ordering::Relaxed);
        while written.load(Ordering::Relaxed) < before + 5 && !older.is_finished() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    more().await;
    let store = tokio::task::spawn_blocking(open).await.unwrap();
    more().await;
    // What only the newer one has.
    assert_eq!(store.watched().await.unwrap().rate_limits, None);
    assert!(store.user_card(&sample_id()).await.unwrap().is_some());
    store
        .set_grant("newer", sample::BRAND_ID, true)
        .await
        .unwrap();
    more().await;
    ends.store(true, Ordering::Relaxed);
    older.await.unwrap();
    let grants = store.grants().await.unwrap();
    let serves = |mchid: &str| grants.iter().any(|(found, _)| found == mchid);
    assert!(serves("newer"));
    for number in 0..written.load(Ordering::Relaxed) {
        assert!(serves(&format!("older {number}")), "{number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_file() {
    let filled = Place::new();
    filled.fill().await;
    let place = Place::new();
    let older = Connection::open(place.file()).unwrap();
    for pragma in ["application_id = 0x6b616261", "journal_mode = wal"] {
        older.execute_batch(&format!("PRAGMA {pragma}")).unwrap();
    }
    for migration in [
        include_str!("../../migrations/sqlite/0001_first.sql"),
        include_str!("../../migrations/sqlite/0002_product.sql"),
    ] {
        older.execute_batch(migration).unwrap();
    }
    let from = filled.file();
    older
        .execute("ATTACH ?1 AS filled", [from.to_str().unwrap()])
        .unwrap();
    for table in ["user_cards", "card_templates", "grants", "keys", "meta"] {
        let copy = format!("INSERT INTO main.{table} SELECT * FROM filled.{table}");
        older.execute_batch(&copy).unwrap();
    }
    older
        .execute_batch("DETACH filled; PRAGMA user_version = 2")
        .unwrap();
    older
        .busy_timeout(std::time::Duration::from_secs(30))
        .unwrap();
    let write = move |number| {
        let values = [sample::BRAND_ID, &format!("older {number}")];
        let sql = "INSERT INTO grants (brand_id, mchid) VALUES (?1, ?2)";
        older.execute(sql, values).unwrap();
    };
    let file = place.file();
    let key = place.key.clone();
    assert_both_go_on(write, move || crate::place::open(&file, &key).unwrap()).await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() {
    let Some(database) = crate::postgres::database() else {
        return;
    };
    let database = Arc::new(database);
    kabao_sandbox::store::contract::prepare(&*database.open()).await;
    // As the first migration alone leaves it: the second only adds these.
    database.sql(
        "DROP TABLE rate_allowances, replay_marks;
         UPDATE meta SET value = '1' WHERE owner = 'platform' AND name = 'schema'",
    );
    let older = Arc::clone(&database);
    let write = move |number| {
        let brand_id = sample::BRAND_ID;
        older.sql(&format!(
            "INSERT INTO grants (brand_id, mchid) VALUES ('{brand_id}', 'older {number}')"
        ));
    };
    let newer = Arc::clone(&database);
    assert_both_go_on(write, move || newer.open()).await;
}
