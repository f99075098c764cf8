use http::StatusCode;
use kabao_core::{answer::VerifyError, notification::EventError};

use super::{Ack, ReplayStoreError};
use crate::error::Error;

/// A notification was not taken, and at which step. Answer it with
/// [`ack`](Self::ack): WeChat Pay then posts it again, signed anew.
///
/// Refusals happen in good times too: WeChat Pay now and then posts a wrong
/// signature on purpose ([`is_probe`](Self::is_probe)) and expects a failure.
/// The words name no secret and no personal value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotificationError {
    /// The signature: missing, outdated, by an unknown key, or wrong. Nothing of
    /// the body was looked at.
    #[error("the notification cannot be believed: {0}")]
    Signature(VerifyError),
    /// The key that it is signed with is not at hand, and looking for it failed.
    #[error("no WeChat Pay key named {serial} is at hand, and looking for it failed")]
    Keys {
        /// The key that the notification names.
        serial: String,
        /// Why there is none.
        source: Error,
    },
    /// The genuine body is no notification.
    #[error("the body is not a notification: {place}")]
    Envelope {
        /// What is wrong and where, without values.
        place: String,
    },
    /// The resource does not open (check the APIv3 key, or the brand's API key),
    /// or is not what the event promises.
    #[error(transparent)]
    Event(#[from] EventError),
    /// The very same signed message came before. A redelivery would be signed
    /// anew, so somebody repeats what was overheard.
    #[error("notification {id} was repeated with the same signature")]
    Replayed {
        /// The notification.
        id: String,
    },
    /// Whether it is a replay cannot be told.
    #[error("the replay store failed")]
    ReplayStore(#[from] ReplayStoreError),
    /// The body did not arrive whole.
    #[error("the body ended early")]
    Body,
    /// The body is larger than any notification.
    #[error("the body has more than {limit} bytes")]
    TooLarge {
        /// The most that is read.
        limit: usize,
    },
}

impl NotificationError {
    /// The status to answer: 4XX for what is wrong with the notification, 503
    /// for what is wrong here.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Signature(_) => StatusCode::UNAUTHORIZED,
            Self::Envelope { .. } | Self::Event(_) | Self::Body => StatusCode::BAD_REQUEST,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Replayed { .. } => StatusCode::CONFLICT,
            Self::Keys { .. } | Self::ReplayStore(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The answer to give.
    pub fn ack(&self) -> Ack {
        Ack::refusal(self.status(), self.to_string())
    }

    /// Whether the signature says of itself that it is a test by WeChat Pay. It
    /// is refused like any other; this serves to word a log line.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        matches!(self, Self::Signature(VerifyError::Mismatch { probe: true }))
    }
}
