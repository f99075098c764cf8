//! A database that is away for a while.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use kabao_sandbox::{
    RateLimits,
    store::{self, StoreError, contract},
    vault::MasterKey,
};
use serde_json::json;

use super::{
    proxy::Proxy,
    server::{database, durable_database},
};
use crate::support::{Answer, Running, card_target, change, patch_target};

/// Five seconds, which a client waits for gladly, and what a busy machine adds;
/// less than twice five, so that it was not waited twice.
pub(super) const PATIENCE: Duration = Duration::from_secs(9);

fn sandbox(uri: &str) -> Running {
    let folder = tempfile::tempdir().unwrap();
    Running::in_folder(folder, |builder| {
        builder.store(uri).rate_limits(RateLimits::Off)
    })
}

/// Refused for the moment, in the documented form, and in time.
pub(super) fn assert_is_away(running: &Running, ask: impl Fn() -> Answer) {
    let begin = Instant::now();
    assert_says_away(running, &ask(), begin);
}

fn assert_says_away(running: &Running, answer: &Answer, begin: Instant) {
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
    assert_eq!(answer.refusal(), (503, "SERVICE_UNAVAILABLE".into()));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(answer.json()["message"].is_string());
    running.verified(answer);
}

fn assert_is_back(running: &Running) {
    let begin = Instant::now();
    while running.merchant().get(&card_target()).status != 200 {
        assert!(begin.elapsed() < 3 * PATIENCE, "it stays away");
        thread::sleep(Duration::from_millis(20));
    }
    let changed = running
        .merchant()
        .patch(&patch_target(), &change(json!({"level": "白金"})));
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(running.control("GET", "/_sandbox/health", None).status, 200);
}

#[test]
fn a_server_that_is_down_is_told_and_its_return_noticed() {
    let Some(database) = durable_database() else {
        return;
    };
    let running = sandbox(&database.uri());
    assert_is_back(&running);
    let merchant = running.merchant();
    for _ in 0..2 {
        database.server().stop();
        assert_is_away(&running, || merchant.get(&card_target()));
        let level = change(json!({"level": "黑金"}));
        assert_is_away(&running, || merchant.patch(&patch_target(), &level));
        let health = running.control("GET", "/_sandbox/health", None);
        assert_eq!(health.refusal(), (503, "SERVICE_UNAVAILABLE".into()));
        assert_eq!(health.header("retry-after"), Some("1"));
        let ready = running.control("GET", "/_sandbox/ready", None);
        assert_eq!(ready.refusal(), (503, "SERVICE_UNAVAILABLE".into()));
        let metrics = running.control("GET", "/_sandbox/metrics", None);
        assert_eq!(metrics.status, 200);
        let metrics = String::from_utf8(metrics.body).unwrap();
        assert!(
            metrics.contains("\nkabao_sandbox_store_up 0\n"),
            "{metrics}"
        );
        assert!(
            !metrics.contains("\nkabao_sandbox_notifications_owed "),
            "{metrics}"
        );
        let unavailable = "kabao_sandbox_store_errors_total{kind=\"unavailable\"} ";
        assert!(metrics.contains(unavailable), "{metrics}");
        // Nobody needs the store for this.
        let requests = running.control("GET", "/_sandbox/requests", None);
        assert_eq!(requests.status, 200);
        database.server().start_again();
        assert_is_back(&running);
        let metrics = running.control("GET", "/_sandbox/metrics", None).body;
        let metrics = String::from_utf8(metrics).unwrap();
        assert!(
            metrics.contains("\nkabao_sandbox_store_up 1\n"),
            "{metrics}"
        );
        assert!(
            metrics.contains("\nkabao_sandbox_notifications_owed 0\n"),
            "{metrics}"
        );
    }
}

#[test]
fn what_cannot_be_marked_is_not_let_through() {
    let Some(database) = durable_database() else {
        return;
    };
    for refuses in [false, true] {
        let running = Running::in_folder(tempfile::tempdir().unwrap(), |builder| {
            let builder = builder.store(database.uri());
            builder.rate_limits(RateLimits::Off).refuse_replays(refuses)
        });
        // Nothing else that is done for it needs the store.
        let ask = || running.merchant().get("/v3/nothing");
        assert_eq!(ask().status, 404);
        database.server().stop();
        match refuses {
            true => assert_is_away(&running, ask),
            false => assert_eq!(ask().status, 404),
        }
        database.server().start_again();
        database.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
    }
}

#[test]
fn a_silent_network_is_not_waited_for() {
    let Some(database) = database() else { return };
    let proxy = Proxy::to(database.server().port());
    let folder = tempfile::tempdir().unwrap();
    let many = serde_json::from_value(json!({"default": 1000, "operations": {}})).unwrap();
    let running = Arc::new(Running::in_folder(folder, |builder| {
        let uri = database.uri_at(proxy.port, "geheim");
        builder.store(uri).rate_limits(RateLimits::Table(many))
    }));
    assert_is_back(&running);
    // Time to look for changes again, and then each call is to be counted, too.
    thread::sleep(Duration::from_millis(1_200));
    proxy.fall_silent();
    // More than there are connections.
    let asking: Vec<_> = (0..24)
        .map(|_| {
            let running = Arc::clone(&running);
            thread::spawn(move || {
                let merchant = running.merchant();
                assert_is_away(&running, || merchant.get(&card_target()));
            })
        })
        .collect();
    for asked in asking {
        asked.join().unwrap();
    }
    proxy.speak_again();
    assert_is_back(&running);
}

/// A primary that is gone without a word, and another in its place.
#[tokio::test]
async fn connections_that_went_silent_together_are_given_up_together() {
    let Some(database) = database() else { return };
    let proxy = Proxy::to(database.server().port());
    let uri = database.uri_at(proxy.port, "geheim");
    let store = store::open(&uri, &database.key).unwrap();
    contract::prepare(&*store).await;
    let many = join_all((0..12).map(|_| store.clock())).await;
    assert!(many.iter().all(Result::is_ok), "{many:?}");
    let connections = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'kabao-sandbox'";
    let connections: usize = database.sql(connections).trim().parse().unwrap();
    assert!(connections > 5, "{connections}");
    proxy.lose_connections();
    let error = store.clock().await.expect_err("silent");
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    for _ in 0..connections {
        store.clock().await.unwrap();
    }
}

#[test]
fn a_row_that_somebody_holds_is_not_waited_for_long() {
    let Some(database) = database() else { return };
    let database = Arc::new(database);
    let running = sandbox(&database.uri());
    assert_is_back(&running);
    let held = {
        let hold = "BEGIN; SELECT 1 FROM user_cards FOR UPDATE; SELECT pg_sleep(8); COMMIT";
        let database = Arc::clone(&database);
        thread::spawn(move || database.sql(hold))
    };
    let merchant = running.merchant();
    let level = change(json!({"level": "黑金"}));
    // The first ones may come before the one who holds it.
    let (answer, begin) = loop {
        let begin = Instant::now();
        let answer = merchant.patch(&patch_target(), &level);
        if answer.status != 200 {
            break (answer, begin);
        }
    };
    assert_says_away(&running, &answer, begin);
    // Reading goes on.
    assert_eq!(merchant.get(&card_target()).status, 200);
    held.join().unwrap();
    assert_is_back(&running);
}

#[test]
fn a_standby_that_takes_over_has_all_that_was_acknowledged() {
    let Some(database) = durable_database() else {
        return;
    };
    let standby = database.server().start_standby();
    let running = sandbox(&database.uri_with(standby));
    assert_is_back(&running);
    let change_to = |number: u32| {
        let level = change(json!({"level": number.to_string()}));
        running.merchant().patch(&patch_target(), &level)
    };
    // A client that goes on until nobody answers it any more.
    let acknowledged = AtomicU32::new(0);
    thread::scope(|scope| {
        let changing = scope.spawn(|| {
            loop {
                let begin = Instant::now();
                let answer = change_to(acknowledged.load(Ordering::Relaxed) + 1);
                if answer.status != 200 {
                    return assert_says_away(&running, &answer, begin);
                }
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
        });
        while acknowledged.load(Ordering::Relaxed) == 0 && !changing.is_finished() {
            thread::sleep(Duration::from_millis(10));
        }
        thread::sleep(Duration::from_millis(500));
        database.server().stop();
        changing.join().unwrap();
    });
    let acknowledged = acknowledged.into_inner();
    assert!(acknowledged > 0);
    // A standby that has not taken over takes no changes, so it does not serve.
    assert_is_away(&running, || running.merchant().get(&card_target()));
    database.server().promote_standby();
    let begin = Instant::now();
    let found = loop {
        let answer = running.merchant().get(&card_target());
        if answer.status == 200 {
            break answer.json()["level"]
                .as_str()
                .unwrap()
                .parse::<u32>()
                .unwrap();
        }
        assert!(begin.elapsed() < 3 * PATIENCE, "it stays away");
        thread::sleep(Duration::from_millis(20));
    };
    // The one that was not acknowledged may be there, too.
    assert!(
        [acknowledged, acknowledged + 1].contains(&found),
        "{found} after {acknowledged}"
    );
    assert_is_back(&running);
}

#[test]
fn a_host_that_says_nothing_is_passed_over() {
    let Some(database) = database() else { return };
    let port = database.server().port();
    let (first, second) = (Proxy::to(port), Proxy::to(port));
    let running = sandbox(&database.uri_by([first.port, second.port]));
    let key = MasterKey::from_file(&running.folder.path().join("master.key")).unwrap();
    assert_is_back(&running);
    for (silent, other) in [(&first, &second), (&second, &first)] {
        silent.fall_silent();
        assert_is_back(&running);
        // Whoever comes anew finds the way, too.
        store::open(&database.uri_by([silent.port, other.port]), &key).unwrap();
        silent.speak_again();
    }
}
