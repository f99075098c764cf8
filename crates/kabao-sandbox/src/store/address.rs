//! Which store an address means.

use std::{path::Path, sync::Arc};

use super::{Store, StoreError};
use crate::vault::MasterKey;

const SUPPORTED: &str = "`sqlite:PATH` (a file) and `memory` are supported";

/// Opens the store at `uri`: `sqlite:PATH` or `memory`.
///
/// It may block for a while if other processes make the same store at the same
/// time.
///
/// # Errors
/// [`StoreError::Uri`] for any other address; what [`SqliteStore::open`]
/// reports.
///
/// [`SqliteStore::open`]: super::SqliteStore::open
pub fn open(uri: &str, master_key: &MasterKey) -> Result<Arc<dyn Store>, StoreError> {
    match Address::parse(uri)? {
        #[cfg(feature = "sqlite")]
        Address::Memory => Ok(Arc::new(super::SqliteStore::in_memory(master_key)?)),
        #[cfg(feature = "sqlite")]
        Address::Sqlite(path) => Ok(Arc::new(super::SqliteStore::open(path, master_key)?)),
        #[cfg(not(feature = "sqlite"))]
        Address::Memory | Address::Sqlite(_) => {
            let _ = master_key;
            Err(refused(uri, NOT_BUILT_IN.to_owned()))
        }
    }
}

/// Looks whether [`open`] could be tried, without making or changing anything:
/// to be asked before a master key is made for a new store.
///
/// # Errors
/// [`StoreError::Uri`], or [`StoreError::Damaged`] if something else is there.
pub fn inspect(uri: &str) -> Result<(), StoreError> {
    match Address::parse(uri)? {
        #[cfg(feature = "sqlite")]
        Address::Memory => Ok(()),
        #[cfg(feature = "sqlite")]
        Address::Sqlite(path) => super::SqliteStore::inspect(path),
        #[cfg(not(feature = "sqlite"))]
        Address::Memory | Address::Sqlite(_) => Err(refused(uri, NOT_BUILT_IN.to_owned())),
    }
}

#[cfg(not(feature = "sqlite"))]
const NOT_BUILT_IN: &str = "SQLite is not built into this program; its feature `sqlite` adds it";

#[cfg_attr(
    not(feature = "sqlite"),
    expect(dead_code, reason = "nothing opens it")
)]
enum Address<'a> {
    Memory,
    Sqlite(&'a Path),
}

impl<'a> Address<'a> {
    fn parse(uri: &'a str) -> Result<Self, StoreError> {
        match uri.split_once(':') {
            None if uri == "memory" => Ok(Self::Memory),
            Some(("sqlite", path)) => sqlite_path(uri, path).map(Self::Sqlite),
            None => Err(refused(
                uri,
                format!("{SUPPORTED}; for a file write `sqlite:{uri}`"),
            )),
            Some(("postgres" | "postgresql", _)) => Err(refused(
                uri,
                format!("PostgreSQL is not built into this version; {SUPPORTED}"),
            )),
            Some(_) => Err(refused(uri, SUPPORTED.to_owned())),
        }
    }
}

fn sqlite_path<'a>(uri: &str, path: &'a str) -> Result<&'a Path, StoreError> {
    let issue = if path.is_empty() {
        "a path must follow `sqlite:`"
    } else if path == ":memory:" {
        "write `memory` for a store that is not kept"
    } else if path.starts_with("//") && !path.starts_with("///") {
        "it takes a path, not a host; write `sqlite:PATH` without `//`"
    } else {
        return Ok(Path::new(path));
    };
    Err(refused(uri, issue.to_owned()))
}

/// Addresses of servers hold passwords, so no more of them is shown than the
/// scheme.
fn refused(uri: &str, issue: String) -> StoreError {
    let uri = match uri.split_once(':') {
        Some((scheme, _)) if scheme != "sqlite" => format!("{scheme}:…"),
        _ => uri.to_owned(),
    };
    StoreError::Uri { uri, issue }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_addresses_are_refused_without_their_password() {
        let key = MasterKey::generate().expect("randomness");
        for uri in [
            "postgres://user:geheim@host/db",
            "postgresql://user:geheim@host/db",
            "redis://:geheim@host",
        ] {
            let error = open(uri, &key).expect_err(uri).to_string();
            assert!(error.contains("sqlite:PATH"), "{error}");
            assert!(!error.contains("geheim"), "{error}");
        }
        for uri in [
            "",
            "sandbox.db",
            "sqlite:",
            "sqlite://host/db",
            "sqlite::memory:",
            "MEMORY",
        ] {
            let error = open(uri, &key).expect_err(uri);
            assert!(matches!(error, StoreError::Uri { .. }), "{error}");
        }
    }
}
