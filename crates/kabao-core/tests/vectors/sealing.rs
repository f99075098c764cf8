//! `aead.json` and `oaep.json`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kabao_core::{
    ApiV3Key, Sealed, Sensitive,
    resource::{AEAD_AES_256_GCM, EncryptedResource},
    sensitive::{Opener as _, SealError, Sealer as _},
};
use serde::Deserialize;

use crate::data::{Keys, Role, load};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Aead {
    opens: Vec<AeadCase>,
    must_fail: Vec<AeadCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AeadCase {
    name: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    key: String,
    nonce: String,
    associated_data: String,
    plaintext: Option<String>,
    ciphertext: String,
    expect: Option<Refusal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Refusal {
    DecryptError,
    KeyError,
}

impl AeadCase {
    fn resource(&self) -> EncryptedResource {
        EncryptedResource {
            original_type: None,
            algorithm: AEAD_AES_256_GCM.into(),
            ciphertext: self.ciphertext.clone(),
            associated_data: Some(self.associated_data.clone()),
            nonce: self.nonce.clone(),
        }
    }
}

#[test]
fn resources_open_and_are_sealed_the_same() {
    for case in load::<Aead>("aead.json").opens {
        let name = &case.name;
        let plaintext = case.plaintext.as_deref().expect(name).as_bytes();
        let key = ApiV3Key::new(&case.key).expect(name);

        let opened = case.resource().open(&key).expect(name);
        assert_eq!(*opened, plaintext, "{name}: opened");

        let sealed = EncryptedResource::seal(&key, &case.nonce, &case.associated_data, plaintext);
        assert_eq!(sealed, Ok(case.resource()), "{name}: sealed");

        if case.associated_data.is_empty() {
            let absent = EncryptedResource {
                associated_data: None,
                ..case.resource()
            };
            let opened = absent.open(&key).expect(name);
            assert_eq!(*opened, plaintext, "{name}: without associated data");
        }
    }
}

#[test]
fn altered_resources_do_not_open() {
    for case in load::<Aead>("aead.json").must_fail {
        let name = &case.name;
        let refusal = match ApiV3Key::new(&case.key) {
            Err(_) => Refusal::KeyError,
            Ok(key) => {
                let opened = case.resource().open(&key);
                assert!(opened.is_err(), "{name}: it opened");
                Refusal::DecryptError
            }
        };
        assert_eq!(Some(refusal), case.expect, "{name}: refusal");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Oaep {
    opens: Vec<OaepCase>,
    must_fail: Vec<OaepCase>,
    limits: Vec<Limit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OaepCase {
    name: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    key: Role,
    named_as: Option<String>,
    plaintext: Option<String>,
    ciphertext: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    name: String,
    plaintext: String,
    plaintext_bytes: usize,
    expect: String,
    ciphertext_bytes: Option<usize>,
}

#[test]
fn sealed_values_open_with_their_key_alone() {
    let keys = Keys::load();
    let cases: Oaep = load("oaep.json");
    for case in cases.opens {
        let name = &case.name;
        let holder = keys.of(case.key);
        if let Some(named_as) = &case.named_as {
            assert_eq!(holder.key_id(), named_as, "{name}: key");
        }
        let sealed = Sealed::from_wire(case.ciphertext);
        let opened = holder.private_key().open(&sealed).expect(name);
        assert!(opened.is_opened(), "{name}: opened");
        assert_eq!(Some(opened.expose()), case.plaintext.as_deref(), "{name}");
    }
    for case in cases.must_fail {
        let sealed = Sealed::from_wire(case.ciphertext);
        let opened = keys.of(case.key).private_key().open(&sealed);
        assert!(opened.is_err(), "{}: it opened", case.name);
    }
}

#[test]
fn a_sealed_value_has_a_longest_length() {
    let keys = Keys::load();
    let receiver = keys.of(Role::Merchant);
    for case in load::<Oaep>("oaep.json").limits {
        let name = &case.name;
        assert_eq!(case.plaintext.len(), case.plaintext_bytes, "{name}: bytes");
        let value = Sensitive::new(case.plaintext.as_str());
        match receiver.public_key().seal(&value) {
            Ok(sealed) => {
                assert_eq!(case.expect, "ok", "{name}");
                let block = STANDARD.decode(sealed.as_str()).expect(name);
                assert_eq!(Some(block.len()), case.ciphertext_bytes, "{name}: size");
                let opened = receiver.private_key().open(&sealed).expect(name);
                assert_eq!(opened.expose(), case.plaintext, "{name}: opened");
            }
            Err(error) => {
                assert_eq!(case.expect, "message_too_long", "{name}");
                let length = case.plaintext_bytes;
                let expected = SealError::TooLong { length, limit: 214 };
                assert_eq!(error, expected, "{name}: error");
            }
        }
    }
}
