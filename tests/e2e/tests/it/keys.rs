//! Which of WeChat Pay's keys are known, and how they are come by.

use std::sync::Arc;

use kabao::{
    Client, ErrorKind, Merchant, PrivateKey,
    card_member::{UserCardChange, UserCardKey},
    clock::{Clock as _, SystemClock},
    core::certificate::Certificate,
};
use kabao_sandbox::RateLimits;
use serde_json::{Value, json};

use crate::{
    notifications,
    support::{CARD_PATH, World},
};

impl World {
    fn migrate(&self, percent: u8) {
        let body = json!({ "public_key_percent": percent });
        let moved = self.control("PUT", "/_sandbox/keys/migration", Some(body));
        assert_eq!(moved["data"][0]["public_key_percent"], percent);
    }

    /// The key that answered a typed call, which must open.
    fn answered_by(&self, client: &Client) -> String {
        self.reads(client, &self.key());
        self.journal()[0]["signed_with"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn reads(&self, client: &Client, key: &UserCardKey) {
        let members = client.card_member_for("1004");
        let card = self.run(members.user_cards().get(key)).unwrap();
        assert!(card.phone_number.unwrap().is_opened());
    }

    fn changes(&self, client: &Client, phone_number: &str) {
        let members = client.card_member_for("1004");
        let change = UserCardChange::new().phone_number(phone_number);
        let key = self.key();
        let changed = self.run(members.user_cards().update(&key, change)).unwrap();
        assert_eq!(changed.phone_number.unwrap().expose(), phone_number);
    }
}

/// A client of a merchant that was just handed its credentials.
fn client_of(credentials: &Value, base_url: &str) -> kabao::ClientBuilder {
    let text = |name: &str| credentials[name].as_str().unwrap();
    let key = PrivateKey::from_pem(text("apiclient_key.pem").as_bytes()).unwrap();
    let merchant = Merchant::new(text("mchid"), text("serial_no"), key)
        .certificate(text("apiclient_cert.pem"));
    Client::builder(merchant).base_url(base_url)
}

/// Of two certificates that begin in the same second none is the newer.
fn outlive_the_second_of(certificate: &str) {
    let begins = Certificate::from_pem(certificate).unwrap().not_before();
    while SystemClock.now().as_second() <= begins.as_second() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

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
    // list; the second asks for a certificate that was in it. All share both, but
    // for one that found no key just before they came.
    assert!([2, 4].contains(&downloads), "{downloads}");
    assert_eq!(journal.len(), downloads + 20);
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

#[test]
fn a_rotation_is_followed_without_a_failed_call() {
    let world = World::new();
    let own = world.credentials.merchant.clone();
    world.migrate(0);
    let client = kabao_e2e::bare_merchant(&world.credentials)
        .unwrap()
        .auto_certificates(own.apiv3_key.as_str())
        .build()
        .unwrap();
    assert_eq!(world.answered_by(&client), own.platform_serial_no);
    outlive_the_second_of(&own.platform_certificate_pem);
    let overlap = json!({"overlap_seconds": 600});
    let rotated = world.control("POST", "/_sandbox/keys/rotate-certificate", Some(overlap));
    let new = rotated["platform_serial_no"].as_str().unwrap();

    // The client names the one it knows, and seals for it, until it comes upon
    // the new one: here on a notification.
    assert_eq!(world.answered_by(&client), own.platform_serial_no);
    world.changes(&client, "13900139001");
    let receiver = client
        .notifications(own.apiv3_key.as_str())
        .build()
        .unwrap();
    let (url, mut heard) = world.run(notifications::open(receiver));
    world.run(notifications::echo(&client, &url));
    notifications::next(&world, &mut heard);
    assert_eq!(world.answered_by(&client), new);
    world.changes(&client, "13900139002");

    let later = json!({"offset_seconds": 601});
    world.control("PUT", "/_sandbox/clock", Some(later));
    assert_eq!(world.answered_by(&client), new);
    world.changes(&client, "13900139003");
    let failed = world.journal();
    let mut failed = failed.iter().filter(|entry| entry["status"] != 200);
    assert_eq!(failed.next(), None);
}

#[test]
fn a_certificate_that_is_listed_in_time_is_known_when_it_signs() {
    let world = World::new();
    let own = world.credentials.merchant.clone();
    world.migrate(0);
    outlive_the_second_of(&own.platform_certificate_pem);
    let order = json!({"notice_seconds": 600, "overlap_seconds": 600});
    let rotated = world.control("POST", "/_sandbox/keys/rotate-certificate", Some(order));
    let new = rotated["platform_serial_no"].as_str().unwrap();
    let client = kabao_e2e::bare_merchant(&world.credentials)
        .unwrap()
        .auto_certificates(own.apiv3_key.as_str())
        .build()
        .unwrap();
    let receiver = client
        .notifications(own.apiv3_key.as_str())
        .build()
        .unwrap();
    let (url, mut heard) = world.run(notifications::open(receiver));
    let downloads = || {
        let journal = world.journal();
        let lists = journal.iter().filter(|entry| {
            let path = entry["path"].as_str();
            path == Some("/v3/certificates")
        });
        lists.count()
    };
    for offset in [0, 601, 1201] {
        let later = json!({ "offset_seconds": offset });
        world.control("PUT", "/_sandbox/clock", Some(later));
        world.changes(&client, &format!("1390013900{}", offset % 10));
        world.run(notifications::echo(&client, &url));
        notifications::next(&world, &mut heard);
        // Before, it knew both; so it never has to ask again.
        assert_eq!(downloads(), 1, "{offset}");
    }
    assert_eq!(world.answered_by(&client), new);
    let failed = world.journal();
    let mut failed = failed.iter().filter(|entry| entry["status"] != 200);
    assert_eq!(failed.next(), None);
}

#[test]
fn a_certificate_serves_wherever_the_sandboxs_clock_stands() {
    const A_YEAR: i64 = 365 * 86_400;
    let world = World::new();
    let own = world.credentials.merchant.clone();
    world.migrate(0);
    for offset in [2 * A_YEAR, -2 * A_YEAR] {
        let clock = json!({"offset_seconds": offset});
        world.control("PUT", "/_sandbox/clock", Some(clock));
        let nothing = json!({"overlap_seconds": 0});
        let rotated = world.control("POST", "/_sandbox/keys/rotate-certificate", Some(nothing));
        // It knows real time only.
        let client = kabao_e2e::bare_merchant(&world.credentials)
            .unwrap()
            .auto_certificates(own.apiv3_key.as_str())
            .build()
            .unwrap();
        let new = rotated["platform_serial_no"].as_str().unwrap();
        assert_eq!(world.answered_by(&client), new, "{offset}");
        world.changes(&client, "13900139001");
    }
}

#[test]
fn a_client_with_both_kinds_of_keys_goes_all_the_way_and_back() {
    let world = World::new();
    let own = world.credentials.merchant.clone();
    let both = kabao_e2e::merchant(&world.credentials)
        .unwrap()
        .auto_certificates(own.apiv3_key.as_str())
        .build()
        .unwrap();
    let certificates = kabao_e2e::bare_merchant(&world.credentials)
        .unwrap()
        .auto_certificates(own.apiv3_key.as_str())
        .build()
        .unwrap();
    let receiver = both.notifications(own.apiv3_key.as_str()).build().unwrap();
    let (url, mut heard) = world.run(notifications::open(receiver));
    for (number, percent) in [0, 50, 100, 50, 0].into_iter().enumerate() {
        world.migrate(percent);
        // It names the public key, which has no effect before the move begins.
        let wanted = match percent {
            0 => &own.platform_serial_no,
            _ => &own.wechatpay_public_key_id,
        };
        assert_eq!(world.answered_by(&both), *wanted, "{percent}");
        world.changes(&both, &format!("1390013900{number}"));
        assert_eq!(world.answered_by(&certificates), own.platform_serial_no);
        for _ in 0..2 {
            world.run(notifications::echo(&both, &url));
            notifications::next(&world, &mut heard);
        }
    }
}

#[test]
fn a_replaced_certificate_serves_beside_the_old_one_until_that_is_revoked() {
    let world = World::new();
    let own = world.credentials.merchant.clone();
    let old = world.merchant();
    let path = format!("/_sandbox/merchants/{}/certificates", own.mchid);
    let handed = world.control("POST", &path, None);
    let new = client_of(&handed, &world.credentials.base_url)
        .wechatpay_public_key(&own.wechatpay_public_key_id, &own.wechatpay_public_key_pem)
        .build()
        .unwrap();
    for client in [&old, &new] {
        world.reads(client, &world.key());
    }
    world.control("DELETE", &format!("{path}/{}", own.serial_no), None);
    let members = old.card_member_for("1004");
    let error = world
        .run(members.user_cards().get(&world.key()))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SignatureRefused);
    world.changes(&new, "13900139000");
}

#[test]
fn a_merchant_with_the_public_key_alone_needs_no_certificate() {
    let world = World::new();
    let body = json!({"mchid": "1900000002", "public_key_only": true});
    let handed = world.control("POST", "/_sandbox/merchants", Some(body));
    let grant = "/_sandbox/brands/1004/merchants/1900000002";
    world.control("PUT", grant, None);
    let text = |name: &str| handed[name].as_str().unwrap();
    let client = client_of(&handed, &world.credentials.base_url)
        .wechatpay_public_key(text("wechatpay_public_key_id"), text("pub_key.pem"))
        .auto_certificates(text("apiv3_key"))
        .build()
        .unwrap();
    assert_eq!(world.answered_by(&client), text("wechatpay_public_key_id"));
    world.changes(&client, "13900139000");
    let list = world.run(client.chain("v3/certificates").get());
    assert_eq!(list.unwrap_err().code(), Some("RESOURCE_NOT_EXISTS"));
    world.control("DELETE", grant, None);
    let members = client.card_member_for("1004");
    let error = world
        .run(members.user_cards().get(&world.key()))
        .unwrap_err();
    assert_eq!(error.code(), Some("NO_AUTH"));
}
