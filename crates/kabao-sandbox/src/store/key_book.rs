//! Everybody's keys and how they are used: one document that changes by rules,
//! as everything else does. It is small and changes seldom, so a rule sees all
//! of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::StoredKey;
use crate::refusal::Refusal;

/// A change of the key book, or its refusal. It may be run several times.
pub type KeyRule = Arc<dyn Fn(&mut KeyBook) -> Result<(), Refusal> + Send + Sync>;

/// All keys, and how they are used.
#[derive(Debug, Clone, Default)]
pub struct KeyBook {
    /// Every key, in the order of creation.
    pub keys: Vec<StoredKey>,
    /// How they are used.
    pub settings: KeySettings,
}

/// How keys are used. Nothing in it is secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeySettings {
    /// Counts the changes of the book. The store's own: rules leave it alone.
    pub version: u64,
    /// What is planned for platform certificates, in milliseconds since 1970 of
    /// the sandbox's clock: under a serial when that one is gone; under `takeover `
    /// and a serial when that one [takes over](Self::takeover_ms). One map
    /// for both, so that processes of versions that know only of the first keep
    /// the second, and forget it once it has come.
    pub retiring: BTreeMap<String, i64>,
    /// How far merchants are on their way from certificates to the public key,
    /// by mchid, in thousandths. Who is not named has arrived.
    pub migrations: BTreeMap<String, u16>,
    /// Merchants without platform certificates, by mchid.
    pub public_key_only: BTreeSet<String>,
}

impl KeySettings {
    /// When a platform certificate that was given notice of begins to sign;
    /// `None` if it does.
    #[must_use]
    pub fn takeover_ms(&self, serial_no: &str) -> Option<i64> {
        self.retiring.get(&takeover(serial_no)).copied()
    }

    /// Keeps a platform certificate from signing until then.
    pub fn set_takeover_ms(&mut self, serial_no: &str, begin: i64) {
        self.retiring.insert(takeover(serial_no), begin);
    }

    /// Lets a platform certificate have its turn no more.
    pub(crate) fn drop_takeover(&mut self, serial_no: &str) {
        self.retiring.remove(&takeover(serial_no));
    }
}

/// No serial has a space.
fn takeover(serial_no: &str) -> String {
    format!("takeover {serial_no}")
}

impl KeyBook {
    /// Whether that very key is in it.
    #[must_use]
    pub fn holds(&self, key: &StoredKey) -> bool {
        self.keys.iter().any(|held| held.is(key))
    }
}

impl StoredKey {
    /// Whether it has the same owner, purpose and name.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        (&self.owner, self.purpose, &self.id) == (&other.owner, other.purpose, &other.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Versions that know of no takeover compare what they would write with what
    /// is there, so they must find nothing that they do not know.
    #[test]
    fn a_takeover_is_written_as_older_versions_write() {
        let mut settings = KeySettings::default();
        settings.set_takeover_ms("B", 7);
        let text = serde_json::to_string(&settings).expect("JSON");
        let written = "{\"version\":0,\"retiring\":{\"takeover B\":7},\
                       \"migrations\":{},\"public_key_only\":[]}";
        assert_eq!(text, written);
        let read: KeySettings = serde_json::from_str(written).expect("settings");
        assert_eq!(read.takeover_ms("B"), Some(7));
    }
}
