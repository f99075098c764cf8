//! Several processes and threads on one file, from the very first start.

use std::{collections::HashSet, fs, path::Path, sync::Arc, thread};

use kabao_sandbox::store::{
    Store,
    contract::{self, count_up, counted, first, sample_id},
};

use crate::{
    child,
    place::{self, Place},
};

#[test]
fn processes_that_start_at_once_agree() {
    let role = "at_once::processes_that_start_at_once_agree";
    if let Some(path) = child::place() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let store = place::open(&path, &Place::new().key).unwrap();
        return runtime.block_on(start_and_count(store));
    }
    for _ in 0..5 {
        let place = Place::new();
        start_several(role, &place.file());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let card = runtime.block_on(place.open().user_card(&sample_id()));
        assert_eq!(counted(&card.unwrap().unwrap()), 4 * 10);
    }
}

/// Starts four processes that play `role` on a new store at `place`, of which
/// one must win.
pub(crate) fn start_several(role: &str, place: &Path) {
    let starts: Vec<_> = (0..4)
        .map(|_| child::command(role, place).spawn().unwrap())
        .collect();
    let outputs = starts
        .into_iter()
        .map(|start| start.wait_with_output().unwrap());
    let said: Vec<String> = outputs
        .map(|output| {
            assert!(output.status.success());
            let text = String::from_utf8(output.stdout).unwrap();
            text.lines().find_map(child::said).unwrap().to_owned()
        })
        .collect();
    let (won, first_keys): (Vec<_>, HashSet<_>) = said
        .iter()
        .map(|line| line.split_once(' ').unwrap())
        .unzip();
    assert_eq!(
        won.iter().filter(|won| **won == "true").count(),
        1,
        "{said:?}"
    );
    assert_eq!(first_keys.len(), 1, "{said:?}");
}

/// Plays one of them.
pub(crate) async fn start_and_count(store: Arc<dyn Store>) {
    let own = first(&format!("of process {}", std::process::id()));
    let won = store.initialise(&own).await.unwrap();
    for _ in 0..10 {
        store
            .change_user_card(&sample_id(), count_up())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
    let first = store.key_book().await.unwrap().keys.remove(0);
    print_line(&format!("said: {won} {}", first.id));
}

#[test]
fn threads_that_start_at_once_agree() {
    for _ in 0..5 {
        let place = Arc::new(Place::new());
        let starts: Vec<_> = (0..6)
            .map(|number| {
                let place = Arc::clone(&place);
                thread::spawn(move || {
                    let store = place.open();
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .build()
                        .unwrap();
                    runtime.block_on(async {
                        let own = first(&format!("of thread {number}"));
                        let won = store.initialise(&own).await.unwrap();
                        (won, store.key_book().await.unwrap().keys.remove(0).id)
                    })
                })
            })
            .collect();
        let (won, first_keys): (Vec<_>, HashSet<_>) = starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .unzip();
        assert_eq!(won.iter().filter(|won| **won).count(), 1);
        assert_eq!(first_keys.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_stores_on_one_file_lose_no_change() {
    let place = Place::new();
    let (one, other) = (place.open(), place.open());
    contract::prepare(&*one).await;
    let count = |store: Arc<dyn Store>| async move {
        for _ in 0..50 {
            store
                .change_user_card(&sample_id(), count_up())
                .await
                .unwrap()
                .unwrap()
                .unwrap();
        }
    };
    let both = [
        tokio::spawn(count(one.clone())),
        tokio::spawn(count(other.clone())),
    ];
    for task in both {
        task.await.unwrap();
    }
    for store in [one, other] {
        let card = store.user_card(&sample_id()).await.unwrap().unwrap();
        assert_eq!(counted(&card), 100);
    }
}

#[tokio::test]
async fn a_long_run_leaves_no_endless_log() {
    let place = Place::new();
    let store = place.open();
    contract::prepare(&*store).await;
    let log = place.folder().join("a store.db-wal");
    let large = "x".repeat(2 << 20);
    let mut largest = 0;
    for _ in 0..30 {
        let attach = large.clone();
        let rule: kabao_sandbox::store::UserCardRule = Arc::new(move |card| {
            card.attach = Some(attach.clone());
            Ok(())
        });
        store
            .change_user_card(&sample_id(), rule)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        largest = largest.max(fs::metadata(&log).unwrap().len());
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert!(
        largest < 32 << 20,
        "60 MiB were written and the log has {largest} bytes"
    );
}

#[expect(clippy::print_stdout, reason = "how a child speaks to its parent")]
fn print_line(text: &str) {
    println!("{text}");
}
