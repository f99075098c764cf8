//! SQLite's errors, with what they mean for the person who reads them.

use std::{error::Error, path::Path};

use rusqlite::ErrorCode;

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
    failure
        .downcast_ref::<rusqlite::Error>()
        .and_then(rusqlite::Error::sqlite_error_code)
}

fn advice(failure: &(dyn Error + Send + Sync + 'static)) -> Option<&'static str> {
    match code(failure)? {
        ErrorCode::DiskFull => Some("the disk is full"),
        ErrorCode::ReadOnly => Some("the file or its folder cannot be written to"),
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
            Some("the file cannot be opened; look at its folder and the permissions")
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            Some("another process keeps the file locked")
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Some("the file is damaged"),
        ErrorCode::SystemIoFailure => Some("the disk does not answer as it should"),
        _ => None,
    }
}
