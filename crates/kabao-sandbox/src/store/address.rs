//! Which store an address means.

use std::{fmt, path::Path, sync::Arc};

use super::{Store, StoreError};
use crate::vault::MasterKey;

const SUPPORTED: &str =
    "`sqlite:PATH` (a file), `memory` and `postgres://USER:PASSWORD@HOST/DATABASE` are supported";

/// Opens the store at `uri`: `sqlite:PATH`, `memory` or
/// `postgres://USER:PASSWORD@HOST/DATABASE`, each if its feature is built in.
///
/// It may block for a while if other processes make the same store at the same
/// time, or a server is far.
///
/// # Errors
/// [`StoreError::Uri`] for any other address; what `SqliteStore::open` and
/// `PostgresStore::open` report.
pub fn open(uri: &str, master_key: &MasterKey) -> Result<Arc<dyn Store>, StoreError> {
    match Address::parse(uri)? {
        #[cfg(feature = "sqlite")]
        Address::Memory => Ok(Arc::new(super::SqliteStore::in_memory(master_key)?)),
        #[cfg(feature = "sqlite")]
        Address::Sqlite(path) => Ok(Arc::new(super::SqliteStore::open(path, master_key)?)),
        #[cfg(not(feature = "sqlite"))]
        Address::Memory | Address::Sqlite(_) => {
            let _ = master_key;
            Err(refused(uri, NO_SQLITE.to_owned()))
        }
        #[cfg(feature = "postgres")]
        Address::Postgres => Ok(Arc::new(super::PostgresStore::open(uri, master_key)?)),
        #[cfg(not(feature = "postgres"))]
        Address::Postgres => Err(refused(uri, NO_POSTGRES.to_owned())),
    }
}

/// Looks whether [`open`] could be tried, without making or changing anything:
/// to be asked before a master key is made for a new store.
///
/// # Errors
/// [`StoreError::Uri`]; [`StoreError::Damaged`] or [`StoreError::Server`] if
/// something else is there, or nothing can be.
pub fn inspect(uri: &str) -> Result<(), StoreError> {
    match Address::parse(uri)? {
        #[cfg(feature = "sqlite")]
        Address::Memory => Ok(()),
        #[cfg(feature = "sqlite")]
        Address::Sqlite(path) => super::SqliteStore::inspect(path),
        #[cfg(not(feature = "sqlite"))]
        Address::Memory | Address::Sqlite(_) => Err(refused(uri, NO_SQLITE.to_owned())),
        Address::Postgres => on_a_server(uri).map(drop),
    }
}

/// A store that is no file of this machine.
pub(crate) struct OnServer {
    /// Its address, without a password.
    pub(crate) name: String,
    /// Whether it was made already, with some master key.
    pub(crate) is_made: bool,
}

/// Looks at the store at `uri` if it is on a server, and changes nothing.
pub(crate) fn on_a_server(uri: &str) -> Result<Option<OnServer>, StoreError> {
    match Address::parse(uri)? {
        Address::Memory | Address::Sqlite(_) => Ok(None),
        #[cfg(feature = "postgres")]
        Address::Postgres => Ok(Some(OnServer {
            name: super::PostgresStore::name_of(uri)?,
            is_made: super::PostgresStore::is_made(uri)?,
        })),
        #[cfg(not(feature = "postgres"))]
        Address::Postgres => Err(refused(uri, NO_POSTGRES.to_owned())),
    }
}

#[cfg(not(feature = "sqlite"))]
const NO_SQLITE: &str = "SQLite is not built into this program; its feature `sqlite` adds it";

#[cfg(not(feature = "postgres"))]
const NO_POSTGRES: &str =
    "PostgreSQL is not built into this program; its feature `postgres` adds it";

#[cfg_attr(
    not(feature = "sqlite"),
    expect(dead_code, reason = "nothing opens it")
)]
enum Address<'a> {
    Memory,
    Sqlite(&'a Path),
    Postgres,
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
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres),
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

fn refused(uri: &str, issue: String) -> StoreError {
    let uri = shown(uri);
    StoreError::Uri { uri, issue }
}

/// Addresses of servers hold passwords, so no more of them is shown than the
/// scheme.
fn shown(uri: &str) -> String {
    match uri.split_once(':') {
        Some((scheme, _)) if scheme != "sqlite" => format!("{scheme}:…"),
        _ => uri.to_owned(),
    }
}

/// The address of a store, not shown in full.
#[derive(Clone)]
pub(crate) struct Uri(pub(crate) String);

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        let uri = Uri("postgres://user:geheim@host/db".into());
        assert_eq!(format!("{uri:?}"), "postgres:…");
        let uri = Uri("sqlite:sandbox.db".into());
        assert_eq!(format!("{uri:?}"), "sqlite:sandbox.db");
    }

    #[test]
    fn other_addresses_are_refused_without_their_password() {
        let key = MasterKey::generate().expect("randomness");
        for uri in ["mysql://user:geheim@host/db", "redis://:geheim@host"] {
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
