//! SQLite's errors, with what they mean for the person who reads them.

use std::{error::Error, path::Path, sync::Arc};

use rusqlite::{ErrorCode, ffi};

use crate::store::{Failure, StoreError};

/// Reports a failure while doing `context`.
pub(super) fn failed(context: &str, failure: impl Into<Failure>) -> StoreError {
    let source = failure.into();
    let context = match advice(source.as_ref()) {
        Some(advice) => format!("{context}: {advice}"),
        None => context.to_owned(),
    };
    StoreError::Backend { context, source }
}

/// Names the file in which a change or a read failed, and tells what may pass by
/// itself: a full disk, or another process that keeps the file locked.
pub(super) fn failed_in(path: &Path, error: StoreError) -> StoreError {
    let StoreError::Backend { context, source } = error else {
        return error;
    };
    let context = format!("{context} ({})", path.display());
    match passes(source.as_ref()) {
        true => StoreError::Unavailable { context, source },
        false => StoreError::Backend { context, source },
    }
}

/// Why a whole group of changes was not written; each of them gets a copy.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(super) struct CommitFailed(pub(super) Arc<Failure>);

/// One of a group had such a failure that none of the others was written.
#[derive(Debug, thiserror::Error)]
#[error("another change of the same transaction failed, and SQLite undid all of them")]
pub(super) struct Undone;

/// Reports that a file is not one to be touched.
pub(super) fn damaged(path: &Path, issue: impl Into<String>) -> StoreError {
    StoreError::Damaged {
        path: path.to_owned(),
        issue: issue.into(),
    }
}

/// Whether another connection was in the way for the moment.
pub(super) fn is_busy(error: &StoreError) -> bool {
    matches!(error, StoreError::Backend { source, .. }
        if matches!(code(source.as_ref()), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)))
}

/// SQLite's code, if it is SQLite's error.
pub(super) fn code(failure: &(dyn Error + Send + Sync + 'static)) -> Option<ErrorCode> {
    sqlite(failure).map(|error| error.code)
}

fn sqlite<'a>(failure: &'a (dyn Error + Send + Sync + 'static)) -> Option<&'a ffi::Error> {
    own(failure)
        .downcast_ref::<rusqlite::Error>()?
        .sqlite_error()
}

/// The failure itself, if it is a whole group's.
fn own<'a>(
    failure: &'a (dyn Error + Send + Sync + 'static),
) -> &'a (dyn Error + Send + Sync + 'static) {
    match failure.downcast_ref::<CommitFailed>() {
        Some(CommitFailed(shared)) => own(&***shared),
        None => failure,
    }
}

fn passes(failure: &(dyn Error + Send + Sync + 'static)) -> bool {
    let is_locked = matches!(
        code(failure),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    );
    is_locked || is_full(failure) || own(failure).is::<Undone>()
}

/// There is no room for the file, its log, or the index of its log.
fn is_full(failure: &(dyn Error + Send + Sync + 'static)) -> bool {
    sqlite(failure).is_some_and(|error| {
        error.code == ErrorCode::DiskFull || error.extended_code == ffi::SQLITE_IOERR_SHMSIZE
    })
}

/// Of the file or its folder.
pub(super) const NOT_WRITABLE: &str = "it cannot be written to; look at the owner and permissions of the file and its folder, and whether their file system is read-only";

fn advice(failure: &(dyn Error + Send + Sync + 'static)) -> Option<&'static str> {
    if is_full(failure) {
        return Some("the disk is full; make room on it");
    }
    match code(failure)? {
        ErrorCode::ReadOnly => {
            Some("the file or its folder cannot be written to; look at their owner and permissions")
        }
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => Some(
            "it cannot be opened; look at the owner and permissions of the file and its folder",
        ),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            Some("another process keeps the file locked")
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Some("the file is damaged"),
        ErrorCode::SystemIoFailure => Some("the disk does not answer as it should"),
        _ => None,
    }
}
