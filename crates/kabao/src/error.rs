//! What can go wrong, and what to do about it.

use std::{error::Error as StdError, fmt, sync::Arc};

use http::StatusCode;
use kabao_core::call::{BuildError, Call, Method};
use serde_json::Value;

use crate::transport::{Stage, TransportError};

/// The result of nearly everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call, or setting up a client, failed.
///
/// Decide by [`kind`](Self::kind); an API refusal also has
/// [`status`](Self::status), [`code`](Self::code), [`message`](Self::message)
/// and [`request_id`](Self::request_id). Like [`std::io::Error`], it shows its
/// cause's words itself, gives the cause by [`get_ref`](Self::get_ref), and
/// `source()` goes on from there. Cloning is cheap.
#[derive(Clone)]
pub struct Error(Arc<Failure>);

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting of the client is missing or wrong; the text names it.
    Config,
    /// The request cannot be sent as it is: a missing path value, a member that
    /// is known to be refused, an invalid header, the wrong kind of caller.
    Request,
    /// The signer could not sign. Look at the key, the HSM, the key service.
    Signer,
    /// No WeChat Pay key to verify or seal with, and none could be downloaded.
    PlatformKeys,
    /// The connection was never made: DNS, network, TLS, proxy.
    Connect,
    /// The connection broke while the request was under way, or the answer is
    /// too large or not HTTP.
    Network,
    /// No answer within the deadline.
    Timeout,
    /// The answer must not be believed: unsigned, altered, outdated, or signed
    /// with a key that is not WeChat Pay's.
    Verification,
    /// 401 `SIGN_ERROR`: WeChat Pay did not accept this client's signature.
    /// Check serial number, private key and clock. Such answers are unsigned.
    SignatureRefused,
    /// 429 of the API, signed: too often. Slow down and repeat.
    RateLimited,
    /// Any other refusal (4xx); decide by the code.
    Refused,
    /// 5xx of the API, signed. Repeat with the same parameters.
    Server,
    /// An unsigned error page: something between here and the API answered.
    Gateway,
    /// The answer is genuine but not of the documented form.
    Decode,
}

pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) text: String,
    pub(crate) call: Option<(Method, String)>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) detail: Option<Value>,
    pub(crate) request_id: Option<String>,
    pub(crate) may_have_taken_effect: bool,
    pub(crate) cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Failure::new(kind, text).into()
    }

    /// A wrong setting; `cause`'s words follow the setting's name.
    pub(crate) fn setting(name: &str, cause: impl StdError + Send + Sync + 'static) -> Self {
        Failure::new(ErrorKind::Config, format!("{name}: {cause}"))
            .because(cause)
            .into()
    }

    pub(crate) fn request(call: &Call, text: impl Into<String>) -> Self {
        Failure::new(ErrorKind::Request, text).on(call).into()
    }

    /// The same, if an earlier try of the call may have been carried out.
    pub(crate) fn after_doubt(mut self, call: &Call, in_doubt: bool) -> Self {
        if let Some(failure) = Arc::get_mut(&mut self.0) {
            failure.may_have_taken_effect |= in_doubt && call.method != Method::Get;
        }
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The HTTP status, if there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The API's error code, such as `PARAM_ERROR`. New ones appear.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The API's message, for people. One code has many messages.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// The API's `detail`, of no fixed shape. It may repeat values of the
    /// request, so it is not part of the error's own text.
    #[must_use]
    pub fn detail(&self) -> Option<&Value> {
        self.0.detail.as_ref()
    }

    /// Names this exchange to WeChat Pay's support.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Whether the same call, with the same parameters and the same business
    /// number, may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.0.kind {
            ErrorKind::Connect
            | ErrorKind::Timeout
            | ErrorKind::RateLimited
            | ErrorKind::Server => true,
            // An answer that is too large will be so again.
            ErrorKind::Network => !self
                .get_ref()
                .and_then(|cause| cause.downcast_ref::<TransportError>())
                .is_some_and(|error| error.stage() == Stage::Answered),
            ErrorKind::Gateway => self.0.status.is_some_and(|status| {
                status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
            }),
            _ => false,
        }
    }

    /// Whether the call may have been carried out all the same. If so, query
    /// before doing anything else, or repeat with the same business number.
    ///
    /// Always false for reads, for what was never sent, and for what the API
    /// refused.
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        self.0.may_have_taken_effect
    }

    /// The cause itself, to be told apart by `downcast_ref`; its words are
    /// already part of this error's.
    #[must_use]
    pub fn get_ref(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            call: None,
            status: None,
            code: None,
            message: None,
            detail: None,
            request_id: None,
            may_have_taken_effect: false,
            cause: None,
        }
    }

    pub(crate) fn on(mut self, call: &Call) -> Self {
        self.call = Some((call.method, call.template.clone()));
        self
    }

    pub(crate) fn because(mut self, cause: impl StdError + Send + Sync + 'static) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// `sent`: what the request may have done if nobody knows better. A read
    /// does nothing.
    pub(crate) fn in_doubt(mut self, call: &Call, sent: bool) -> Self {
        self.may_have_taken_effect = sent && call.method != Method::Get;
        self
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self(Arc::new(failure))
    }
}

impl From<BuildError> for Error {
    fn from(cause: BuildError) -> Self {
        let mut text = cause.to_string();
        if let Some(inner) = cause.source() {
            text = format!("{text}: {inner}");
        }
        Failure::new(ErrorKind::Request, text).because(cause).into()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((method, template)) = &self.0.call {
            write!(f, "{method} {template}: ")?;
        }
        f.write_str(&self.0.text)?;
        match &self.0.request_id {
            Some(id) => write!(f, " (request id {id})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    /// Without `detail`, which may repeat values of the request.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("text", &self.to_string())
            .field("cause", &self.0.cause)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_ref()?.source()
    }
}
