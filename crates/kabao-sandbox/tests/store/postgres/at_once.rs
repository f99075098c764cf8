//! Several processes on one database, from the very first start.

use std::{collections::HashSet, path::Path, sync::Arc, thread};

use kabao_sandbox::{
    store::{
        self,
        contract::{count_up, counted, first, sample_id},
    },
    vault::MasterKey,
};

use super::server::database;
use crate::child;

#[test]
fn processes_that_start_at_once_agree() {
    let role = "postgres::at_once::processes_that_start_at_once_agree";
    if let Some(uri) = child::place() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(crate::at_once::start_and_count(
            store::open(uri.to_str().unwrap(), &key()).unwrap(),
        ));
    }
    for _ in 0..3 {
        let Some(database) = database() else { return };
        crate::at_once::start_several(role, Path::new(&database.uri()));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let card = runtime.block_on(database.open().user_card(&sample_id()));
        assert_eq!(counted(&card.unwrap().unwrap()), 4 * 10);
    }
}

#[test]
fn threads_that_start_at_once_agree() {
    for _ in 0..3 {
        let Some(database) = database() else { return };
        let database = Arc::new(database);
        let starts: Vec<_> = (0..6)
            .map(|number| {
                let database = Arc::clone(&database);
                thread::spawn(move || {
                    let store = database.open();
                    let runtime = tokio::runtime::Runtime::new().unwrap();
                    runtime.block_on(async {
                        let own = first(&format!("of thread {number}"));
                        let won = store.initialise(&own).await.unwrap();
                        let changed = store.change_user_card(&sample_id(), count_up()).await;
                        changed.unwrap().unwrap().unwrap();
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

fn key() -> MasterKey {
    crate::place::Place::new().key
}
