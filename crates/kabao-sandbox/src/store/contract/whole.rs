//! All there is, read and put back.

use std::{fmt::Debug, sync::Arc};

use jiff::Timestamp;
use kabao_core::{signature::Scheme, time::Time};

use super::{assert_same_keys, keys, lists, set_clock, set_level, shown};
use crate::{
    domain::UserCardId,
    sample,
    store::{
        Attempt, ClockSetting, Contents, Everything, KeyRule, Needs, Owed, OwedState, Record,
        Speed, Store, snapshot,
    },
    vault::Vault,
};

/// A snapshot brings back all that there was, whatever there is now, and in this
/// store or in another.
pub async fn a_snapshot_brings_everything_back(store: &dyn Store) {
    fill(store).await;
    let before = store.everything().await.expect("read");
    let version = store.key_version().await.expect("read");
    assert_eq!(before.contents.activities.len(), 1);
    assert_eq!(before.contents.records.len(), 1);
    assert_eq!(before.contents.notifications.len(), 1);
    let file = snapshot::write(&before, store.vault()).expect("written");

    let rule = store.decide(Needs::of(sample::BRAND_ID), |workspace| {
        workspace.put_activity(lists::activity("20", "x", 2030, false));
        Ok(())
    });
    rule.await.expect("asked").expect("granted");
    let id = super::sample_id();
    let changed = store.change_user_card(&id, set_level("later"));
    assert!(matches!(changed.await, Ok(Some(Ok(_)))));
    let other_keys: KeyRule = Arc::new(|book| {
        book.keys = keys("first");
        book.keys.truncate(1);
        book.settings.migrations.clear();
        Ok(())
    });
    store
        .change_keys(other_keys)
        .await
        .expect("asked")
        .expect("granted");

    let everything = snapshot::read(&file, store.vault()).expect("its own");
    store.restore(&everything).await.expect("restored");
    assert_same(
        &store.everything().await.expect("read"),
        &before,
        store.vault(),
    );
    // Other processes see by this that keys changed.
    assert!(store.key_version().await.expect("read") > version + 1);
    // And again, over itself.
    store.restore(&everything).await.expect("restored");
    assert_same(
        &store.everything().await.expect("read"),
        &before,
        store.vault(),
    );
}

/// What there is is counted before it is read: never more than a snapshot has, and
/// all that is large.
pub async fn what_is_stored_is_counted(store: &dyn Store) {
    const LARGE: usize = 100_000;
    store.reset(&Contents::default()).await.expect("reset");
    assert_eq!(store.stored_bytes().await.expect("counted"), 0);
    fill(store).await;
    let count = async || {
        let counted = store.stored_bytes().await.expect("counted");
        let everything = store.everything().await.expect("read");
        let text = snapshot::write(&everything, store.vault()).expect("written");
        assert!((1..text.len() as u64).contains(&counted), "{counted}");
        counted
    };
    let before = count().await;
    let rule = store.decide(Needs::of(sample::BRAND_ID), |workspace| {
        workspace.records_put(Record {
            kind: "of a test".into(),
            id: "large".into(),
            document: format!("\"{}\"", "卡".repeat(LARGE / 3)),
        });
        workspace.owe(Owed {
            id: "large".into(),
            body: vec![b'x'; LARGE],
            ..owed()
        });
        Ok(())
    });
    rule.await.expect("asked").expect("granted");
    let card = UserCardId {
        user_card_code: "large".into(),
        ..super::sample_id()
    };
    let mut card = super::card(card);
    card.attach = Some("x".repeat(LARGE));
    let rule = store.decide(Needs::of(sample::BRAND_ID), move |workspace| {
        workspace.put_user_card(card.clone());
        Ok(())
    });
    rule.await.expect("asked").expect("granted");
    assert!(count().await > before + 3 * LARGE as u64 - 100);
}

/// Something of each kind, beside what a new store has.
pub async fn fill(store: &dyn Store) {
    let rule = store.decide(Needs::of(sample::BRAND_ID), |workspace| {
        workspace.put_activity(lists::activity("10", sample::CARD_ID, 2029, false));
        workspace.records_put(Record {
            kind: "of a test".into(),
            id: "with a NUL \0".into(),
            document: "{\"text\":\"会员\",\"number\":0.1}".into(),
        });
        workspace.owe(owed());
        Ok(())
    });
    rule.await.expect("asked").expect("granted");
    let at: Timestamp = "2031-01-01T00:00:00Z".parse().expect("a time");
    let frozen = ClockSetting::Frozen {
        at,
        speed: Speed::REAL,
    };
    set_clock(store, frozen).await;
    let rule: KeyRule = Arc::new(|book| {
        book.keys.extend(keys("second"));
        book.settings.migrations.insert("1".into(), 500);
        Ok(())
    });
    store
        .change_keys(rule)
        .await
        .expect("asked")
        .expect("granted");
}

/// Both hold the same, but for the count of changed keys.
pub fn assert_same(found: &Everything, wanted: &Everything, vault: &Vault) {
    let sorted = |everything: &Everything| {
        // A snapshot has an order, and what comes out of it can be compared.
        let text = snapshot::write(everything, vault).expect("written");
        snapshot::read(&text, vault).expect("read")
    };
    let (found, wanted) = (sorted(found), sorted(wanted));
    assert_same_keys(&found.key_book.keys, &wanted.key_book.keys);
    let [one, other] = [&found, &wanted].map(|all| all.key_book.settings.clone());
    assert_eq!(one, other);
    let (found, wanted) = (found.contents, wanted.contents);
    assert_eq!(found.clock, wanted.clock);
    same(found.grants, wanted.grants);
    same(found.card_templates, wanted.card_templates);
    same(
        found.user_cards.iter().map(shown).collect(),
        wanted.user_cards.iter().map(shown).collect(),
    );
    same(found.activities, wanted.activities);
    same(found.records, wanted.records);
    same(found.notifications, wanted.notifications);
}

fn same<T: PartialEq + Debug>(found: Vec<T>, wanted: Vec<T>) {
    assert_eq!(found, wanted);
}

fn owed() -> Owed {
    let at = Timestamp::from_second(2_000_000_000).expect("a time");
    Owed {
        brand_id: sample::BRAND_ID.into(),
        id: "owed".into(),
        card_id: None,
        event_type: "BRAND_MEMBER_CARD_SP.USER_CARD.CREATE".into(),
        notify_url: "http://127.0.0.1/notify".into(),
        body: "{\"of\": \"会员\"}".into(),
        scheme: Scheme::Wechatpay2Sha256Rsa2048,
        identity: sample::MCHID.into(),
        create_time: at,
        state: OwedState::Pending,
        attempts: vec![Attempt {
            time: Time::at(at),
            status: Some(500),
            error: Some("no".into()),
        }],
        next_attempt: Some(at),
        leased_until: None,
    }
}
