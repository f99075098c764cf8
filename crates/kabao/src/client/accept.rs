//! From bytes that came back to an answer that can be believed, or an error.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use kabao_core::{
    answer::{AnswerSignature, VerifyError, header},
    call::Call,
    error_body::ErrorBody,
    keyring::{KeyId, Keyring},
    message::{Signed, statement_body},
};
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::{
    Inner,
    send::{Ask, Received},
};
use crate::{
    answer::{Answer, Unverified},
    error::{Error, ErrorKind, Failure, Result},
};

/// More than any JSON answer has.
const ANSWER_LIMIT: usize = 16 << 20;
/// Bills of large merchants.
const DOWNLOAD_LIMIT: usize = 1 << 30;

impl Inner {
    /// Sends a call whose answer is signed.
    pub(crate) async fn send(self: &Arc<Self>, call: &Call) -> Result<Answer> {
        self.send_signed(call).instrument(span(call)).await
    }

    /// Fetches what is not signed.
    pub(crate) async fn download(self: &Arc<Self>, call: &Call) -> Result<Unverified> {
        self.send_unsigned(call).instrument(span(call)).await
    }

    async fn send_signed(self: &Arc<Self>, call: &Call) -> Result<Answer> {
        let signed = self.signed(call);
        if signed == Signed::Nothing {
            let text = "answers of this path are not signed; fetch it with `download()` \
                        and compare the file with its hash";
            return Err(Error::request(call, text));
        }
        let deadline = self.deadline()?;
        self.ready(deadline).await?;
        let received = self
            .exchange(call, Ask::Best, ANSWER_LIMIT, deadline)
            .await?;
        log_answer(&received.response);
        let key = self.believe(call, &received, signed, deadline).await?;
        settle(call, received, key)
    }

    async fn send_unsigned(self: &Arc<Self>, call: &Call) -> Result<Unverified> {
        let signed = self.signed(call);
        if signed != Signed::Nothing {
            let text = "answers of this path are signed; use `get()`, which verifies them";
            return Err(Error::request(call, text));
        }
        let deadline = self.deadline()?;
        self.ready(deadline).await?;
        let received = self
            .exchange(call, Ask::Best, DOWNLOAD_LIMIT, deadline)
            .await?;
        log_answer(&received.response);
        if received.response.status().is_success() {
            return Ok(Unverified::new(received.response));
        }
        let key = self
            .believe(call, &received, Signed::Body, deadline)
            .await?;
        Err(match settle(call, received, key) {
            Ok(_) => Error::request(call, "an error answer that is none"),
            Err(error) => error,
        })
    }

    fn signed(&self, call: &Call) -> Signed {
        Signed::for_path(&self.hosts.base(super::Host::Main).target(&call.reference))
    }

    /// Verifies an answer; an unknown key is looked for once.
    async fn believe(
        self: &Arc<Self>,
        call: &Call,
        received: &Received,
        signed: Signed,
        deadline: Instant,
    ) -> Result<KeyId> {
        let response = &received.response;
        if is_unsigned_error(response) {
            return Err(refusal(call, received, false));
        }
        let doubt = |failure: Failure| -> Error {
            let mut failure = failure.on(call).in_doubt(call, true);
            failure.status = Some(response.status());
            failure.request_id = request_id(response.headers());
            failure.into()
        };
        let mut ring = self.ring();
        let mut refreshed = None;
        loop {
            let error = match verify(response, signed, &ring, self.now()) {
                Ok(key) => {
                    tracing::debug!(target: "kabao", key = %key, "verified");
                    tracing::Span::current().record("key", tracing::field::display(&key));
                    return Ok(key);
                }
                Err(error) => error,
            };
            if let (VerifyError::UnknownSerial { serial }, None) = (&error, &refreshed) {
                refreshed = Some(self.look_for(serial, deadline).await);
                ring = self.ring();
                if matches!(refreshed, Some(Ok(true))) {
                    continue;
                }
            }
            let mut text = format!("the answer cannot be believed: {error}");
            if let Some(Err(error)) = &refreshed {
                text = format!("{text}; and looking for it failed: {error}");
            }
            return Err(doubt(
                Failure::new(ErrorKind::Verification, text).because(error),
            ));
        }
    }
}

/// Checks the signature and, of a statement, the file under it.
pub(super) fn verify(
    response: &Response<Bytes>,
    signed: Signed,
    ring: &Keyring,
    now: i64,
) -> Result<KeyId, VerifyError> {
    let headers = response.headers();
    let signature = AnswerSignature::from_headers(|name| text(headers, name))?;
    let statement = match (signed, text(headers, header::STATEMENT_SHA1)) {
        (Signed::StatementSha1, Some(sha1)) => Some(sha1),
        (Signed::StatementSha1, None) if response.status().is_success() => {
            return Err(VerifyError::MissingHeader {
                name: header::STATEMENT_SHA1,
            });
        }
        _ => None,
    };
    let key = match statement {
        Some(sha1) => {
            let key = signature.verify(&statement_body(sha1), ring, now)?;
            let file = digest(&SHA1_FOR_LEGACY_USE_ONLY, response.body());
            if !crate::answer::hex(file.as_ref()).eq_ignore_ascii_case(sha1) {
                return Err(VerifyError::Mismatch { probe: false });
            }
            key
        }
        None => signature.verify(response.body(), ring, now)?,
    };
    Ok(key.id().clone())
}

/// An error page that claims no signature at all. Anything else has to verify.
fn is_unsigned_error(response: &Response<Bytes>) -> bool {
    let names = [
        header::SIGNATURE,
        header::SERIAL,
        header::NONCE,
        header::TIMESTAMP,
    ];
    !response.status().is_success()
        && names
            .iter()
            .all(|name| !response.headers().contains_key(*name))
}

/// The verified answer, if it is a good one.
fn settle(call: &Call, received: Received, key: KeyId) -> Result<Answer> {
    if received.response.status().is_success() {
        return Ok(Answer::new(received.response, key, call));
    }
    Err(refusal(call, &received, true))
}

/// An error answer in words.
pub(super) fn refusal(call: &Call, received: &Received, signed: bool) -> Error {
    let response = &received.response;
    let status = response.status();
    let body = ErrorBody::parse(response.body());
    let kind = match (status, signed, &body) {
        (StatusCode::UNAUTHORIZED, false, Some(_)) => ErrorKind::SignatureRefused,
        (StatusCode::TOO_MANY_REQUESTS, ..) => ErrorKind::RateLimited,
        (_, false, _) => ErrorKind::Gateway,
        (status, true, _) if status.is_server_error() => ErrorKind::Server,
        (_, true, _) => ErrorKind::Refused,
    };
    let mut failure = Failure::new(kind, describe(status, kind, body.as_ref()));
    failure.status = Some(status);
    failure.request_id = request_id(response.headers());
    let mut effect = match kind {
        ErrorKind::Refused | ErrorKind::RateLimited | ErrorKind::SignatureRefused => false,
        // What an unknown intermediary says of the call is hearsay.
        _ => true,
    };
    if let Some(body) = body {
        // For refunds and transfers the outcome is then unknown.
        effect |= kind == ErrorKind::RateLimited && body.code == "FREQUENCY_LIMITED";
        failure.code = Some(body.code);
        failure.message = Some(body.message);
        failure.detail = body.detail;
    }
    failure
        .on(call)
        .in_doubt(call, effect || received.in_doubt)
        .into()
}

fn describe(status: StatusCode, kind: ErrorKind, body: Option<&ErrorBody>) -> String {
    let status = status.as_u16();
    let Some(body) = body else {
        return format!("{status}, an unsigned page that is not the API's");
    };
    let mut text = format!("{status} {}", body.code);
    if !body.message.is_empty() {
        text = format!("{text}: {}", body.message);
    }
    if kind == ErrorKind::Gateway {
        text.push_str(" (unsigned)");
    }
    let detail = body.detail.as_ref();
    let word = |name: &str| detail?.get(name)?.as_str();
    if let Some(field) = word("field") {
        text = format!("{text} [{field}");
        if let Some(issue) = word("issue") {
            text = format!("{text}: {issue}");
        }
        text.push(']');
    }
    if kind == ErrorKind::SignatureRefused
        && let Some(built) = detail.and_then(what_the_server_signed)
    {
        text = format!("{text}; the server verified {built}");
    }
    text
}

/// `sign_information` without the beginning of the body.
fn what_the_server_signed(detail: &Value) -> Option<String> {
    let information = detail.get("sign_information")?;
    let message = information.get("truncated_sign_message")?.as_str()?;
    let head: Vec<&str> = message.split('\n').take(4).collect();
    let length = information.get("sign_message_length")?.as_u64()?;
    Some(format!("{head:?} and the body, {length} bytes in all"))
}

pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    text(headers, header::REQUEST_ID).map(str::to_owned)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn span(call: &Call) -> tracing::Span {
    tracing::debug_span!(
        target: "kabao",
        "call",
        method = %call.method,
        template = %call.template,
        request_id = tracing::field::Empty,
        key = tracing::field::Empty,
    )
}

fn log_answer(response: &Response<Bytes>) {
    let request_id = text(response.headers(), header::REQUEST_ID);
    tracing::Span::current().record("request_id", request_id);
    tracing::debug!(
        target: "kabao",
        status = response.status().as_u16(),
        request_id,
        "answered",
    );
}
