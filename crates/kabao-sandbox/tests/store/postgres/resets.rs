//! A reset and a rule that meet in the middle: one comes before all of the other.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use jiff::Timestamp;
use kabao_sandbox::{
    refusal::Refusal,
    sample,
    store::{self, Calls, Kept, Needs, Workspace, contract},
};
use serde::{Deserialize, Serialize};

use super::server::{Database, database};

/// Does something, sleeps a while before it commits, and gives the hand back when
/// it sleeps. It is not for so long as a rule waits for its turn.
async fn slowly(database: &Arc<Database>, first: &str, then: &str) -> JoinHandle<String> {
    let sql = format!("BEGIN; {first}; SELECT pg_sleep(4); {then}; COMMIT");
    let doing = {
        let database = Arc::clone(database);
        thread::spawn(move || database.sql(&sql))
    };
    wait_for(database, "wait_event = 'PgSleep'").await;
    doing
}

/// Waits until a connection of this database is where it is to be.
async fn wait_for(database: &Database, state: &str) {
    let ask = format!(
        "SELECT count(*) > 0 FROM pg_stat_activity
         WHERE datname = current_database() AND {state}"
    );
    for _ in 0..500 {
        if database.sql(&ask) == "t\n" {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody has {state}");
}

#[derive(Serialize, Deserialize)]
struct Number;

impl Kept for Number {
    const KIND: &'static str = "number of a test";

    fn id(&self) -> String {
        "one".into()
    }
}

/// A template, once for its number.
fn make(workspace: &mut Workspace) -> Result<(), Refusal> {
    if workspace.record::<Number>("one")?.is_none() {
        let mut template = contract::contents().card_templates.remove(0);
        template.card.card_id = "new".into();
        workspace.put_card_template(template);
        workspace.put_record(&Number)?;
    }
    Ok(())
}

#[tokio::test]
async fn a_rule_that_went_by_what_was_not_there_is_whole_or_gone() {
    let Some(database) = database() else { return };
    let database = Arc::new(database);
    let store = database.open();
    contract::prepare(&*store).await;
    // The reset has emptied the templates, and waits for the cards.
    let held = slowly(&database, "SELECT 1 FROM user_cards FOR UPDATE", "SELECT 1").await;
    let resetting = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.reset(&contract::contents()).await }
    });
    wait_for(&database, "wait_event_type = 'Lock'").await;
    let needs = Needs::of(sample::BRAND_ID)
        .card_template("new")
        .record::<Number>("one");
    let made = store.decide(needs.clone(), make).await.unwrap();
    made.unwrap();
    held.join().unwrap();
    resetting.await.unwrap().unwrap();
    let found = store.load(&needs).await.unwrap();
    let number = found.record::<Number>("one").unwrap();
    let template = found.card_template("new");
    assert_eq!(number.is_some(), template.is_some());
}

#[tokio::test]
async fn what_came_while_it_waited_is_gone_whatever_the_isolation() {
    for isolation in ["read\\ committed", "repeatable\\ read", "serializable"] {
        let Some(database) = database() else { return };
        let database = Arc::new(database);
        let setting = format!("-c default_transaction_isolation={isolation}");
        let store = store::open(&database.uri_where(&setting), &database.key).unwrap();
        contract::prepare(&*store).await;
        // As a rule is saved that goes by a template and gives somebody a card.
        let saved = slowly(
            &database,
            "SELECT 1 FROM card_templates FOR SHARE",
            "INSERT INTO user_cards
                 SELECT brand_id, card_id, 'late', 'late', pickup_ms, end_ms, state, version,
                     document, personal FROM user_cards LIMIT 1",
        )
        .await;
        store.reset(&contract::contents()).await.unwrap();
        saved.join().unwrap();
        let late = "SELECT count(*) FROM user_cards WHERE user_card_code = 'late'";
        assert_eq!(database.sql(late), "0\n", "{isolation}");
    }
}

#[tokio::test]
async fn calls_are_counted_while_a_reset_waits() {
    let Some(database) = database() else { return };
    let database = Arc::new(database);
    let store = database.open();
    contract::prepare(&*store).await;
    let calls = Calls {
        owner: "merchant 1".into(),
        operation: "get_card",
        per_second: 5.try_into().unwrap(),
    };
    let take = async || store.take_calls(&calls, 1, Timestamp::UNIX_EPOCH).await;
    assert_eq!(take().await.unwrap().granted, 1);
    // The reset has emptied everything, and waits to put the same template in.
    let sample = contract::contents().card_templates.remove(0);
    let mut contents = contract::contents();
    let mut template = sample.clone();
    template.card.card_id = "new".into();
    contents.card_templates.push(template);
    let held = slowly(
        &database,
        &format!(
            "INSERT INTO card_templates
                 SELECT brand_id, 'new', created_by_mchid, state, create_ms, version, document
                 FROM card_templates WHERE card_id = '{}'",
            sample.card.card_id
        ),
        // Longer than a call waits.
        "SELECT pg_sleep(4)",
    )
    .await;
    let resetting = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.reset(&contents).await }
    });
    wait_for(&database, "wait_event_type = 'Lock'").await;
    assert_eq!(take().await.unwrap().granted, 1);
    held.join().unwrap();
    resetting.await.unwrap().unwrap();
    // And then nothing is used up.
    let left = take().await.unwrap().left;
    assert_eq!(left, 4);
}
