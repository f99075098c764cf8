//! The files of this folder, read strictly: a member that no test looks at is
//! an error.

use std::{collections::HashMap, fs, path::Path};

use kabao_core::{
    ApiV3Key, PrivateKey, PublicKey,
    answer::{AnswerSignature, VerifyError},
    certificate::Certificate,
    keyring::{Keyring, PlatformKey},
};
use serde::{Deserialize, de::DeserializeOwned};

pub(crate) fn load<T: DeserializeOwned>(file: &str) -> T {
    serde_json::from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A file of `keys/`.
pub(crate) fn pem(file: &str) -> String {
    text(&format!("keys/{file}"))
}

fn text(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[derive(Deserialize)]
pub(crate) struct Keys {
    apiv3_key: String,
    #[serde(flatten)]
    holders: HashMap<Role, Holder>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Merchant,
    Brand,
    PlatformA,
    PlatformB,
    WechatpayPublicKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Holder {
    #[serde(rename = "note")]
    _note: Option<String>,
    mchid: Option<String>,
    brand_id: Option<String>,
    serial_no: Option<String>,
    public_key_id: Option<String>,
    pub(crate) effective_time: Option<String>,
    pub(crate) expire_time: Option<String>,
    pub(crate) private_key: String,
    pub(crate) private_key_pkcs1: Option<String>,
    pub(crate) public_key: String,
    pub(crate) public_key_pkcs1: Option<String>,
    pub(crate) certificate: Option<String>,
}

impl Holder {
    /// The mchid or the brand id.
    pub(crate) fn identity(&self) -> &str {
        self.mchid
            .as_deref()
            .or(self.brand_id.as_deref())
            .expect("an mchid or a brand_id")
    }

    /// The name in `serial_no` or `Wechatpay-Serial`.
    pub(crate) fn key_id(&self) -> &str {
        self.serial_no
            .as_deref()
            .or(self.public_key_id.as_deref())
            .expect("a serial_no or a public_key_id")
    }

    pub(crate) fn private_key(&self) -> PrivateKey {
        PrivateKey::from_pem(pem(&self.private_key)).expect(&self.private_key)
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey::from_pem(pem(&self.public_key)).expect(&self.public_key)
    }

    pub(crate) fn certificate(&self) -> Option<Certificate> {
        let file = self.certificate.as_deref()?;
        Some(Certificate::from_pem(pem(file)).expect(file))
    }
}

impl Keys {
    pub(crate) fn load() -> Self {
        load("keys/keys.json")
    }

    pub(crate) fn of(&self, role: Role) -> &Holder {
        &self.holders[&role]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Role, &Holder)> {
        self.holders.iter()
    }

    pub(crate) fn api_v3_key(&self) -> ApiV3Key {
        ApiV3Key::new(&self.apiv3_key).expect("apiv3_key")
    }

    /// What a receiver knows of WeChat Pay.
    pub(crate) fn ring(&self, roles: &[Role]) -> Keyring {
        let platform_key = |role: &Role| {
            let holder = self.of(*role);
            match holder.certificate() {
                Some(certificate) => PlatformKey::certificate(&certificate).expect("an RSA key"),
                None => PlatformKey::public_key(holder.key_id(), holder.public_key()),
            }
        };
        roles.iter().map(platform_key).collect()
    }

    /// Who has the key of that name.
    pub(crate) fn holder_of(&self, key_id: &str) -> &Holder {
        self.holders
            .values()
            .find(|holder| holder.key_id() == key_id)
            .unwrap_or_else(|| panic!("nobody has the key {key_id}"))
    }
}

/// Received headers, in the case in which they came.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Headers(HashMap<String, String>);

impl Headers {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn signature(&self) -> Result<AnswerSignature<'_>, VerifyError> {
        AnswerSignature::from_headers(|name| self.get(name))
    }
}

/// What a receiver decides about an answer or a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Ok,
    BadSignature,
    TimestampOutOfWindow,
    UnknownSerial,
    MissingHeader,
    UnsupportedSignatureType,
    Unsigned,
}

impl Verdict {
    pub(crate) fn of<T>(result: &Result<T, VerifyError>) -> Self {
        match result {
            Ok(_) => Self::Ok,
            Err(VerifyError::Mismatch { .. }) => Self::BadSignature,
            Err(VerifyError::TimestampOutOfWindow { .. }) => Self::TimestampOutOfWindow,
            Err(VerifyError::UnknownSerial { .. }) => Self::UnknownSerial,
            Err(VerifyError::MissingHeader { .. }) => Self::MissingHeader,
            Err(VerifyError::UnsupportedSignatureType { .. }) => Self::UnsupportedSignatureType,
            Err(other) => panic!("no vector expects {other:?}"),
        }
    }
}
