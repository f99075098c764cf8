//! WeChat Pay's keys by the name that `Wechatpay-Serial` gives them.

use std::{collections::HashMap, fmt, sync::Arc};

use jiff::Timestamp;

use crate::{
    certificate::Certificate,
    keys::{KeyError, PublicKey},
};

/// The name of a key: a certificate's serial (hex) or a public key id
/// (`PUB_KEY_ID_…`).
///
/// Keeps the text as given. Two serials are equal if they are the same number:
/// some software drops leading zeros or writes lower case.
#[derive(Debug, Clone)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// Names a key.
    pub fn new(id: impl AsRef<str>) -> Self {
        Self(id.as_ref().into())
    }

    /// The name as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this names a WeChat Pay public key, not a certificate.
    #[must_use]
    pub fn is_public_key(&self) -> bool {
        self.0.starts_with("PUB_KEY_ID_")
    }

    /// What is equal in equal names.
    fn canonical(&self) -> impl Iterator<Item = u8> {
        let (text, upper): (_, fn(&u8) -> u8) = match self.is_public_key() {
            true => (&*self.0, |byte| *byte),
            false => (self.0.trim_start_matches('0'), u8::to_ascii_uppercase),
        };
        text.as_bytes().iter().map(upper)
    }
}

impl PartialEq for KeyId {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.canonical().eq(other.canonical())
    }
}

impl Eq for KeyId {}

impl std::hash::Hash for KeyId {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.canonical().for_each(|byte| state.write_u8(byte));
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for KeyId {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<String> for KeyId {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}

/// One of WeChat Pay's keys.
#[derive(Debug, Clone)]
pub struct PlatformKey {
    id: KeyId,
    key: PublicKey,
    validity: Option<(Timestamp, Timestamp)>,
}

impl PlatformKey {
    /// A WeChat Pay public key, which does not expire.
    pub fn public_key(id: impl Into<KeyId>, key: PublicKey) -> Self {
        Self {
            id: id.into(),
            key,
            validity: None,
        }
    }

    /// A platform certificate, named by its own serial.
    ///
    /// # Errors
    /// [`KeyError`] if its key is not RSA.
    pub fn certificate(certificate: &Certificate) -> Result<Self, KeyError> {
        Ok(Self {
            id: KeyId::new(certificate.serial_no()),
            key: certificate.public_key()?,
            validity: Some((certificate.not_before(), certificate.not_after())),
        })
    }

    /// The name in `Wechatpay-Serial`.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The key itself.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Orders keys by how good they are to seal with.
    fn rank(&self) -> impl Ord {
        let begin = self.validity.map(|(begin, _)| begin);
        (begin.is_none(), begin, self.id.as_str())
    }

    /// Since when and until when a certificate is in force; `None` for a
    /// public key.
    #[must_use]
    pub fn validity(&self) -> Option<(Timestamp, Timestamp)> {
        self.validity
    }
}

/// All keys that WeChat Pay may sign with, certificates and public keys
/// together, so that either works while a merchant moves from one to the other.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: HashMap<KeyId, PlatformKey>,
}

impl Keyring {
    /// A ring without keys.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key; one of the same name is replaced.
    pub fn insert(&mut self, key: PlatformKey) {
        self.keys.insert(key.id.clone(), key);
    }

    /// The key of that name.
    #[must_use]
    pub fn find(&self, id: &KeyId) -> Option<&PlatformKey> {
        self.keys.get(id)
    }

    /// The key to seal with and to ask answers from: a public key if there is
    /// one, else the certificate in force with the latest beginning.
    #[must_use]
    pub fn preferred(&self, now: Timestamp) -> Option<&PlatformKey> {
        self.keys
            .values()
            .filter(|key| {
                key.validity
                    .is_none_or(|(begin, end)| begin <= now && now < end)
            })
            .max_by(|one, other| one.rank().cmp(&other.rank()))
    }

    /// The keys, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &PlatformKey> {
        self.keys.values()
    }

    /// Whether the ring holds no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

impl FromIterator<PlatformKey> for Keyring {
    fn from_iter<I: IntoIterator<Item = PlatformKey>>(keys: I) -> Self {
        let mut ring = Self::new();
        ring.extend(keys);
        ring
    }
}

impl Extend<PlatformKey> for Keyring {
    fn extend<I: IntoIterator<Item = PlatformKey>>(&mut self, keys: I) {
        keys.into_iter().for_each(|key| self.insert(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serials_are_numbers_and_public_key_ids_are_text() {
        assert_eq!(KeyId::new("0A5D"), KeyId::new("a5d"));
        assert_ne!(KeyId::new("0A5D"), KeyId::new("A5D0"));
        assert_ne!(KeyId::new("PUB_KEY_ID_01"), KeyId::new("PUB_KEY_ID_1"));
    }
}
