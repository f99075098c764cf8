//! Sensitive values leave sealed and come opened.

use std::{sync::Arc, time::Duration};

use kabao_core::{
    Sealed, Sensitive,
    card_member::{CommonFieldName, UserCard, UserCardChange, UserCardKey, UserInformation},
    sensitive::{Opener as _, Sealer as _},
};
use serde_json::{Value, json};

use crate::{
    Client, ErrorKind, Merchant,
    testing::{
        API_V3_KEY, By, Fake, PUBLIC_KEY_ID, SERIAL_NO, certificate_list, client, keys, merchant,
        signed,
    },
};

fn key() -> UserCardKey {
    UserCardKey::new("478515832665", "pbLatj", "obLatj")
}

/// The sample card with its phone number sealed for the merchant, and a form
/// answer for somebody else.
fn card() -> String {
    let seal = |key: &kabao_core::PrivateKey, text: &str| {
        key.public_key().seal(&Sensitive::from(text)).unwrap()
    };
    json!({
        "user_card_code": "478515832665", "card_id": "pbLatj", "openid": "obLatj",
        "brand_id": "1004", "card_type": "NORMAL", "level": "钻石会员",
        "phone_number": seal(&keys().merchant, "13800138000"),
        "valid_date_information": {"type": "PERMANENT"},
        "pickup_time": "2020-05-20T13:29:35.120+08:00",
        "user_information": {"common_field_list": [
            {"name": "USER_FORM_FLAG_SEX", "value": seal(&keys().platform, "男")},
        ]},
        "user_card_state": "EFFECTIVE", "points": 7,
    })
    .to_string()
}

#[tokio::test]
async fn values_come_opened_and_what_does_not_open_is_kept() {
    let fake = Fake::new(|_, _| signed(By::PublicKey, 200, &card()));
    let members = client(&fake).card_member_for("1004");
    let card = members.user_cards().get(&key()).await.unwrap();
    let phone = card.phone_number.as_ref().unwrap();
    assert_eq!((phone.expose(), phone.is_opened()), ("13800138000", true));
    assert_eq!(card.unopened(), 1);
    assert_eq!(card.extra["points"], 7);
    assert!(!format!("{card:?}").contains("13800138000"));

    // By hand it is the same.
    let client = client(&fake);
    let answer = client.chain("v3/x").get().await.unwrap();
    let card = answer.json::<UserCard<Sealed>>().unwrap().open(&client);
    assert_eq!(card.phone_number.as_ref().unwrap().expose(), "13800138000");
    assert_eq!(card.unopened(), 1);

    // Without the private key nothing opens, and nothing fails.
    let signer = Arc::new(keys().merchant.clone());
    let merchant = Merchant::with_signer("1900000001", SERIAL_NO, signer);
    let remote = |merchant: Merchant| {
        Client::builder(merchant)
            .wechatpay_public_key(PUBLIC_KEY_ID, keys().platform.public_key().to_spki_pem())
            .transport(fake.clone())
            .build()
            .unwrap()
            .card_member_for("1004")
            .user_cards()
    };
    let card = remote(merchant.clone()).get(&key()).await.unwrap();
    assert_eq!(card.unopened(), 2);
    let merchant = merchant.opener(Arc::new(keys().merchant.clone()));
    assert_eq!(remote(merchant).get(&key()).await.unwrap().unopened(), 1);
}

#[tokio::test]
async fn values_leave_sealed_with_the_key_that_is_named() {
    let fake = Fake::new(|_, _| signed(By::PublicKey, 200, &card()));
    let cards = client(&fake).card_member_for("1004").user_cards();
    let change = UserCardChange::new()
        .level("钻石会员")
        .phone_number("13800138000")
        .user_information(
            UserInformation::new()
                .common(CommonFieldName::Sex, "男")
                .custom("运动", ["足球"]),
        );
    cards.update(&key(), change).await.unwrap();
    let seen = fake.seen();
    assert_eq!(seen[0].method(), "PATCH");
    assert_eq!(seen[0].uri().query(), Some("card_id=pbLatj"));
    assert_eq!(seen[0].headers()["wechatpay-serial"], PUBLIC_KEY_ID);
    let body: Value = serde_json::from_slice(seen[0].body()).unwrap();
    let open = |pointer: &str| {
        let sealed = Sealed::from_wire(body.pointer(pointer).unwrap().as_str().unwrap());
        keys().platform.open(&sealed).unwrap().expose().to_owned()
    };
    assert_eq!(open("/phone_number"), "13800138000");
    assert_eq!(open("/user_information/common_field_list/0/value"), "男");
    assert_eq!(
        open("/user_information/custom_field_list/0/user_chosen_values/0"),
        "足球"
    );
    assert_eq!(
        (&body["brand_id"], &body["openid"]),
        (&json!("1004"), &json!("obLatj"))
    );
}

#[tokio::test(start_paused = true)]
async fn looking_for_a_key_to_seal_with_is_part_of_the_time() {
    let fake = Fake::slow(Duration::from_millis(200), |_, request| {
        match request.uri().path() {
            "/v3/certificates" => certificate_list(By::Certificate(0), &[0], API_V3_KEY),
            _ => signed(By::Certificate(0), 200, &card()),
        }
    });
    let client = Client::builder(merchant())
        .auto_certificates(API_V3_KEY)
        .timeout(Duration::from_millis(300))
        .transport(fake.clone())
        .build()
        .unwrap();
    let cards = client.card_member_for("1004").user_cards();
    let key = key();
    let update = || cards.update(&key, UserCardChange::new().phone_number("13800138000"));
    assert_eq!(update().await.unwrap_err().kind(), ErrorKind::Timeout);
    update().await.unwrap();
}

#[tokio::test]
async fn a_single_value_can_be_sealed() {
    let client = client(&Fake::new(|_, _| signed(By::PublicKey, 200, "{}")));
    let sealed = client.seal("13800138000").await.unwrap();
    assert_eq!(
        keys().platform.open(&sealed).unwrap().expose(),
        "13800138000"
    );
    assert_eq!(
        client.sealing_key().await.unwrap().id().as_str(),
        PUBLIC_KEY_ID
    );
    let error = client.seal("1".repeat(300)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Request);
    assert!(error.to_string().contains("214"), "{error}");
}
