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

/// A log of this size is worth moving.
const WORTH_MOVING: u64 = 4 << 20;

/// At this size writers wait until it is gone, or it would grow without end
/// where the writing never pauses.
const TOO_LARGE: u64 = 64 << 20;

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
    while bell.wait() {
        if let Err(error) = move_if_large(db, log) {
            let log = log.display();
            tracing::warn!(%log, %error, "the log of the store could not be moved");
        }
    }
}

fn move_if_large(db: &Connection, log: &Path) -> rusqlite::Result<()> {
    let size = fs::metadata(log).map_or(0, |file| file.len());
    if size < WORTH_MOVING {
        return Ok(());
    }
    let mode = if size < TOO_LARGE {
        "PASSIVE"
    } else {
        "TRUNCATE"
    };
    db.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))
}
