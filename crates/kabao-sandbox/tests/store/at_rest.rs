//! What somebody sees who has the files and not the master key.

use std::fs;

use kabao_core::{PrivateKey, card_member::UserInformation};
use kabao_sandbox::{
    sample,
    store::{KeyPurpose, StoreError, StoredKey, contract::sample_id},
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
    let answers = UserInformation::new().common("USER_FORM_FLAG_SEX", "男");
    contents.user_cards[0].user_information = Some(answers.custom("喜欢的运动", ["击剑"]));
    store.initialise(&[key], &contents).await.unwrap();
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
        for hidden in ["13800138000", "男", "击剑", "PRIVATE KEY", body] {
            assert!(!shows(hidden), "{hidden}");
        }
    }
    assert_eq!(*place.open().keys().await.unwrap()[0].secret, *pem);
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
    kabao_sandbox::store::contract::prepare(&*store).await;
    for entry in fs::read_dir(place.folder()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{:?}", entry.file_name());
    }
}
