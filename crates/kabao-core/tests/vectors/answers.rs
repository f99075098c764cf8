//! `answers.json`.

use kabao_core::{
    answer::{AnswerSignature, VerifyError, header, signature_headers},
    authorization::Stamp,
    keyring::KeyId,
    message::{self, Signed},
    signature::Scheme,
};
use serde::Deserialize;

use crate::data::{Headers, Keys, Role, Verdict, load};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    #[serde(rename = "note")]
    _note: String,
    known_keys: Vec<Role>,
    cases: Vec<Answer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    name: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    #[serde(rename = "method")]
    _method: String,
    path: String,
    #[serde(rename = "status")]
    _status: u16,
    known_keys: Option<Vec<Role>>,
    headers: Headers,
    body: String,
    now: i64,
    message: Option<String>,
    expect: Verdict,
    missing: Option<String>,
    #[serde(default)]
    probe: bool,
}

impl Answer {
    /// The bytes that stand for the body in the signature; `None` for a
    /// download without one.
    fn signed_body(&self) -> Option<Vec<u8>> {
        match Signed::for_path(&self.path) {
            Signed::Body => Some(self.body.clone().into_bytes()),
            Signed::StatementSha1 => {
                let sha1 = self.headers.get(header::STATEMENT_SHA1).expect(&self.name);
                Some(message::statement_body(sha1).into_owned())
            }
            Signed::Nothing => None,
        }
    }
}

#[test]
fn answers_are_judged_as_they_should() {
    let keys = Keys::load();
    let answers: Answers = load("answers.json");
    for case in &answers.cases {
        let name = &case.name;
        let known = case.known_keys.as_ref().unwrap_or(&answers.known_keys);
        let ring = keys.ring(known);

        let Some(body) = case.signed_body() else {
            assert_eq!(case.expect, Verdict::Unsigned, "{name}: what is signed");
            let headers = Verdict::of(&case.headers.signature());
            assert_eq!(headers, Verdict::MissingHeader, "{name}: headers");
            continue;
        };
        if let (Ok(signature), Some(expected)) = (case.headers.signature(), &case.message) {
            let message = message::answer(signature.timestamp, signature.nonce, &body);
            assert_eq!(message, expected.as_bytes(), "{name}: message");
        }

        let signature = case.headers.signature();
        let result = signature
            .as_ref()
            .map_err(VerifyError::clone)
            .and_then(|signature| signature.verify(&body, &ring, case.now));
        assert_eq!(Verdict::of(&result), case.expect, "{name}: verdict");
        match result {
            Ok(key) => {
                let named = case.headers.get(header::SERIAL).expect(name);
                assert_eq!(key.id(), &KeyId::new(named), "{name}: key");
            }
            Err(VerifyError::MissingHeader { name: missing }) => {
                assert_eq!(Some(missing), case.missing.as_deref(), "{name}: header");
            }
            Err(VerifyError::Mismatch { probe }) => {
                assert_eq!(probe, case.probe, "{name}: probe");
            }
            Err(_) => {}
        }
    }
}

#[test]
fn a_server_signs_the_same_headers() {
    let keys = Keys::load();
    let answers: Answers = load("answers.json");
    let good = |case: &&Answer| case.expect == Verdict::Ok;
    for case in answers.cases.iter().filter(good) {
        let name = &case.name;
        let received = case.headers.signature().expect(name);
        let made = sign_again(&keys, &received, &case.signed_body().expect(name));
        for (header, value) in made {
            let received = case.headers.get(header);
            assert_eq!(received, Some(value.as_str()), "{name}: {header}");
        }
    }
}

/// The headers that the holder of the named key makes, with the stamp that was
/// received.
fn sign_again(
    keys: &Keys,
    received: &AnswerSignature<'_>,
    body: &[u8],
) -> [(&'static str, String); 5] {
    let stamp = Stamp {
        timestamp: received.timestamp.parse().expect("a timestamp"),
        nonce: received.nonce.into(),
    };
    let key = keys.holder_of(received.serial.as_str()).private_key();
    signature_headers(
        Scheme::Wechatpay2Sha256Rsa2048,
        &received.serial,
        &stamp,
        body,
        |message| key.sign_now(message),
    )
    .expect("a signature")
}
