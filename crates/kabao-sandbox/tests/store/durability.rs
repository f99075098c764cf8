//! What was acknowledged is there after a kill.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    sync::Arc,
};

use kabao_sandbox::{
    domain::UserCardId,
    store::{
        Store,
        contract::{self, count_up, counted, sample_id},
    },
};

use crate::{
    child,
    place::{self, Place},
};

const ROUNDS: usize = 20;
pub(crate) const CODES: [&str; 3] = ["478515832665", "older", "newer"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let role = "durability::a_kill_loses_nothing_that_was_acknowledged";
    if let Some(path) = child::place() {
        return write_until_killed(place::open(&path, &Place::new().key).unwrap()).await;
    }
    let place = Place::new();
    place.fill().await;
    kill_again_and_again(role, &place.file(), || place.open()).await;
}

/// Kills the process that plays `role` on the store at `place`, at one moment or
/// another, and looks through `open` for what it had acknowledged.
pub(crate) async fn kill_again_and_again(
    role: &str,
    place: &Path,
    open: impl Fn() -> Arc<dyn Store>,
) {
    let mut total = 0;
    for round in 0..ROUNDS {
        let mut writer = child::command(role, place).spawn().unwrap();
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut acknowledged = HashMap::new();
        let mut note = |line: &str| {
            let (code, count) = child::said(line)?.split_once(' ')?;
            acknowledged.insert(code.to_owned(), count.parse::<usize>().unwrap());
            Some(())
        };
        // A different moment in each round, the first change among them.
        let enough = 1 + round * 7 % 60;
        let seen = lines
            .by_ref()
            .map_while(Result::ok)
            .filter_map(|line| note(&line));
        assert_eq!(seen.take(enough).count(), enough, "the writer died early");
        writer.kill().unwrap();
        writer.wait().unwrap();
        lines.map_while(Result::ok).for_each(|line| {
            note(&line);
        });

        let store = open();
        for (code, count) in acknowledged {
            let card = store.user_card(&id(&code)).await.unwrap().unwrap();
            // One more change of each card may have been on its way.
            let stored = counted(&card);
            assert!(
                (count..=count + 1).contains(&stored),
                "{code}: {count} acknowledged, {stored} there"
            );
            total = total.max(stored);
        }
    }
    assert!(total > ROUNDS, "the writers hardly wrote");
}

/// Plays the one that is killed.
pub(crate) async fn write_until_killed(store: Arc<dyn Store>) {
    let mut writers = tokio::task::JoinSet::new();
    for code in CODES {
        let store = store.clone();
        writers.spawn(async move {
            loop {
                let changed = store.change_user_card(&id(code), count_up()).await;
                let card = changed.unwrap().unwrap().unwrap();
                // One write, or lines of several writers would mix.
                let line = format!("said: {code} {}\n", counted(&card));
                std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        });
    }
    writers.join_next().await;
}

#[tokio::test]
async fn a_store_that_was_closed_is_one_file() {
    let place = Place::new();
    contract::prepare(&*place.open()).await;
    assert_eq!(place.files().len(), 1, "{:?}", place.files().keys());
    assert_eq!(place.open().key_book().await.unwrap().keys.len(), 3);
}

pub(crate) fn id(code: &str) -> UserCardId {
    UserCardId {
        user_card_code: code.into(),
        ..sample_id()
    }
}
