//! What a new sandbox holds, and one that is reset: the sample data, unless a
//! file says otherwise.

mod file;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    sample,
    store::{
        Contents, Everything,
        snapshot::{self, SnapshotError},
    },
    vault::Vault,
};

/// What a new sandbox begins with, and goes back to when it is reset.
#[derive(Debug, Clone)]
pub struct Seed(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Described(Box<Described>),
    Snapshot(Vec<u8>),
}

/// A seed in words. Keys are made at the first start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Described {
    pub(crate) contents: Contents,
    /// Who may call, beside the sample merchant.
    pub(crate) merchants: Vec<String>,
    /// Who may call, beside the sample brand.
    pub(crate) brands: Vec<String>,
}

/// A seed that can be sown.
#[derive(Debug)]
pub(crate) enum Opened {
    Described(Box<Described>),
    Snapshot(Box<Everything>),
}

impl Opened {
    pub(crate) fn contents(&self) -> &Contents {
        match self {
            Self::Described(described) => &described.contents,
            Self::Snapshot(everything) => &everything.contents,
        }
    }
}

impl Default for Seed {
    /// The sample data.
    fn default() -> Self {
        Self(Kind::Described(Box::new(Described {
            contents: sample::contents(),
            ..Described::default()
        })))
    }
}

/// A file is no seed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {issue}")]
pub struct SeedError {
    /// Which member, such as `user_cards[0].openid`.
    pub member: String,
    /// What is wrong with it.
    pub issue: String,
}

impl Seed {
    /// Reads what a file says, in the names of the wire and in plaintext;
    /// `docs/service.md` has an example. Times that it leaves out are `now`.
    ///
    /// # Errors
    /// [`SeedError`] names the member.
    pub fn from_value(value: &Value, now: Timestamp) -> Result<Self, SeedError> {
        let described = file::read(value, now)?;
        Ok(Self(Kind::Described(Box::new(described))))
    }

    /// Takes a snapshot, keys included. It is read when the sandbox starts, for
    /// that has the master key.
    #[must_use]
    pub fn from_snapshot(text: Vec<u8>) -> Self {
        Self(Kind::Snapshot(text))
    }

    pub(crate) fn open(&self, vault: &Vault) -> Result<Opened, SnapshotError> {
        Ok(match &self.0 {
            Kind::Described(described) => Opened::Described(described.clone()),
            Kind::Snapshot(text) => Opened::Snapshot(Box::new(snapshot::read(text, vault)?)),
        })
    }
}
