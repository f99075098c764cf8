//! The log of a file, which is moved into it beside the requests.

use std::time::{Duration, Instant};

use kabao_sandbox::{
    refusal::Refusal,
    store::{Kept, Needs, Store, Workspace},
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::place::Place;

#[derive(Serialize, Deserialize)]
struct Note {
    id: String,
    text: String,
}

impl Kept for Note {
    const KIND: &'static str = "note of a test";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Adds so many bytes to the log.
async fn note(store: &dyn Store, number: usize, size: usize) {
    let note = Note {
        id: number.to_string(),
        text: "x".repeat(size),
    };
    let put =
        move |workspace: &mut Workspace| -> Result<(), Refusal> { workspace.put_record(&note) };
    let noted = store.decide(Needs::of("1004"), put).await;
    noted.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stays_keeps_no_writer_waiting() {
    let place = Place::new();
    place.fill().await;
    let store = place.open();
    let reader = Connection::open(place.file()).unwrap();
    reader
        .execute_batch("BEGIN; SELECT count(*) FROM records")
        .unwrap();
    // More than a log may have before writers wait until it is gone.
    for number in 0..66 {
        note(&*store, number, 1 << 20).await;
    }
    let (begin, mut number) = (Instant::now(), 66);
    while begin.elapsed() < Duration::from_secs(3) {
        let asked = Instant::now();
        note(&*store, number, 1).await;
        let took = asked.elapsed();
        assert!(took < Duration::from_secs(30), "{took:?}");
        number += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    reader.execute_batch("COMMIT").unwrap();
}
