//! What somebody sees who has the database and not the master key.

use kabao_core::{PrivateKey, card_member::UserInformation};
use kabao_sandbox::{
    sample,
    store::{Everything, KeyBook, KeyPurpose, KeySettings, StoredKey},
};

use super::server::database;

#[tokio::test]
async fn the_database_shows_no_personal_data_and_no_secret() {
    let Some(database) = database() else { return };
    let pem = PrivateKey::generate().unwrap().to_pkcs8_pem().unwrap();
    let key = StoredKey {
        owner: sample::MCHID.into(),
        purpose: KeyPurpose::MerchantApi,
        id: "serial".into(),
        certificate_pem: None,
        secret: pem.clone(),
    };
    let store = database.open();
    let mut contents = sample::contents();
    let answers = UserInformation::new().common("USER_FORM_FLAG_CITY", "呼和浩特");
    contents.user_cards[0].user_information = Some(answers.custom("喜欢的运动", ["击剑"]));
    let key_book = KeyBook {
        keys: vec![key],
        settings: KeySettings::default(),
    };
    let everything = Everything { contents, key_book };
    store.initialise(&everything).await.unwrap();

    let tables = ["meta", "keys", "grants", "card_templates", "user_cards"];
    let dump: String = tables
        .map(|table| database.sql(&format!("SELECT * FROM {table}")))
        .concat();
    // Bytes are shown in hexadecimal.
    let shows = |text: &str| {
        let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
        dump.contains(text) || dump.contains(&hex)
    };
    assert!(shows("钻石会员") && shows(sample::OPENID));
    let body = pem.lines().nth(5).unwrap();
    for hidden in ["13800138000", "呼和浩特", "击剑", "PRIVATE KEY", body] {
        assert!(!shows(hidden), "{hidden}");
    }
    assert_eq!(
        *database.open().key_book().await.unwrap().keys[0].secret,
        *pem
    );
}
