//! The headers of a signed answer, one a line, then the body: nobody gets past
//! them without the key, and saying why does not fail.
#![no_main]

use std::sync::LazyLock;

use kabao_core::{
    PrivateKey,
    answer::{AnswerSignature, VerifyError, header, signature_headers},
    authorization::Stamp,
    keyring::{KeyId, Keyring, PlatformKey},
    signature::{self, Scheme},
};

const NOW: i64 = 1_767_196_800;
const ID: &str = "PUB_KEY_ID_01";

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate().expect("a key"));
static RING: LazyLock<Keyring> =
    LazyLock::new(|| Keyring::from_iter([PlatformKey::public_key(ID, KEY.public_key().clone())]));

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.splitn(6, |byte| *byte == b'\n');
    let mut line = || lines.next().and_then(|line| std::str::from_utf8(line).ok());
    let values = [line(), line(), line(), line(), line()];
    let body = lines.next().unwrap_or_default();
    let names = [
        header::TIMESTAMP,
        header::NONCE,
        header::SERIAL,
        header::SIGNATURE,
        header::SIGNATURE_TYPE,
    ];
    let received = AnswerSignature::from_headers(|name| {
        let place = names.iter().position(|known| *known == name)?;
        values[place]
    });
    match received.and_then(|received| received.verify(body, &RING, NOW).map(|_| ())) {
        Ok(()) => panic!("a signature was accepted that nobody made"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let [Some(timestamp), Some(nonce), ..] = values
        && let Ok(timestamp) = timestamp.parse::<i64>()
        && !nonce.is_empty()
    {
        honest(
            Stamp {
                timestamp,
                nonce: nonce.to_owned(),
            },
            body,
        );
    }
});

/// Signed with the key, it is accepted inside the window alone.
fn honest(stamp: Stamp, body: &[u8]) {
    let (id, scheme) = (KeyId::new(ID), Scheme::Wechatpay2Sha256Rsa2048);
    let signed = signature_headers(scheme, &id, &stamp, body, |message| KEY.sign_now(message));
    let signed = signed.expect("signing");
    let lookup = |name| {
        let known = signed.iter().find(|(known, _)| *known == name);
        known.map(|(_, value)| value.as_str())
    };
    let received = AnswerSignature::from_headers(lookup).expect("all headers");
    let bytes = signature::decode(received.signature).expect("base64");
    assert_eq!(signature::encode(&bytes), received.signature);
    match received.verify(body, &RING, NOW) {
        Ok(key) => assert!(*key.id() == id && (stamp.timestamp - NOW).abs() <= 300),
        Err(VerifyError::TimestampOutOfWindow { .. }) => {
            assert!(stamp.timestamp.abs_diff(NOW) > 300);
        }
        Err(error) => panic!("{error}"),
    }
}
