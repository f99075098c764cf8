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
    pub(crate) async fn send(self: &Arc<Self>, call: &Call, deadline: Instant) -> Result<Answer> {
        self.send_signed(call, deadline)
            .instrument(span(call))
            .await
    }

    /// Fetches what is not signed.
    pub(crate) async fn download(self: &Arc<Self>, call: &Call) -> Result<Unverified> {
        self.send_unsigned(call).instrument(span(call)).await
    }

    async fn send_signed(self: &Arc<Self>, call: &Call, deadline: Instant) -> Result<Answer> {
        let signed = self.signed(call);
        if signed == Signed::Nothing {
            let text = "answers of this path are not signed; fetch it with `download()` \
                        and compare the file with its hash";
            return Err(Error::request(call, text));
        }
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
                // Boxed, as it is rare and would make every call's future large.
                refreshed = Some(Box::pin(self.look_for(serial, deadline)).await);
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

/// What an error answer means.
pub(super) struct Refusal {
    status: StatusCode,
    kind: ErrorKind,
    body: Option<ErrorBody>,
}

impl Refusal {
    /// Of an answer that is not `verified`, only a refused signature is believed:
    /// WeChat Pay does not sign that, and it costs nothing to look into.
    pub(super) fn read(response: &Response<Bytes>, verified: bool) -> Self {
        let status = response.status();
        let body = ErrorBody::parse(response.body());
        let code = body.as_ref().map(|body| body.code.as_str());
        let kind = match (status, verified) {
            (StatusCode::UNAUTHORIZED, false) if code == Some("SIGN_ERROR") => {
                ErrorKind::SignatureRefused
            }
            (_, false) => ErrorKind::Gateway,
            (StatusCode::TOO_MANY_REQUESTS, true) => ErrorKind::RateLimited,
            (status, true) if status.is_server_error() => ErrorKind::Server,
            (_, true) => ErrorKind::Refused,
        };
        Self { status, kind, body }
    }

    /// Whether the call may have been carried out all the same.
    pub(super) fn is_doubtful(&self) -> bool {
        match (self.kind, &self.body) {
            (ErrorKind::Refused | ErrorKind::SignatureRefused, _) => false,
            // Nothing was done, except that of refunds and transfers nobody
            // knows then.
            (ErrorKind::RateLimited, Some(body)) => body.code == "FREQUENCY_LIMITED",
            (ErrorKind::RateLimited, None) => false,
            // What an unknown intermediary says of the call is hearsay.
            _ => true,
        }
    }

    fn describe(&self, call: &Call) -> String {
        let status = self.status.as_u16();
        let Some(body) = &self.body else {
            return if self.kind == ErrorKind::Gateway {
                format!("{status}, a page that is not verifiably WeChat Pay's")
            } else {
                format!("{status}, signed, but without an error code")
            };
        };
        let mut text = format!("{status} {}", body.code);
        if !body.message.is_empty() {
            text = format!("{text}: {}", body.message);
        }
        if self.kind == ErrorKind::Gateway {
            text.push_str(" (unverified)");
        }
        let detail = body.detail.as_ref();
        let word = |name: &str| detail?.get(name)?.as_str();
        // Many a message says it all already.
        let is_told = |word: &str| body.message.contains(word);
        match (word("field"), word("issue")) {
            (Some(field), None) if !is_told(field) => text = format!("{text} [{field}]"),
            (Some(field), Some(issue)) if !is_told(field) || !is_told(issue) => {
                text = format!("{text} [{field}: {issue}]");
            }
            _ => {}
        }
        if self.kind == ErrorKind::SignatureRefused
            && let Some(built) = detail.and_then(|detail| what_the_server_signed(detail, call))
        {
            text = format!("{text}; the server verified {built}");
        }
        text
    }
}

/// An error answer as an error.
pub(super) fn refusal(call: &Call, received: &Received, verified: bool) -> Error {
    let response = &received.response;
    let refusal = Refusal::read(response, verified);
    let in_doubt = received.in_doubt || refusal.is_doubtful();
    let mut failure = Failure::new(refusal.kind, refusal.describe(call));
    failure.status = Some(refusal.status);
    failure.request_id = request_id(response.headers());
    if let Some(body) = refusal.body {
        failure.code = Some(body.code);
        failure.message = Some(body.message);
        failure.detail = body.detail;
    }
    failure.on(call).in_doubt(call, in_doubt).into()
}

/// `sign_information` without path and query, which hold openids, and without
/// the beginning of the body.
fn what_the_server_signed(detail: &Value, call: &Call) -> Option<String> {
    let information = detail.get("sign_information")?;
    let message = information.get("truncated_sign_message")?.as_str()?;
    let length = information.get("sign_message_length")?.as_u64()?;
    let mut head = message.split('\n').take(4);
    let method = head.next()?;
    let target = match head.next()?.ends_with(&call.reference) {
        true => "the path and query that were sent",
        false => "another path or query than was sent",
    };
    let stamp: Vec<&str> = head.collect();
    Some(format!(
        "{method:?}, {target}, {stamp:?} and the body, {length} bytes in all"
    ))
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
        retries = tracing::field::Empty,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::testing::{
        By, Replier, Reply, client_getting, now, plain, sign, signed, signed_at, unsigned,
    };

    /// A genuine answer with its body replaced.
    fn altered(status: u16) -> Reply {
        let mut response = plain(status, r#"{"code":"X"}"#);
        sign(&mut response, By::PublicKey, b"{}", now());
        Reply::Answer(response)
    }

    async fn error_of(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Error {
        let error = client_getting(reply)
            .chain("v3/x")
            .post()
            .await
            .unwrap_err();
        assert!(error.to_string().starts_with("POST v3/x: "), "{error}");
        error
    }

    #[tokio::test]
    async fn a_genuine_answer_is_given() {
        let client = client_getting(|| signed(By::PublicKey, 200, r#"{"a":[1]}"#));
        let answer = client.chain("v3/x").get().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.request_id(), Some("08F5B8C2B506-0"));
        assert_eq!(answer.body().as_ref(), br#"{"a":[1]}"#);
        assert_eq!(answer.json::<Value>().unwrap()["a"][0], 1);
        assert!(!format!("{answer:?}").contains('['));

        let error = answer.json::<Vec<u8>>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(!error.may_have_taken_effect());

        let body = r#"{"phone_number": "13800138000"}"#;
        let client = client_getting(move || signed(By::PublicKey, 200, body));
        let answer = client.chain("v3/x").get().await.unwrap();
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "it is not read")]
        struct Strict {
            phone_number: u8,
        }
        let error = answer.json::<Strict>().unwrap_err();
        let text = format!("{error} {error:?} {:?}", error.get_ref());
        assert!(text.contains("line 1, column 30"), "{text}");
        assert!(!text.contains("13800138000"), "{text}");

        let client = client_getting(|| signed(By::PublicKey, 204, ""));
        let answer = client.chain("v3/x").delete().await.unwrap();
        let error = answer.json::<Value>().unwrap_err();
        assert!(error.to_string().contains("no body"), "{error}");
        assert!(error.may_have_taken_effect());
    }

    #[tokio::test]
    async fn what_does_not_verify_is_not_believed() {
        let cases: [(&str, Replier); 9] = [
            ("does not match", Box::new(|| altered(200))),
            ("does not match", Box::new(|| altered(400))),
            ("does not match", Box::new(|| altered(401))),
            (
                "Wechatpay-Timestamp is missing",
                Box::new(|| unsigned(200, "{}")),
            ),
            (
                "Wechatpay-Timestamp is missing",
                Box::new(|| unsigned(204, "")),
            ),
            (
                "300 s",
                Box::new(|| signed_at(By::PublicKey, 200, "{}", now() - 400)),
            ),
            (
                "300 s",
                Box::new(|| signed_at(By::PublicKey, 500, "{}", now() + 400)),
            ),
            (
                "no WeChat Pay key named 4A",
                Box::new(|| signed(By::Stranger("4A"), 200, "{}")),
            ),
            (
                "Wechatpay-Signature is missing",
                Box::new(|| {
                    let mut response = plain(404, "{}");
                    sign(&mut response, By::PublicKey, b"{}", now());
                    response.headers_mut().remove("wechatpay-signature");
                    Reply::Answer(response)
                }),
            ),
        ];
        for (words, reply) in cases {
            let error = error_of(reply).await;
            assert_eq!(error.kind(), ErrorKind::Verification, "{words}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(error.may_have_taken_effect() && !error.is_retryable());
            assert!(error.get_ref().unwrap().is::<VerifyError>());
            assert!(error.status().is_some() && error.code().is_none());
        }
    }

    #[tokio::test]
    async fn a_refusal_keeps_what_the_api_said() {
        let body = r#"{"code":"PARAM_ERROR","message":"参数错误","detail":{"field":"/level","value":"13800138000","issue":"too long","location":"body"}}"#;
        let error = error_of(move || signed(By::PublicKey, 400, body)).await;
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert_eq!(error.status().unwrap(), 400);
        assert_eq!(error.code(), Some("PARAM_ERROR"));
        assert_eq!(error.message(), Some("参数错误"));
        assert_eq!(error.detail().unwrap()["location"], "body");
        assert_eq!(error.request_id(), Some("08F5B8C2B506-0"));
        assert!(!error.is_retryable() && !error.may_have_taken_effect());
        assert_eq!(
            error.to_string(),
            "POST v3/x: 400 PARAM_ERROR: 参数错误 [/level: too long] (request id 08F5B8C2B506-0)",
        );
        assert!(!format!("{error:?}").contains("13800138000"));
    }

    #[tokio::test]
    async fn statuses_and_signatures_make_the_kind() {
        let api = r#"{"code":"SYSTEM_ERROR","message":"系统异常"}"#;
        let page = "<html>Bad Gateway</html>";
        let limited = r#"{"code":"FREQUENCY_LIMITED","message":""}"#;
        let cases: [(ErrorKind, bool, bool, Replier); 10] = [
            (
                ErrorKind::Gateway,
                true,
                true,
                Box::new(|| unsigned(429, limited)),
            ),
            (
                ErrorKind::Gateway,
                false,
                true,
                Box::new(|| unsigned(401, r#"{"code":"NO_AUTH"}"#)),
            ),
            (
                ErrorKind::Refused,
                false,
                false,
                Box::new(|| signed(By::PublicKey, 400, page)),
            ),
            (
                ErrorKind::Server,
                true,
                true,
                Box::new(|| signed(By::PublicKey, 500, api)),
            ),
            (
                ErrorKind::RateLimited,
                true,
                false,
                Box::new(|| signed(By::PublicKey, 429, api)),
            ),
            (
                ErrorKind::RateLimited,
                true,
                true,
                Box::new(|| signed(By::PublicKey, 429, limited)),
            ),
            (
                ErrorKind::Refused,
                false,
                false,
                Box::new(|| signed(By::PublicKey, 401, api)),
            ),
            (
                ErrorKind::Gateway,
                true,
                true,
                Box::new(|| unsigned(502, page)),
            ),
            (
                ErrorKind::Gateway,
                false,
                true,
                Box::new(|| unsigned(413, page)),
            ),
            (
                ErrorKind::Gateway,
                false,
                true,
                Box::new(|| unsigned(401, page)),
            ),
        ];
        for (kind, retryable, effect, reply) in cases {
            let error = error_of(reply).await;
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!(error.is_retryable(), retryable, "{error}");
            assert_eq!(error.may_have_taken_effect(), effect, "{error}");
            assert!(!error.to_string().contains("html"), "{error}");
            let is_gateway = kind == ErrorKind::Gateway;
            let says_so = ["not verifiably", "(unverified)"];
            assert_eq!(
                says_so
                    .iter()
                    .any(|words| error.to_string().contains(words)),
                is_gateway,
                "{error}"
            );
        }
        let client = client_getting(|| unsigned(413, ""));
        let error = client.chain("v3/x").get().await.unwrap_err();
        assert!(!error.may_have_taken_effect(), "a read has no effect");
    }

    #[tokio::test]
    async fn a_refused_signature_says_what_the_server_verified() {
        let body = r#"{"code":"SIGN_ERROR","detail":{"detail":{"issue":"sign not match"},"field":"signature","location":"authorization",
            "sign_information":{"method":"POST","sign_message_length":347,"truncated_sign_message":"POST\n/v3/x?openid=obLatj\n1717411225\nabc\n{\"phone\"\n","url":"/v3/x"}},"message":"错误的签名，验签失败"}"#;
        let chain = client_getting(move || unsigned(401, body)).chain("v3/x");
        let error = chain
            .query([("openid", "obLatj")])
            .post()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SignatureRefused);
        assert_eq!(error.code(), Some("SIGN_ERROR"));
        assert!(!error.may_have_taken_effect());
        let text = error.to_string();
        assert!(
            text.contains(
                r#""POST", the path and query that were sent, ["1717411225", "abc"] and"#
            ),
            "{text}"
        );
        assert!(
            text.contains("347") && !text.contains("phone") && !text.contains('\n'),
            "{text}"
        );
        assert!(!text.contains("obLatj"), "{text}");
        let text = chain.post().await.unwrap_err().to_string();
        assert!(text.contains("another path or query"), "{text}");
    }

    #[tokio::test]
    async fn of_a_statement_the_hash_is_signed() {
        let statement = |file: &str, sha1: &str| {
            let mut response = plain(200, file);
            sign(&mut response, By::PublicKey, &statement_body(sha1), now());
            response
                .headers_mut()
                .insert("wechatpay-statement-sha1", sha1.parse().unwrap());
            response
        };
        let sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";
        let good = client_getting(move || Reply::Answer(statement("abc", sha1)));
        let answer = good.chain("v3/global/statements").get().await.unwrap();
        assert_eq!(answer.body().as_ref(), b"abc");

        let other_file = client_getting(move || Reply::Answer(statement("abd", sha1)));
        let no_hash = client_getting(|| signed(By::PublicKey, 200, "abc"));
        for client in [other_file, no_hash] {
            let error = client.chain("v3/statements").get().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Verification);
        }
        // Errors on the same path are signed as everywhere.
        let refused =
            client_getting(|| signed(By::PublicKey, 400, r#"{"code":"NO_STATEMENT_EXIST"}"#));
        let error = refused.chain("v3/statements").get().await.unwrap_err();
        assert_eq!(error.code(), Some("NO_STATEMENT_EXIST"));
    }

    #[tokio::test]
    async fn an_unsigned_file_takes_an_explicit_step() {
        let client = client_getting(|| unsigned(200, "abc"));
        let file = client.chain("v3/billdownload/file").query([("token", "t")]);
        let error = file.get().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        assert!(error.to_string().contains("download()"), "{error}");

        let unverified = file.download().await.unwrap();
        let sha1 = "A9993E364706816ABA3E25717850C26C9CD0D89D";
        assert_eq!(
            unverified.clone().verify_sha1(sha1).unwrap().as_ref(),
            b"abc"
        );
        let error = unverified.clone().verify_sha1("00").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Verification);
        assert_eq!(unverified.into_unverified().as_ref(), b"abc");

        let error = client.chain("v3/x").download().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);

        let client = client_getting(|| signed(By::PublicKey, 403, r#"{"code":"NO_AUTH"}"#));
        let error = client
            .chain("v3/billdownload/file")
            .download()
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some("NO_AUTH"));
        let client = client_getting(|| altered(403));
        let error = client
            .chain("v3/billdownload/file")
            .download()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Verification);
    }
}
