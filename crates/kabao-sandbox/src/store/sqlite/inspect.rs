//! Looks at a file before it is opened for writing: what is not a store of this
//! program, or damaged, is left exactly as it is.
//!
//! Everything goes through SQLite, never through a file handle of our own:
//! closing one would drop the locks that this process holds on the file.

use std::{
    ffi::OsString,
    fmt::Write as _,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    failure::damaged,
    schema::{APPLICATION_ID, NEWEST},
};
use crate::store::StoreError;

/// Files up to this size are checked as a whole; larger ones would delay the
/// start, and SQLite notices damage when it comes upon it.
const CHECKED_SIZE: u64 = 16 << 20;

/// Refuses what must not be touched. A file that does not exist, or is empty,
/// is fine.
pub(super) fn refuse_foreign_or_damaged(path: &Path) -> Result<(), StoreError> {
    // What is read without locks may be half-written by another process, and
    // then looks like damage for a moment.
    let mut verdict = Ok(());
    for pause in [0, 50, 200] {
        thread::sleep(Duration::from_millis(pause));
        verdict = look_at(path);
        if verdict.is_ok() {
            break;
        }
    }
    verdict
}

fn look_at(path: &Path) -> Result<(), StoreError> {
    let size = match fs::metadata(path) {
        Ok(file) if file.is_dir() => return Err(damaged(path, "it is a folder, not a file")),
        Ok(file) => file.len(),
        // Others get their say when the file is opened.
        Err(_) => return Ok(()),
    };
    let extent = match size {
        0 => return refuse_orphaned_log(path),
        1..=CHECKED_SIZE => Extent::Whole,
        _ => Extent::Header,
    };
    if !is_in_use(path) {
        refuse_cut_short(path, size)?;
        return check(path, connect_immutable, extent);
    }
    // The log may hold every page and hide what the file has become.
    check(path, connect_immutable, Extent::Kind)?;
    refuse_damaged_log(path)?;
    check(path, connect_beside, extent)
}

/// How much of a file is looked at.
#[derive(PartialEq)]
enum Extent {
    /// Whose it is. The log has the pages that it lacks: a process that died, or
    /// found no room, while it moved the log leaves a first page that counts
    /// pages which the file does not have yet.
    Kind,
    Header,
    Whole,
}

/// The name of one of SQLite's companion files.
pub(super) fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// A log or journal with something in it: another process is at work, or was
/// killed at it.
fn is_in_use(path: &Path) -> bool {
    ["-wal", "-journal"]
        .iter()
        .any(|suffix| fs::metadata(companion(path, suffix)).is_ok_and(|file| file.len() > 0))
}

/// SQLite throws away the log of an empty file, and all that it held.
fn refuse_orphaned_log(path: &Path) -> Result<(), StoreError> {
    let size = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    let log = companion(path, "-wal");
    // Another process at its first start has written the file before the log.
    if size(&log) > 0 && size(path) == 0 {
        return Err(damaged(
            path,
            format!(
                "it is empty, but its log {} is not; put the right one back, or move both away to begin anew",
                log.display()
            ),
        ));
    }
    Ok(())
}

/// SQLite takes a log whose beginning makes no sense for an empty one, and
/// would forget what it held.
fn refuse_damaged_log(path: &Path) -> Result<(), StoreError> {
    const MAGIC: [[u8; 4]; 3] = [[0x37, 0x7f, 0x06, 0x82], [0x37, 0x7f, 0x06, 0x83], [0; 4]];
    let log = companion(path, "-wal");
    let mut start = [0; 4];
    let read = fs::File::open(&log).and_then(|mut file| file.read_exact(&mut start));
    match read {
        Ok(()) if !MAGIC.contains(&start) => Err(damaged(
            path,
            format!(
                "its log {} is not one of SQLite's; put the right one back, or move both away to begin anew",
                log.display()
            ),
        )),
        // Gone or not yet written: another process is at work.
        _ => Ok(()),
    }
}

/// The end of a page that is nearly empty can go without SQLite's noticing.
fn refuse_cut_short(path: &Path, size: u64) -> Result<(), StoreError> {
    let pages = connect_immutable(path).and_then(|db| {
        let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        Ok(pragma("page_count")?.saturating_mul(pragma("page_size")?))
    });
    match pages {
        Ok(bytes) if bytes.unsigned_abs() > size => Err(damaged(
            path,
            damage(&format!("{size} of {bytes} bytes are there")),
        )),
        // What is no database at all is told by the check that follows.
        _ => Ok(()),
    }
}

fn check(
    path: &Path,
    connect: fn(&Path) -> rusqlite::Result<Connection>,
    extent: Extent,
) -> Result<(), StoreError> {
    let issue = connect(path).and_then(|db| issue_of(&db, &extent));
    let error = match issue {
        Ok(None) => return Ok(()),
        Ok(Some(issue)) => return Err(damaged(path, issue)),
        Err(error) => error,
    };
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => Err(damaged(
            path,
            "it is not an SQLite database; choose another path, or move it away",
        )),
        Some(ErrorCode::DatabaseCorrupt) if extent == Extent::Kind => Ok(()),
        Some(ErrorCode::DatabaseCorrupt) => Err(damaged(path, damage(&error.to_string()))),
        // Permissions and the like are reported when it is opened in earnest.
        _ => Ok(()),
    }
}

/// What speaks against using the file.
fn issue_of(db: &Connection, extent: &Extent) -> rusqlite::Result<Option<String>> {
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = pragma("application_id")?;
    if application != i64::from(APPLICATION_ID) {
        return Ok(Some(format!(
            "it is another program's database (application id {application:#x}); choose another path, or move it away"
        )));
    }
    if let Some(issue) = newer(pragma("user_version")?) {
        return Ok(Some(issue));
    }
    if *extent != Extent::Whole {
        return Ok(None);
    }
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((found != "ok").then(|| damage(&found)))
}

/// Why a schema of that version cannot be used, if it cannot.
pub(super) fn newer(version: i64) -> Option<String> {
    (version > NEWEST).then(|| {
        format!(
            "it was made by a newer version of this program (schema {version}, this one knows {NEWEST}); use that version, or move the file away"
        )
    })
}

fn damage(found: &str) -> String {
    let found = found.lines().last().unwrap_or_default();
    format!("it is damaged ({found}); restore a copy, or move it away to begin anew")
}

/// A reader among others, as the log demands.
fn connect_beside(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(Duration::from_secs(5))?;
    Ok(db)
}

/// A reader that takes no lock and makes no companion file.
fn connect_immutable(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(*byte));
            }
            // Writing to a String cannot fail.
            _ => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(uri, flags)
}
