//! What is logged. Alone in its process: subscribers are global.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{
    io,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response};
use kabao::{
    Client, Merchant, PrivateKey,
    card_member::{UserCardChange, UserCardKey},
    clock::{Clock as _, SystemClock},
    core::{
        Sealed, answer::signature_headers, authorization::Stamp, keyring::KeyId,
        sensitive::Sealer as _, signature::Scheme,
    },
    transport::{Sending, Transport},
};

const KEY_ID: &str = "PUB_KEY_ID_0119000000012024120900000000000001";

/// Answers everything with a card.
#[derive(Debug)]
struct WechatPay {
    key: PrivateKey,
    phone_number: Sealed,
}

impl Transport for WechatPay {
    fn send(&self, _: Request<Bytes>, _: usize) -> Sending<'_> {
        let body = serde_json::json!({
            "user_card_code": "478515832665", "card_id": "pbLatj", "openid": "obLatj",
            "brand_id": "1004", "card_type": "NORMAL", "level": "钻石会员",
            "phone_number": self.phone_number, "user_card_state": "EFFECTIVE",
            "valid_date_information": {"type": "PERMANENT"},
            "pickup_time": "2020-05-20T13:29:35.120+08:00",
        })
        .to_string();
        let stamp = Stamp::new(SystemClock.now().as_second(), &[7; 32]);
        let scheme = Scheme::Wechatpay2Sha256Rsa2048;
        let sign = |message: &[u8]| self.key.sign_now(message);
        let id = KeyId::new(KEY_ID);
        let headers = signature_headers(scheme, &id, &stamp, body.as_bytes(), sign).unwrap();
        let mut response = Response::new(body.into());
        for (name, value) in headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        Box::pin(async { Ok(response) })
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn events_tell_what_was_done_and_no_values() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .init();
    let (own, key) = (
        PrivateKey::generate().unwrap(),
        PrivateKey::generate().unwrap(),
    );
    let public_pem = key.public_key().to_spki_pem();
    let phone_number = own.public_key().seal(&"13800138000".into()).unwrap();
    let client = Client::builder(Merchant::new("1900000001", "5157F09EFDC096DE", own))
        .wechatpay_public_key(KEY_ID, public_pem)
        .transport(Arc::new(WechatPay { key, phone_number }))
        .build()
        .unwrap();
    let card = UserCardKey::new("478515832665", "pbLatj", "obLatj");
    let change = UserCardChange::new().phone_number("13800138000");
    let cards = client.card_member_for("1004").user_cards();
    cards.update(&card, change).await.unwrap();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let sealed = format!("sealed key={KEY_ID}");
    for event in [
        &sealed,
        "signed ",
        "sent ",
        "answered ",
        "verified ",
        "opened=1",
    ] {
        assert!(log.contains(event), "{event}: {log}");
    }
    for value in ["13800138000", "478515832665", "obLatj", "钻石"] {
        assert!(!log.contains(value), "{value}: {log}");
    }
}
