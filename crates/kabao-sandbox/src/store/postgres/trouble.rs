//! What can go wrong between here and the server, by what is to be done about
//! it.

use std::{error::Error, fmt};

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use crate::store::{Failure, StoreError};

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Somebody else was first. Nothing was written, and all of it is to be done
    /// again.
    Raced(Failure),
    /// A row is there that was to be new. Nothing was written. Somebody else was
    /// first, or it was there all along.
    Taken(Failure),
    /// The server does not answer as it should. Whether anything was written is
    /// unknown.
    Away(Failure),
    /// Anything else.
    Other(Failure),
}

impl Trouble {
    /// Another has changed or removed a row that was read.
    pub(super) fn raced() -> Self {
        Self::Raced("a row that was read is another now".into())
    }

    /// Tells it to the caller of the store, who was doing `context`.
    pub(super) fn told(self, context: &str) -> StoreError {
        match self {
            Self::Away(source) => StoreError::Unavailable {
                context: context.to_owned(),
                source,
            },
            Self::Raced(source) => StoreError::Unavailable {
                context: format!("{context}: others were always first"),
                source,
            },
            Self::Taken(source) | Self::Other(source) => StoreError::Backend {
                context: context.to_owned(),
                source,
            },
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl From<tokio_postgres::Error> for Trouble {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else {
            // What does not come from the server is the connection's failure,
            // but for a value that does not fit its column.
            let is_ours = error
                .source()
                .is_some_and(|cause| !cause.is::<std::io::Error>())
                && !error.is_closed();
            return match is_ours {
                true => Self::Other(Box::new(error)),
                false => Self::Away(Box::new(error)),
            };
        };
        let failure = Box::new(Said::of(said));
        match said.code() {
            &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => {
                Self::Raced(failure)
            }
            &SqlState::UNIQUE_VIOLATION => Self::Taken(failure),
            code if is_about_the_server(code) => Self::Away(failure),
            _ => Self::Other(failure),
        }
    }
}

impl From<PoolError> for Trouble {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => match error.into() {
                // Whatever is in the way of a connection may pass.
                Self::Other(failure) => Self::Away(failure),
                other => other,
            },
            error => Self::Away(Box::new(error)),
        }
    }
}

/// Connections, resources, a shutdown or a takeover, a statement that took too
/// long: nothing that is wrong with the statement.
fn is_about_the_server(code: &SqlState) -> bool {
    matches!(code.code().get(..2), Some("08" | "53" | "57"))
        || matches!(
            *code,
            SqlState::READ_ONLY_SQL_TRANSACTION
                | SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
                | SqlState::LOCK_NOT_AVAILABLE
        )
}

/// What the server said, without the values that it repeats in the detail.
#[derive(Debug)]
pub(super) struct Said {
    message: String,
    code: String,
}

impl Said {
    pub(super) fn of(error: &tokio_postgres::error::DbError) -> Self {
        Self {
            message: error.message().to_owned(),
            code: error.code().code().to_owned(),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.code)
    }
}

impl Error for Said {}
