//! Moves the log into the database, off the way of requests.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;

use super::inspect::companion;

/// A log above this size is worth moving. One that was moved is cut to it when it
/// begins anew.
pub(super) const WORTH_MOVING: u64 = 4 << 20;

/// From this size on writers wait until it is gone, or it would grow without end
/// where the writing never pauses.
const TOO_LARGE: u64 = 64 << 20;

/// How long writers may wait while a reader is in the way.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often in a row somebody may be in the way before that is told.
const TOLD_AFTER: u32 = 10;

/// How long commits are let pass before the log is looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// The thread that does it. Dropping it ends the thread.
pub(super) struct Checkpointer {
    bell: Bell,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread on its own connection to the file.
    pub(super) fn start(db: Connection, path: &Path) -> io::Result<Self> {
        db.busy_timeout(PATIENCE).map_err(io::Error::other)?;
        let bell = Bell::default();
        let (log, heard) = (companion(path, "-wal"), bell.clone());
        let thread = thread::Builder::new()
            .name("kabao-store-checkpoint".into())
            .spawn(move || move_logs(&db, &log, &heard))?;
        Ok(Self {
            bell,
            thread: Some(thread),
        })
    }

    /// To be rung after a commit.
    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.bell.end();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Tells the thread that there is something to look at.
#[derive(Clone, Default)]
pub(super) struct Bell(Arc<(Mutex<Call>, Condvar)>);

#[derive(Default)]
struct Call {
    written: bool,
    end: bool,
}

impl Bell {
    /// Something was committed.
    pub(super) fn ring(&self) {
        let (call, heard) = &*self.0;
        // The thread sleeps on while it lets commits pass.
        if !std::mem::replace(&mut held(call.lock()).written, true) {
            heard.notify_one();
        }
    }

    fn end(&self) {
        let (call, heard) = &*self.0;
        held(call.lock()).end = true;
        heard.notify_one();
    }

    /// Waits for a commit, and on for a while; false at the end.
    fn wait(&self) -> bool {
        let (call, heard) = &*self.0;
        let quiet = heard.wait_while(held(call.lock()), |call| !call.written && !call.end);
        let paused = heard.wait_timeout_while(held(quiet), INTERVAL, |call| !call.end);
        let (mut call, _) = paused.unwrap_or_else(PoisonError::into_inner);
        call.written = false;
        !call.end
    }
}

fn held<'a>(
    guard: Result<MutexGuard<'a, Call>, PoisonError<MutexGuard<'a, Call>>>,
) -> MutexGuard<'a, Call> {
    guard.unwrap_or_else(PoisonError::into_inner)
}

fn move_logs(db: &Connection, log: &Path, bell: &Bell) {
    let mut in_vain = 0;
    while bell.wait() {
        let size = fs::metadata(log).map_or(0, |file| file.len());
        let moved = mode(size).map_or(Ok(true), |mode| checkpoint(db, mode));
        let log = log.display();
        match moved {
            Ok(true) => in_vain = 0,
            Ok(false) => {
                in_vain += 1;
                if in_vain == TOLD_AFTER {
                    tracing::warn!(
                        %log,
                        size,
                        "the log of the store cannot be moved and grows, for somebody goes on \
                         reading the store; end what has it open"
                    );
                }
            }
            Err(error) => tracing::warn!(%log, %error, "the log of the store could not be moved"),
        }
    }
}

/// How a log of that size is moved, if it is.
fn mode(size: u64) -> Option<&'static str> {
    match size {
        0..=WORTH_MOVING => None,
        _ if size < TOO_LARGE => Some("PASSIVE"),
        _ => Some("TRUNCATE"),
    }
}

/// False if somebody was in the way, other than a process that does the same.
fn checkpoint(db: &Connection, mode: &str) -> rusqlite::Result<bool> {
    db.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        let (is_busy, frames): (bool, i64) = (row.get(0)?, row.get(1)?);
        Ok(!is_busy || frames < 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::schema;

    #[test]
    fn a_log_that_was_moved_and_cut_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a store.db");
        let db = schema::open_file(&path, "of a test").expect("made");
        let size = || fs::metadata(companion(&path, "-wal")).expect("a log").len();
        let note = |name: &str, bytes: usize| {
            let insert = "INSERT INTO meta (name, value) VALUES (?1, ?2)";
            db.execute(insert, [name, &"x".repeat(bytes)])
                .expect("noted")
        };
        note("large", 5 << 20);
        assert_eq!(mode(size()), Some("PASSIVE"));
        assert!(checkpoint(&db, "PASSIVE").expect("moved"));
        note("small", 1);
        assert_eq!((size(), mode(size())), (WORTH_MOVING, None));
    }

    #[test]
    fn who_is_in_the_way_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a store.db");
        let db = schema::open_file(&path, "of a test").expect("made");
        db.busy_timeout(PATIENCE).expect("set");
        let reader = schema::connect(&path).expect("there");
        reader
            .execute_batch("BEGIN; SELECT count(*) FROM meta")
            .expect("read");
        assert!(!checkpoint(&db, "TRUNCATE").expect("tried"));
        reader.execute_batch("COMMIT").expect("read");
        assert!(checkpoint(&db, "TRUNCATE").expect("tried"));
    }
}
