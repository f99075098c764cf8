//! The way in and the way out: a request is authenticated over its raw bytes
//! before anything reads it, an answer is signed after everything has written
//! to it.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use kabao_core::{
    answer::{self, header as wechatpay},
    authorization::Stamp,
    keyring::KeyId,
};
use serde_json::json;

use crate::{
    app::App,
    authenticate::{Admitted, Rejected, authenticate},
    clock::real_now,
    faults::FaultKind,
    journal::Entry,
    keys::PlatformSigner,
    operations::{Found, Operation, PathParams},
    random,
    refusal::Refusal,
    routes::{Context, Reply},
};

/// A request as received, nothing decoded.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    /// Path and query exactly as in the request line.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    pub(crate) fn query(&self) -> Option<&str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The first value of a header. What is not text is still there.
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<Cow<'_, str>> {
        let value = self.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()))
    }
}

/// What the way to a database takes to come back, in seconds, or a little more.
pub(crate) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

pub(crate) type Answer = Response<Full<Bytes>>;

/// Answers one request of the API.
pub(crate) async fn serve(app: &Arc<App>, request: Received) -> Answer {
    let now = real_now();
    let keys = app.keys();
    let id = random::request_id();
    let mut entry = Entry {
        id: id.clone(),
        time: now,
        method: request.method.clone(),
        target: request.target.clone(),
        operation: None,
        status: 0,
        refusal: None,
        caller: None,
        claimed: None,
        replayed: false,
        signed_with: None,
        fault: None,
        verdict: None,
    };
    let answer = match authenticate(app, &keys, &request, now.as_second()).await {
        Err(rejected) => {
            let Rejected {
                refusal,
                verdict,
                identity,
            } = *rejected;
            entry.claimed = identity;
            entry.verdict = Some(verdict);
            let reply = reply_of(&refusal);
            entry.refusal = Some(Box::new(refusal));
            unsigned(&id, &reply)
        }
        Ok(admitted) => {
            entry.caller = Some(Arc::clone(&admitted.caller));
            entry.replayed = admitted.replayed;
            let asked = asked_signer(&admitted, &request);
            let outcome = match &asked {
                Ok(_) => process(app, &admitted, &request, &mut entry).await,
                Err(refusal) => Err(refusal.clone()),
            };
            let reply = outcome.unwrap_or_else(|refusal| {
                let reply = reply_of(&refusal);
                entry.refusal = Some(Box::new(refusal));
                reply
            });
            let signer = match asked {
                Ok(signer) => Some(signer),
                Err(_) => admitted.caller.platform_signer(None),
            };
            signed(app, &id, &admitted, signer, &request, reply, &mut entry)
        }
    };
    entry.status = answer.status().as_u16();
    tracing::debug!(
        id,
        method = entry.method.as_str(),
        operation = entry.operation,
        status = entry.status,
        code = entry.refusal.as_ref().map(|refusal| refusal.code),
        failed = entry.verdict.as_ref().map(|verdict| verdict.step),
        "answered",
    );
    app.journal.note(entry);
    answer
}

/// Everything behind the signature check: address, rate limit, operation.
async fn process(
    app: &App,
    admitted: &Admitted,
    request: &Received,
    entry: &mut Entry,
) -> Result<Reply, Refusal> {
    let present = |name| {
        let value = request.header(name);
        value.is_some_and(|value| !value.trim().is_empty())
    };
    if !present(header::ACCEPT) || !present(header::USER_AGENT) {
        return Err(Refusal::invalid_request("Http头缺少Accept或User-Agent"));
    }
    let (operation, params) = find(app, request)?;
    entry.operation = Some(operation.id);
    if operation.scheme != admitted.caller.scheme {
        let issue = format!("该接口须使用{}签名", operation.scheme);
        return Err(Refusal::no_auth(issue));
    }
    let caller = &admitted.caller.identity;
    if !app
        .limiter
        .allows(operation.id, caller, operation.per_second)
    {
        let message = format!(
            "请求过于频繁：每秒最多{}次，请稍后重试",
            operation.per_second
        );
        return Err(Refusal::too_often(message));
    }
    let context = Context::new(app, admitted, request, params)?;
    (operation.handler)(context).await
}

fn find<'a>(app: &'a App, request: &Received) -> Result<(&'a Operation, PathParams), Refusal> {
    match app.routes.find(&request.method, request.path()) {
        Found::Operation(operation, params) => Ok((operation, params)),
        Found::OtherMethods(methods) => {
            let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
            Err(Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "INVALID_REQUEST",
                format!(
                    "不支持的请求方法{}，该接口支持{}",
                    request.method,
                    names.join("、")
                ),
            )
            .with_detail(json!({"allow": names})))
        }
        Found::Nothing => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            format!("请求的资源不存在：{}", request.path()),
        )),
    }
}

/// The key that the request wants to be answered with.
fn asked_signer<'a>(
    admitted: &'a Admitted,
    request: &Received,
) -> Result<&'a PlatformSigner, Refusal> {
    if request.headers.get_all(wechatpay::SERIAL).iter().count() > 1 {
        return Err(Refusal::invalid_request("Http头Wechatpay-Serial重复"));
    }
    let wanted = request.header(wechatpay::SERIAL).map(KeyId::new);
    if wanted.is_none() && admitted.caller.needs_serial() {
        return Err(Refusal::invalid_request(
            "缺少Http头Wechatpay-Serial，品牌接口必须传入微信支付公钥ID",
        ));
    }
    admitted
        .caller
        .platform_signer(wanted.as_ref())
        .ok_or_else(|| Refusal::invalid_request("平台证书序列号Wechatpay-Serial错误"))
}

fn signed(
    app: &App,
    id: &str,
    admitted: &Admitted,
    signer: Option<&PlatformSigner>,
    request: &Received,
    reply: Reply,
    entry: &mut Entry,
) -> Answer {
    let Some(signer) = signer else {
        tracing::error!(
            caller = admitted.caller.identity,
            "the caller has no key to be answered with"
        );
        return unsigned(id, &reply_of(&Refusal::system_error()));
    };
    let stamp = Stamp {
        timestamp: real_now().as_second(),
        nonce: random::answer_nonce(),
    };
    let spoil = app.faults.strikes(
        FaultKind::BadSignature,
        request.method.as_str(),
        request.path(),
    );
    // A body that is not sent is not signed.
    let body: &[u8] = if request.method == Method::HEAD {
        b""
    } else {
        &reply.body
    };
    let headers = answer::signature_headers(
        admitted.caller.scheme,
        &signer.id,
        &stamp,
        body,
        |message| {
            let mut signature = signer.key.sign_now(message)?;
            if spoil && let Some(last) = signature.last_mut() {
                *last ^= 1;
            }
            Ok::<_, kabao_core::signature::SignError>(signature)
        },
    );
    let mut answer = unsigned(id, &reply);
    if reply.status == StatusCode::METHOD_NOT_ALLOWED
        && let Found::OtherMethods(methods) = app.routes.find(&request.method, request.path())
    {
        let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
        put(answer.headers_mut(), "allow", &names.join(", "));
    }
    match headers {
        Ok(headers) => {
            for (name, value) in headers {
                put(answer.headers_mut(), name, &value);
            }
        }
        Err(error) => tracing::error!(%error, "an answer could not be signed"),
    }
    entry.signed_with = Some(signer.id.clone());
    entry.fault = spoil.then_some("bad_signature");
    answer
}

fn unsigned(id: &str, reply: &Reply) -> Answer {
    let mut answer = Response::new(Full::new(reply.body.clone()));
    *answer.status_mut() = reply.status;
    let headers = answer.headers_mut();
    if reply.status != StatusCode::NO_CONTENT {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
    }
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, must-revalidate"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static("zh-CN"));
    headers.insert("keep-alive", HeaderValue::from_static("timeout=8"));
    if reply.status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    put(headers, wechatpay::REQUEST_ID, id);
    answer
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    // Names are constants, values hex, base64 and digits: neither can fail.
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}

fn reply_of(refusal: &Refusal) -> Reply {
    Reply::json(refusal.status, &refusal.body())
}
