//! What somebody sees who has the files and not the master key.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use kabao_core::{PrivateKey, card_member::UserInformation, signature::Scheme, time::Time};
use kabao_sandbox::{
    sample,
    store::{
        Attempt, Everything, KeyBook, KeyPurpose, KeySettings, Needs, Owed, OwedState, Store,
        StoreError, StoredKey, Then,
        contract::{self, sample_id},
    },
    vault::MasterKey,
};

use crate::place::{self, Place};

#[tokio::test]
async fn the_files_show_no_personal_data_and_no_secret() {
    let place = Place::new();
    let pem = PrivateKey::generate().unwrap().to_pkcs8_pem().unwrap();
    let key = StoredKey {
        owner: sample::MCHID.into(),
        purpose: KeyPurpose::MerchantApi,
        id: "serial".into(),
        certificate_pem: None,
        secret: pem.clone(),
    };
    let store = place.open();
    // The template names ball games, so another sport is the user's own word.
    let mut contents = sample::contents();
    let answers = UserInformation::new().common("USER_FORM_FLAG_CITY", "呼和浩特");
    contents.user_cards[0].user_information = Some(answers.custom("喜欢的运动", ["击剑"]));
    let key_book = KeyBook {
        keys: vec![key],
        settings: KeySettings::default(),
    };
    let everything = Everything { contents, key_book };
    store.initialise(&everything).await.unwrap();
    let log = fs::read(place.folder().join("a store.db-wal")).unwrap();
    drop(store);
    let file = fs::read(place.file()).unwrap();

    let body = pem.lines().nth(5).unwrap();
    for bytes in [&log, &file] {
        let shows = |text: &str| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        // What may be seen is there, so this would find the rest.
        assert!(shows("钻石会员") && shows(sample::OPENID));
        for hidden in ["13800138000", "呼和浩特", "击剑", "PRIVATE KEY", body] {
            assert!(!shows(hidden), "{hidden}");
        }
    }
    assert_eq!(*place.open().key_book().await.unwrap().keys[0].secret, *pem);
}

#[tokio::test]
async fn the_files_show_nothing_that_a_receiver_said() {
    let place = Place::new();
    let store = place.open();
    contract::prepare(&*store).await;
    store.reset(&sample::contents()).await.unwrap();
    let owed = owe(&*store).await;
    let (said, then) = (
        attempt("no 13900139000"),
        Then::Again(Timestamp::UNIX_EPOCH),
    );
    for _ in 0..2 {
        let noted = store.note_attempt(&owed, said.clone(), then);
        noted.await.unwrap();
    }
    let found = store.notification("id").await.unwrap().unwrap();
    assert_eq!(found.attempts, [said.clone(), said]);
    assert!(!format!("{found:?}").contains("13900139000"));
    let log = fs::read(place.folder().join("a store.db-wal")).unwrap();
    drop((found, store));
    let file = fs::read(place.file()).unwrap();
    for bytes in [&log, &file] {
        let shows = |text: &str| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        assert!(shows("https://shop.invalid/notify") && !shows("13900139000"));
    }
}

#[tokio::test]
async fn attempts_that_an_older_version_noted_are_read() {
    let place = Place::new();
    let store = place.open();
    let owed = owe(&*store).await;
    let older = attempt("as it was");
    let plain = serde_json::to_string(&[&older]).unwrap();
    let db = rusqlite::Connection::open(place.file()).unwrap();
    let changed = db.execute("UPDATE notifications SET attempts = ?1", [plain]);
    assert_eq!(changed.unwrap(), 1);
    let newer = attempt("as it is");
    let noted = store.note_attempt(&owed, newer.clone(), Then::GiveUp);
    noted.await.unwrap();
    let found = store.notification("id").await.unwrap().unwrap();
    assert_eq!(found.attempts, [older, newer]);
}

/// A notification, owed and leased.
async fn owe(store: &dyn Store) -> Owed {
    let owed = Owed {
        brand_id: sample::BRAND_ID.into(),
        id: "id".into(),
        card_id: None,
        event_type: "SECURITY_ECHO.SUCCESS".into(),
        notify_url: "https://shop.invalid/notify".into(),
        body: b"{}".to_vec(),
        scheme: Scheme::Wechatpay2Sha256Rsa2048,
        identity: sample::MCHID.into(),
        create_time: Timestamp::UNIX_EPOCH,
        state: OwedState::Pending,
        attempts: Vec::new(),
        next_attempt: Some(Timestamp::UNIX_EPOCH),
        leased_until: None,
    };
    let owing = store.decide(Needs::of(sample::BRAND_ID), move |workspace| {
        workspace.owe(owed.clone());
        Ok(())
    });
    owing.await.unwrap().unwrap();
    let (now, lease) = (Timestamp::UNIX_EPOCH, SignedDuration::from_secs(30));
    let leased = store.lease_due(now, now, lease, 1).await;
    leased.unwrap().remove(0)
}

fn attempt(error: &str) -> Attempt {
    Attempt {
        time: Time::at(Timestamp::UNIX_EPOCH),
        status: Some(500),
        error: Some(error.into()),
    }
}

#[tokio::test]
async fn another_master_key_is_refused_and_nothing_changes() {
    let place = Place::new();
    place.fill().await;
    let before = place.files();
    let other = MasterKey::generate().unwrap();
    let error = place::open(&place.file(), &other).unwrap_err();
    assert!(matches!(error, StoreError::MasterKey(_)), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("a store.db") && text.contains("KABAO_MASTER_KEY"),
        "{text}"
    );
    assert_eq!(place.files(), before);
    assert!(
        place
            .open()
            .user_card(&sample_id())
            .await
            .unwrap()
            .is_some()
    );
}

#[cfg(unix)]
#[tokio::test]
async fn others_cannot_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let store = place.open();
    contract::prepare(&*store).await;
    for entry in fs::read_dir(place.folder()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
    }
}
