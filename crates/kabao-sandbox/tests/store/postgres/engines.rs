//! What other engines do otherwise, done by PostgreSQL.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kabao_sandbox::{
    sample,
    store::{
        self, ActivitiesOf, CardTemplatesOf, ClockSetting, Needs, OrderedFault, UserCardsOf,
        Window,
        contract::{self, shared},
    },
};
use serde_json::json;

use super::server::database;

/// CockroachDB's whole numbers divide to a decimal.
#[tokio::test]
async fn calls_are_counted_where_whole_numbers_divide_to_a_decimal() {
    let Some(database) = database() else { return };
    database.sql(
        "CREATE FUNCTION divided(BIGINT, BIGINT) RETURNS NUMERIC IMMUTABLE
             RETURN $1::NUMERIC OPERATOR(pg_catalog./) $2;
         CREATE OPERATOR / (FUNCTION = divided, LEFTARG = BIGINT, RIGHTARG = BIGINT)",
    );
    let uri = database.uri_where("-c search_path=public,pg_catalog");
    let store = store::open(&uri, &database.key).unwrap();
    contract::prepare(&*store).await;
    shared::calls_are_used_up_and_come_back(&*store).await;
}

/// Makes every statement that reads a table fail for a conflict, once for each
/// generation and connection.
const CONFLICTS: &str = "
    CREATE TABLE generations (current INT NOT NULL);
    INSERT INTO generations VALUES (1);
    -- A lock of the session's tells that it has failed, whatever is undone.
    CREATE FUNCTION conflict() RETURNS BOOLEAN LANGUAGE plpgsql VOLATILE AS $$
    DECLARE generation BIGINT := (SELECT current FROM generations);
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory'
                AND pid = pg_backend_pid() AND objid::BIGINT = generation) THEN
            PERFORM pg_advisory_lock_shared(generation);
            RAISE 'somebody else was first' USING ERRCODE = 'serialization_failure';
        END IF;
        RETURN true;
    END $$;
    DO $$
    DECLARE name TEXT;
    BEGIN
        FOREACH name IN ARRAY ARRAY['meta', 'keys', 'grants', 'card_templates', 'user_cards',
                'activities', 'records', 'notifications'] LOOP
            EXECUTE format('ALTER TABLE %I RENAME TO %I', name, name || '_kept');
            EXECUTE format('CREATE VIEW %I AS SELECT * FROM %I WHERE (SELECT conflict())',
                name, name || '_kept');
        END LOOP;
    END $$";

/// CockroachDB and YugabyteDB tell of a conflict whatever is asked, a read
/// included.
#[tokio::test]
async fn what_meets_a_conflict_is_tried_again() {
    let Some(database) = database() else { return };
    contract::prepare(&*database.open()).await;
    database.sql(CONFLICTS);
    let store = database.open();
    let conflicts = || database.sql("UPDATE generations SET current = current + 1");
    macro_rules! tried_again {
        ($($call:expr),+ $(,)?) => { $(
            conflicts();
            let done = $call.await;
            assert!(done.is_ok(), "{}: {done:?}", stringify!($call));
        )+ };
    }
    let (brand_id, now) = (sample::BRAND_ID, Timestamp::UNIX_EPOCH);
    let window = Window {
        offset: 0,
        limit: 10,
    };
    let needs = Needs::of(brand_id).card_template(sample::CARD_ID);
    let templates = CardTemplatesOf {
        brand_id: brand_id.into(),
        state: None,
    };
    let cards = UserCardsOf {
        brand_id: brand_id.into(),
        openid: sample::OPENID.into(),
        state: None,
        now,
    };
    let activities = ActivitiesOf {
        brand_id: brand_id.into(),
        card_id: None,
        stage: None,
        now,
    };
    let clock = ClockSetting::Running { offset_ms: 1 };
    let fault = || {
        let order = json!({});
        OrderedFault { id: 1, order }
    };
    let lease = SignedDuration::from_secs(30);
    let everything = contract::first("other");
    tried_again!(
        store.load(&needs),
        store.change_user_card(&contract::sample_id(), contract::count_up()),
        store.card_templates(&templates, window),
        store.user_cards(&cards, window),
        store.activities(&activities, window),
        store.clock(),
        store.set_clock(ClockSetting::default(), clock),
        store.stored_bytes(),
        store.everything(),
        store.key_book(),
        store.change_keys(Arc::new(|_| Ok(()))),
        store.watched(),
        store.grants(),
        store.set_grant("1900000001", brand_id, false),
        store.initialise(&everything),
        store.restore(&everything),
        store.reset(&everything.contents),
        store.set_rate_limits(None),
        store.change_faults(Arc::new(move |faults| {
            faults.push(fault());
            true
        })),
        store.lease_due(now, now, lease, 1),
        store.next_due(now),
        store.pending(),
        store.notifications(1),
        store.notification("none"),
        store.redeliver("none", now),
    );
}
