//! Which of WeChat Pay's keys are known, and how they are come by.

use std::sync::Arc;

use kabao::{ErrorKind, PrivateKey};
use kabao_sandbox::RateLimits;
use serde_json::json;

use crate::support::{CARD_PATH, World};

#[test]
fn certificates_are_downloaded_once_for_many_calls() {
    let world = World::new();
    let own = &world.credentials.merchant;
    let client = kabao_e2e::bare_merchant(&world.credentials)
        .unwrap()
        .auto_certificates(own.apiv3_key.as_str())
        .build()
        .unwrap();
    let members = Arc::new(client.card_member_for("1004"));
    world.run(async {
        let calls: Vec<_> = (0..20)
            .map(|_| {
                let (members, key) = (Arc::clone(&members), world.key());
                tokio::spawn(async move { members.user_cards().get(&key).await })
            })
            .collect();
        for call in calls {
            assert!(
                call.await
                    .unwrap()
                    .unwrap()
                    .phone_number
                    .unwrap()
                    .is_opened()
            );
        }
    });
    let journal = world.journal();
    let downloads = journal
        .iter()
        .filter(|entry| entry["operation"] == "certificates")
        .count();
    // The sample merchant has moved to the public key, which signs the first
    // list; the second asks for a certificate that was in it. All share both.
    assert_eq!((downloads, journal.len()), (2, 22));
    // The client named the certificate, so that is what it was answered with.
    assert_eq!(journal[0]["signed_with"], own.platform_serial_no);
}

#[test]
fn the_public_key_and_certificates_serve_together() {
    let world = World::new();
    let own = &world.credentials.merchant;
    let client = kabao_e2e::merchant(&world.credentials)
        .unwrap()
        .platform_certificate(&own.platform_certificate_pem)
        .build()
        .unwrap();
    let query = world.query();
    world.run(async {
        for serial in [&own.wechatpay_public_key_id, &own.platform_serial_no] {
            let answer = client
                .chain(CARD_PATH)
                .param("user_card_code", "478515832665")
                .query(&query)
                .header("Wechatpay-Serial", serial)
                .get()
                .await
                .unwrap();
            assert_eq!(answer.verified_by().as_str(), serial);
        }
    });
}

#[test]
fn a_wrong_apiv3_key_is_named() {
    let world = World::new();
    let client = kabao_e2e::bare_merchant(&world.credentials)
        .unwrap()
        .auto_certificates("0123456789abcdef0123456789abcdef")
        .build()
        .unwrap();
    let error = world
        .run(
            client
                .card_member_for("1004")
                .user_cards()
                .get(&world.key()),
        )
        .unwrap_err();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    assert!(text.contains("APIv3 key"), "{text}");
    assert!(!error.may_have_taken_effect());
}

#[test]
fn another_private_key_is_refused_by_the_server_and_explained() {
    let world = World::new();
    let own = &world.credentials.merchant;
    let client = kabao::Client::builder(kabao::Merchant::new(
        &own.mchid,
        &own.serial_no,
        PrivateKey::generate().unwrap(),
    ))
    .wechatpay_public_key(&own.wechatpay_public_key_id, &own.wechatpay_public_key_pem)
    .base_url(&world.credentials.base_url)
    .build()
    .unwrap();
    let error = world
        .run(
            client
                .card_member_for("1004")
                .user_cards()
                .get(&world.key()),
        )
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureRefused);
    assert_eq!(error.code(), Some("SIGN_ERROR"));
    assert!(
        world.journal()[0]["verdict"]["reason"]
            .as_str()
            .unwrap()
            .contains("private key")
    );
}

#[test]
fn tls_is_trusted_through_the_authority_of_the_credentials() {
    let world = World::with(|builder| builder.tls(true).rate_limits(RateLimits::Off));
    let ca = world.credentials.ca_pem.clone().unwrap();
    let trusting = kabao_e2e::merchant(&world.credentials)
        .unwrap()
        .root_certificate(&ca)
        .build()
        .unwrap();
    let card = world
        .run(
            trusting
                .card_member_for("1004")
                .user_cards()
                .get(&world.key()),
        )
        .unwrap();
    assert!(card.phone_number.is_some());
    let distrusting = world.merchant();
    let error = world
        .run(
            distrusting
                .card_member_for("1004")
                .user_cards()
                .get(&world.key()),
        )
        .unwrap_err();
    assert!(!error.may_have_taken_effect(), "{error}");
}

#[test]
fn echo_tests_sealing_in_both_directions() {
    let world = World::new();
    let client = world.merchant();
    world.run(async {
        let sealed = client.seal("密语").await.unwrap();
        let body = json!({"echo_message": "你好", "encrypted_echo_message": sealed});
        let answer = client
            .chain("v3/security/echo")
            .json(&body)
            .post()
            .await
            .unwrap();
        let value: serde_json::Value = answer.json().unwrap();
        let key =
            PrivateKey::from_pem(world.credentials.merchant.private_key_pem.as_bytes()).unwrap();
        let sealed =
            kabao::core::Sealed::from_wire(value["encrypted_echo_message"].as_str().unwrap());
        assert_eq!(
            kabao::core::sensitive::Opener::open(&key, &sealed)
                .unwrap()
                .expose(),
            "密语"
        );
    });
}
