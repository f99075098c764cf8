//! A snapshot of one store goes into any other with the same master key.

use std::sync::{Arc, mpsc};

use kabao_sandbox::store::{
    self, Store, StoreError,
    contract::{self, whole},
    snapshot,
};

use crate::place::Place;

async fn moved(from: &dyn Store, to: &dyn Store) {
    let everything = from.everything().await.unwrap();
    let file = snapshot::write(&everything, from.vault()).unwrap();
    let read = snapshot::read(&file, to.vault()).unwrap();
    to.restore(&read).await.unwrap();
    whole::assert_same(&to.everything().await.unwrap(), &everything, to.vault());
}

#[tokio::test]
async fn from_a_file_to_memory_and_back() {
    let place = Place::new();
    let file = place.open();
    contract::prepare(&*file).await;
    whole::fill(&*file).await;
    let memory = store::open("memory", &place.key).unwrap();
    moved(&*file, &*memory).await;
    let another = Place::new();
    moved(&*memory, &*another.open()).await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn from_a_file_to_postgres_and_back() {
    let Some(database) = crate::postgres::database() else {
        return;
    };
    let place = Place::new();
    let file = place.open();
    contract::prepare(&*file).await;
    whole::fill(&*file).await;
    let server = store::open(&database.uri(), &place.key).unwrap();
    contract::prepare(&*server).await;
    moved(&*file, &*server).await;
    moved(&*server, &*Place::new().open()).await;
}

#[tokio::test]
async fn what_cannot_be_put_changes_nothing() {
    let place = Place::new();
    let store: Arc<dyn Store> = place.open();
    contract::prepare(&*store).await;
    let before = store.everything().await.unwrap();
    let mut twice = before.clone();
    twice.contents.grants.push(twice.contents.grants[0].clone());
    twice.contents.user_cards.clear();
    let failed = store.restore(&twice).await.unwrap_err();
    assert!(matches!(failed, StoreError::Backend { .. }), "{failed}");
    whole::assert_same(&store.everything().await.unwrap(), &before, store.vault());
}

#[test]
fn everything_is_read_at_leisure() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build();
    runtime.unwrap().block_on(async {
        let place = Place::new();
        for store in [place.open(), store::open("memory", &place.key).unwrap()] {
            contract::prepare(&*store).await;
            // What is read on a thread of its own is not read before this ends.
            let (release, held) = mpsc::channel::<()>();
            let holding = tokio::task::spawn_blocking(move || held.recv());
            // The only thread of this runtime is free for others meanwhile.
            tokio::select! {
                biased;
                _ = store.everything() => panic!("{store:?} was read on this thread"),
                () = std::future::ready(()) => {}
            }
            drop(release);
            holding.await.unwrap().unwrap_err();
        }
    });
}
