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
    /// Platform certificates that give way to newer ones, by serial, and when
    /// they are gone: milliseconds since 1970 of the sandbox's clock.
    pub retiring: BTreeMap<String, i64>,
    /// How far merchants are on their way from certificates to the public key,
    /// by mchid, in thousandths. Who is not named has arrived.
    pub migrations: BTreeMap<String, u16>,
    /// Merchants without platform certificates, by mchid.
    pub public_key_only: BTreeSet<String>,
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
