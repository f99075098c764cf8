//! How bytes travel. The client signs, verifies and retries; a transport only
//! carries one request and brings one answer.

mod connect;
mod hyper;

use std::{error::Error as StdError, fmt, future::Future, pin::Pin};

use bytes::Bytes;

pub use self::{connect::Settings, hyper::HyperTransport};

/// What [`Transport::send`] gives.
pub type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, TransportError>> + Send + 'a>>;

/// Carries a signed request. The default one is hyper with rustls; another
/// one serves tests, or an HTTP stack that a program already has.
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends the request exactly as it is and collects the answer, of whatever
    /// status, without following redirects. An answer with more than `limit`
    /// bytes is an error.
    ///
    /// # Errors
    /// [`TransportError`] says whether the request may have been sent.
    fn send(&self, request: http::Request<Bytes>, limit: usize) -> Sending<'_>;
}

/// There is no answer.
#[derive(Debug)]
pub struct TransportError {
    stage: Stage,
    reason: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// How far a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// It is not one that can be sent; trying again does not help.
    Unsendable,
    /// The connection was never made: the server has not seen the request.
    Connecting,
    /// The connection broke; the server may have seen the request.
    Sent,
    /// An answer came that is too large or not HTTP.
    Answered,
}

impl TransportError {
    /// Says how far the request came and what happened.
    pub fn new(stage: Stage, reason: impl Into<String>) -> Self {
        Self {
            stage,
            reason: reason.into(),
            source: None,
        }
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// How far the request came.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Whether the server may have seen the request.
    #[must_use]
    pub fn may_have_been_sent(&self) -> bool {
        matches!(self.stage, Stage::Sent | Stage::Answered)
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}
