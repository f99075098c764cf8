//! Notifications that others put into the store, or died over.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kabao_core::{
    ApiV3Key,
    answer::header,
    notification::{Envelope, Event, EventKind},
    signature::Scheme,
};
use kabao_sandbox::{
    folder::DataFolder,
    store::{self, Needs, Owed, OwedState, Store},
};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::{
    notifications::{after_attempts, stop_clock_at},
    receiver::Receiver,
    support::{CARD_ID, CODE, OPENID, Running, unix_now},
};

const BRAND: Scheme = Scheme::WechatpayBrandSha256Rsa2048;

/// Another process's hand on the same file.
fn store_of(running: &Running) -> Arc<dyn Store> {
    let folder = DataFolder::create(running.folder.path()).unwrap();
    let uri = format!("sqlite:{}", folder.database().display());
    store::open(&uri, &folder.master_key().unwrap()).unwrap()
}

/// The brand is asked for points.
fn to_the_brand(running: &Running, notify_url: &str, due: Timestamp) -> Owed {
    let own = &running.credentials.brand;
    let envelope = Envelope {
        id: "8b33f79f-8869-4ae5-b41b-3c0b59f957d0",
        created: due,
        kind: EventKind::SyncUserPoint,
        scheme: BRAND,
    };
    let resource = json!({
        "brand_id": own.brand_id, "card_id": CARD_ID, "openid": OPENID, "user_card_code": CODE,
    });
    let key = ApiV3Key::new(own.api_key.as_bytes()).unwrap();
    let resource = resource.to_string();
    let body = envelope
        .seal(resource.as_bytes(), &key, "j9g1wAzF9Xn1")
        .unwrap();
    Owed {
        brand_id: own.brand_id.clone(),
        id: envelope.id.into(),
        card_id: Some(CARD_ID.into()),
        event_type: body.event_type.clone(),
        notify_url: notify_url.into(),
        body: serde_json::to_vec(&body).unwrap(),
        scheme: BRAND,
        identity: own.brand_id.clone(),
        create_time: due,
        state: OwedState::Pending,
        attempts: Vec::new(),
        next_attempt: Some(due),
        leased_until: None,
    }
}

async fn owe(store: &dyn Store, all: impl Into<Vec<Owed>>) {
    let all = all.into();
    let needs = Needs::of(&*all[0].brand_id);
    let owing = store.decide(needs, move |workspace| {
        all.iter().for_each(|owed| workspace.owe(owed.clone()));
        Ok(())
    });
    owing.await.unwrap().unwrap();
}

#[test]
fn a_brand_is_told_in_its_own_names_and_keys() {
    let running = Running::start();
    let receiver = Receiver::answering([204]);
    let owed = to_the_brand(&running, &receiver.url, Timestamp::UNIX_EPOCH);
    let store = store_of(&running);
    Runtime::new().unwrap().block_on(owe(&*store, [owed]));

    let post = receiver.next();
    assert_eq!(
        post.verified(&running),
        running.credentials.brand.wechatpay_public_key_id
    );
    assert_eq!(post.header(header::SIGNATURE_TYPE), Some(BRAND.as_str()));
    let event_type = post.envelope().event_type;
    assert_eq!(event_type, "BRAND_MEMBER_CARD.SYNC_USER_POINT");
    let Event::SyncUserPoint(sync) = post.brand_event(&running) else {
        panic!("{event_type}");
    };
    assert_eq!(sync.key().user_card_code, CODE);
    assert_eq!(
        after_attempts(&running, &receiver.url, 1)["state"],
        "DELIVERED"
    );
}

#[test]
fn what_somebody_died_over_is_taken_over_when_the_lease_ends() {
    let running = Running::start();
    let begin = unix_now();
    stop_clock_at(&running, begin, 0);
    let receiver = Receiver::answering([200]);
    let due = Timestamp::from_second(begin + 60).unwrap();
    let store = store_of(&running);
    let leased = Runtime::new().unwrap().block_on(async {
        owe(&*store, [to_the_brand(&running, &receiver.url, due)]).await;
        let real_now = Timestamp::from_second(unix_now()).unwrap();
        let lease = SignedDuration::from_secs(15);
        store.lease_due(due, real_now, lease, 10).await.unwrap()
    });
    assert_eq!(leased.len(), 1);
    stop_clock_at(&running, begin, 60);
    receiver.stays_silent(&running);
    // Whoever leased it says nothing more.
    receiver.next();
    assert_eq!(
        after_attempts(&running, &receiver.url, 1)["state"],
        "DELIVERED"
    );
}

#[test]
fn what_others_put_there_opens_no_control_plane() {
    let running = Running::start();
    let url = format!("http://{}/_sandbox/reset", running.address);
    let store = store_of(&running);
    let owed = to_the_brand(&running, &url, Timestamp::UNIX_EPOCH);
    Runtime::new().unwrap().block_on(owe(&*store, [owed]));
    let seen = after_attempts(&running, &url, 1);
    let error = seen["attempts"][0]["error"].as_str().unwrap();
    assert!(error.starts_with("refused: notify_url"), "{error}");
}

#[test]
fn one_silent_receiver_holds_up_nobody_else_however_much_it_is_owed() {
    let running = Running::start();
    let begin = unix_now();
    stop_clock_at(&running, begin, 0);
    let silent = Receiver::slow(Duration::from_secs(60), [200]);
    let receiver = Receiver::answering([200]);
    let at = |seconds| Timestamp::from_second(begin + seconds).unwrap();
    let to_the_silent = (0..MANY).map(|number| Owed {
        id: number.to_string(),
        ..to_the_brand(&running, &silent.url, at(60))
    });
    // What is longest due comes first.
    let last = to_the_brand(&running, &receiver.url, at(61));
    let all: Vec<Owed> = to_the_silent.chain([last]).collect();
    Runtime::new()
        .unwrap()
        .block_on(owe(&*store_of(&running), all));
    stop_clock_at(&running, begin, 61);
    receiver.next();
}

/// One after the other they would take longer than a test waits.
const MANY: usize = 2_000;
