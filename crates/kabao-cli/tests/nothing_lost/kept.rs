//! Where a sandbox keeps what it knows, looked at from behind.

use std::{path::PathBuf, time::Duration};

use rusqlite::{Connection, OpenFlags, Row, types::ValueRef};

use crate::{
    process::Home,
    server::{Database, durable_database},
};

pub(crate) enum Kept {
    Sqlite(PathBuf),
    Postgres(Database),
}

impl Kept {
    pub(crate) fn in_file(home: &Home) -> Self {
        Self::Sqlite(home.path("data/sandbox.db"))
    }

    /// `None` if there is no PostgreSQL here.
    pub(crate) fn on_server() -> Option<Self> {
        durable_database().map(Self::Postgres)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// The flags that lead there.
    pub(crate) fn arguments(&self) -> Vec<String> {
        match self {
            Self::Sqlite(_) => Vec::new(),
            Self::Postgres(database) => vec!["--store".into(), database.uri()],
        }
    }

    /// Rows of one column each.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite(path) => {
                // One that only reads would leave its index of the log behind.
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                let db = Connection::open_with_flags(path, flags).unwrap();
                db.busy_timeout(Duration::from_secs(30)).unwrap();
                let mut statement = db.prepare(sql).unwrap();
                let text = |row: &Row<'_>| match row.get_ref(0)? {
                    ValueRef::Integer(number) => Ok(number.to_string()),
                    text => Ok(text.as_str()?.to_owned()),
                };
                let rows = statement.query_map([], text).unwrap();
                rows.map(Result::unwrap).collect()
            }
            Self::Postgres(database) => database.sql(sql).lines().map(Into::into).collect(),
        }
    }

    /// A sandbox that starts and works says nothing on stderr: no repair, no
    /// warning. A server that is slow for once may be spoken of.
    #[track_caller]
    pub(crate) fn is_quiet(&self, said: &str) {
        const SLOW: [&str; 2] = [
            "warning: the store cannot be used at the moment",
            "warning: the store can be used again",
        ];
        let is_slow = |line: &str| SLOW.iter().any(|slow| line.starts_with(slow));
        let is_slow = |line: &str| matches!(self, Self::Postgres(_)) && is_slow(line);
        assert!(said.lines().all(is_slow), "{said}");
    }

    /// Whether every page, index and row fits the others.
    pub(crate) fn is_whole(&self) {
        match self {
            Self::Sqlite(_) => assert_eq!(self.rows("PRAGMA integrity_check"), ["ok"]),
            // Its pages have checksums of their own; this reads all of them.
            Self::Postgres(_) => {
                for table in ["user_cards", "records", "notifications", "card_templates"] {
                    self.rows(&format!("SELECT count(t::text) FROM {table} t"));
                }
            }
        }
    }
}
