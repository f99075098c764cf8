//! A connection that is ready for use: made, in WAL mode, with the newest
//! schema, and of the right master key.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, config::DbConfig,
};

use super::{
    checkpoint::WORTH_MOVING,
    failure::{NOT_WRITABLE, damaged, failed, is_busy},
    inspect,
};
use crate::store::{Failure, StoreError};

/// "kaba", so that `file` and this program know the store for what it is.
pub(super) const APPLICATION_ID: i32 = 0x6b61_6261;

const MIGRATIONS: [&str; 3] = [
    include_str!("../../../migrations/sqlite/0001_first.sql"),
    include_str!("../../../migrations/sqlite/0002_product.sql"),
    include_str!("../../../migrations/sqlite/0003_shared.sql"),
];

/// The schema this version makes.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// How long others may keep the file to themselves.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens a file, or makes it.
pub(super) fn open_file(path: &Path, fingerprint: &str) -> Result<Connection, StoreError> {
    inspect::refuse_foreign_or_damaged(path)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        // Several processes may be at their first start. Switching to WAL does
        // not wait for its turn, whatever the timeout.
        match prepare_file(path, fingerprint) {
            Err(error) if is_busy(&error) && Instant::now() < deadline => {
                thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

/// Another connection to a file that [`open_file`] has prepared.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    configure(&db)?;
    Ok(db)
}

/// A store that ends with this connection.
pub(super) fn open_memory(fingerprint: &str) -> Result<Connection, StoreError> {
    let opening = |error: Failure| failed("opening a store in memory", error);
    let mut db = Connection::open_in_memory().map_err(|error| opening(error.into()))?;
    configure(&db).map_err(|error| opening(error.into()))?;
    match bring_up_to_date(&mut db, fingerprint).map_err(opening)? {
        Standing::Ready => Ok(db),
        Standing::Newer(_) | Standing::OtherKey(_) => {
            Err(opening("an empty database is not empty".into()))
        }
    }
}

fn prepare_file(path: &Path, fingerprint: &str) -> Result<Connection, StoreError> {
    let opening = |error: Failure| failed(&format!("opening {}", path.display()), error);
    let mut db = create(path).map_err(opening)?;
    match set_up(&mut db, fingerprint).map_err(opening)? {
        Standing::Ready => Ok(db),
        Standing::Newer(issue) => Err(damaged(path, issue)),
        Standing::OtherKey(found) => Err(StoreError::MasterKey(format!(
            "{} was made with another master key (fingerprint {found}, the one given is {fingerprint}); \
             start with that one, as KABAO_MASTER_KEY or as `master.key` in the data folder, \
             or move the store away to begin anew",
            path.display()
        ))),
    }
}

fn create(path: &Path) -> Result<Connection, Failure> {
    let is_new = !path.exists();
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    if db.is_readonly("main")? {
        // Before SQLite puts a log beside it.
        return Err(NOT_WRITABLE.into());
    }
    if is_new {
        // Before there is anything in it; the log takes over the mode.
        restrict(path)?;
    }
    configure(&db)?;
    Ok(db)
}

fn set_up(db: &mut Connection, fingerprint: &str) -> Result<Standing, Failure> {
    // First of all and outside the log, so that the file is ours from its first
    // page on.
    let application: i32 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION_ID {
        db.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        return Err(format!(
            "its file system allows no write-ahead log (got `{mode}`); choose a local disk"
        )
        .into());
    }
    bring_up_to_date(db, fingerprint)
}

fn configure(db: &Connection) -> rusqlite::Result<()> {
    // A plan that may depend on values is made anew whenever values change,
    // which costs more than any of these reads.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.busy_timeout(PATIENCE)?;
    db.set_prepared_statement_cache_capacity(64);
    // The full syncs are those of macOS, where others may leave all in the disk's
    // cache.
    db.execute_batch(&format!(
        "PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = {WORTH_MOVING};
         PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;",
    ))
}

/// Whether a store can be used.
enum Standing {
    Ready,
    /// Its schema is newer; why that does not do.
    Newer(String),
    /// It was made with the master key of this fingerprint.
    OtherKey(String),
}

fn bring_up_to_date(db: &mut Connection, fingerprint: &str) -> Result<Standing, Failure> {
    if schema_version(db)? == NEWEST && key_of(db)?.as_deref() == Some(fingerprint) {
        return Ok(Standing::Ready);
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version = schema_version(&transaction)?;
    if let Some(issue) = inspect::newer(version) {
        return Ok(Standing::Newer(issue));
    }
    let done = usize::try_from(version)?;
    for migration in &MIGRATIONS[done..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", NEWEST)?;
    transaction.execute(
        "INSERT INTO meta (name, value) VALUES ('master_key', ?1) ON CONFLICT DO NOTHING",
        [fingerprint],
    )?;
    match key_of(&transaction)? {
        Some(found) if found != fingerprint => return Ok(Standing::OtherKey(found)),
        _ => transaction.commit()?,
    }
    Ok(Standing::Ready)
}

fn schema_version(db: &Connection) -> rusqlite::Result<i64> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn key_of(db: &Connection) -> rusqlite::Result<Option<String>> {
    db.query_row(
        "SELECT value FROM meta WHERE name = 'master_key'",
        [],
        |row| row.get(0),
    )
    .optional()
}

#[cfg(unix)]
fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> std::io::Result<()> {
    Ok(())
}
