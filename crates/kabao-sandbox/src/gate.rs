//! The way in and the way out: a request is authenticated over its raw bytes
//! before anything reads it, an answer is signed after everything has written
//! to it.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use kabao_core::{answer::header as wechatpay, keyring::KeyId};
use serde_json::json;

use crate::{
    app::App,
    authenticate::{Admitted, Rejected, authenticate},
    bounds::Share,
    clock::real_now,
    faults::{self, Departure, Occasion, Strike},
    journal::Entry,
    keys::PlatformSigner,
    limits::Counted,
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
    /// Between the parts of the body, if it has parts.
    pub(crate) boundary: Option<String>,
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

/// Answers one request of the API. The answer has to fit into `room`, where it is
/// counted from then on.
pub(crate) async fn serve(app: &Arc<App>, request: Received, room: &mut Share) -> Departure {
    let now = real_now();
    let id = random::request_id();
    let (method, target) = (request.method.clone(), request.target.clone());
    let mut entry = Entry::new(id.clone(), now, method, target);
    let (found, allow) = find(app, &request);
    entry.operation = found.as_ref().ok().map(|(operation, _)| operation.id);
    let occasion = Occasion::request(request.method.as_str(), request.path(), entry.operation);
    // Those that are known serve better than none.
    let mut unsure = app.current.keys().await.err();
    let mut clock = Strike::default();
    // Who has waited for the store in vain asks it no more.
    if unsure.is_none() {
        clock = app.faults.skew(&occasion).await;
        unsure = clock.unsure.take();
    }
    entry.faults.extend(clock.noted());
    let skew = clock.seconds();
    let now = now.as_second() + skew;
    let mut strike = Strike::default();
    let answer = match authenticate(app, &request, now, skew, unsure).await {
        Err(rejected) => {
            let Rejected {
                refusal,
                verdict,
                identity,
            } = *rejected;
            entry.claimed = identity;
            entry.verdict = Some(verdict);
            let reply = refused(refusal, &mut entry);
            unsigned(&id, &fitting(reply, room, &mut entry))
        }
        Ok(admitted) => {
            entry.caller = Some(Arc::clone(&admitted.caller));
            entry.replayed = admitted.replayed;
            let mut unsure = admitted.unsure.clone();
            if unsure.is_none() {
                let occasion = occasion.by(&admitted.caller.identity);
                strike = app.faults.strike(&occasion).await;
                unsure = strike.unsure.take();
            }
            strike = strike.under(&clock);
            entry.faults.extend(strike.noted());
            entry.refusal = strike.error().map(|error| Box::new(error.into()));
            let asked = asked_signer(&admitted, &request);
            let outcome = match (strike.instead(), unsure, &asked) {
                (Some(reply), ..) => Ok(reply),
                (None, Some(refusal), _) => Err(refusal),
                (None, None, Err(refusal)) => Err(refusal.clone()),
                (None, None, Ok(_)) => {
                    process(app, &admitted, &request, found, &mut entry.rate).await
                }
            };
            let reply = outcome.unwrap_or_else(|refusal| refused(refusal, &mut entry));
            let reply = fitting(reply, room, &mut entry);
            let signer = match asked {
                Ok(signer) => Some(signer),
                Err(_) => admitted.caller.answer_signer(None),
            };
            let mut answer = match strike.is_unsigned() {
                true => unsigned(&id, &reply),
                false => signed(&admitted, signer, &request, &strike, &reply, &mut entry),
            };
            if let Some(allow) = allow.filter(|_| reply.status == StatusCode::METHOD_NOT_ALLOWED) {
                put(answer.headers_mut(), "allow", allow);
            }
            strike.dress(answer.headers_mut());
            answer
        }
    };
    let departure = strike.departure(answer, &request.method);
    entry.status = departure.status().map(|status| status.as_u16());
    tracing::debug!(
        id,
        method = entry.method.as_str(),
        operation = entry.operation,
        status = entry.status,
        code = entry.refusal.as_ref().map(|refusal| &*refusal.code),
        failed = entry.verdict.as_ref().map(|verdict| verdict.step),
        duration_ms = entry.began.elapsed().as_secs_f64() * 1e3,
        "answered",
    );
    app.metrics.answered(&entry);
    app.journal.note(entry);
    departure
}

/// Everything behind the signature check: address, rate limit, operation.
pub(crate) async fn process(
    app: &App,
    admitted: &Admitted,
    request: &Received,
    found: Result<(&Operation, PathParams), Refusal>,
    rate: &mut Option<Counted>,
) -> Result<Reply, Refusal> {
    let present = |name| {
        let value = request.header(name);
        value.is_some_and(|value| !value.trim().is_empty())
    };
    if !present(header::ACCEPT) || !present(header::USER_AGENT) {
        return Err(Refusal::invalid_request("Http头缺少Accept或User-Agent"));
    }
    let (operation, params) = found?;
    if operation.scheme != admitted.caller.scheme {
        let issue = format!("该接口须使用{}签名", operation.scheme);
        return Err(Refusal::no_auth(issue));
    }
    *rate = app.limiter.count(operation, &admitted.caller).await?;
    if let Some(Counted {
        limit,
        is_over: true,
        ..
    }) = rate
    {
        let issue = format!("请求过于频繁：每秒最多{limit}次，请稍后重试");
        return Err(Refusal::too_often(issue));
    }
    let context = Context::new(app, admitted, request, params)?;
    (operation.handler)(context).await
}

/// What the request is for; and if there is something at its address, but not
/// for its method, for which ones.
pub(crate) fn find<'a>(
    app: &'a App,
    request: &Received,
) -> (Result<(&'a Operation, PathParams), Refusal>, Option<String>) {
    match app.routes.find(&request.method, request.path()) {
        Found::Operation(operation, params) => (Ok((operation, params)), None),
        Found::OtherMethods(methods) => {
            let names: Vec<&str> = methods.iter().map(|method| method.as_str()).collect();
            let message = format!(
                "不支持的请求方法{}，该接口支持{}",
                request.method,
                names.join("、")
            );
            let status = StatusCode::METHOD_NOT_ALLOWED;
            let refusal = Refusal::new(status, "INVALID_REQUEST", message)
                .with_detail(json!({"allow": names}));
            (Err(refusal), Some(names.join(", ")))
        }
        Found::Nothing => {
            let message = format!("请求的资源不存在：{}", request.path());
            let refusal = Refusal::new(StatusCode::NOT_FOUND, "NOT_FOUND", message);
            (Err(refusal), None)
        }
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
        .answer_signer(wanted.as_ref())
        .ok_or_else(|| Refusal::invalid_request("平台证书序列号Wechatpay-Serial错误"))
}

fn signed(
    admitted: &Admitted,
    signer: Option<&PlatformSigner>,
    request: &Received,
    strike: &Strike,
    reply: &Reply,
    entry: &mut Entry,
) -> Answer {
    let Some(signer) = signer else {
        return unsignable(admitted, "there is no key to sign it with", entry);
    };
    // A body that is not sent is not signed.
    let body: &[u8] = if request.method == Method::HEAD {
        b""
    } else {
        &reply.body
    };
    let headers = faults::signature_headers(admitted.caller.scheme, signer, body, strike);
    let headers = match headers {
        Ok(headers) => headers,
        Err(error) => return unsignable(admitted, &error.to_string(), entry),
    };
    let mut answer = unsigned(&entry.id, reply);
    entry.signed_with = (!headers.is_empty()).then(|| signer.id.clone());
    for (name, value) in headers {
        put(answer.headers_mut(), name, value);
    }
    answer
}

/// Nobody could believe the answer that there is.
fn unsignable(admitted: &Admitted, reason: &str, entry: &mut Entry) -> Answer {
    let caller = &admitted.caller.identity;
    tracing::error!(caller, reason, "an answer could not be signed");
    let reply = refused(Refusal::system_error(), entry);
    unsigned(&entry.id, &reply)
}

/// The same reply, if there is room for it until the peer has taken it. It is too
/// late to undo what was done, as where the store does not say that it was.
fn fitting(reply: Reply, room: &mut Share, entry: &mut Entry) -> Reply {
    match room.grow_to(reply.body.len()) {
        true => reply,
        false => refused(Refusal::unavailable(), entry),
    }
}

fn refused(refusal: Refusal, entry: &mut Entry) -> Reply {
    let reply = reply_of(&refusal);
    entry.refusal = Some(Box::new(refusal.into()));
    reply
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
    put(headers, wechatpay::REQUEST_ID, id.to_owned());
    answer
}

fn put(headers: &mut HeaderMap, name: &'static str, value: String) {
    // Names are constants, values hex, base64 and digits: neither can fail.
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}

pub(crate) fn reply_of(refusal: &Refusal) -> Reply {
    Reply::json(refusal.status, &refusal.body())
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use kabao_core::{message, signature::Scheme};

    use super::*;
    use crate::bounds::{Budget, HELD};

    /// A merchant's request.
    fn request(app: &App, target: &str) -> Received {
        let scheme = Scheme::Wechatpay2Sha256Rsa2048;
        let (keys, nonce) = (app.keys(), "n");
        let mut callers = keys.callers();
        let caller = callers.find(|caller| caller.scheme == scheme);
        let caller = caller.expect("the sample merchant");
        let own = &caller.certificates[0];
        let time = real_now().as_second().to_string();
        let message = message::request("GET", target, &time, nonce, b"");
        let key = own.private_key.as_ref().expect("it is the sandbox's");
        let signature = key.sign_now(&message).expect("signed");
        let signature = kabao_core::signature::encode(&signature);
        let authorization = format!(
            "{scheme} mchid=\"{}\",nonce_str=\"{nonce}\",signature=\"{signature}\",\
             timestamp=\"{time}\",serial_no=\"{}\"",
            caller.identity, own.serial_no,
        );
        let any = HeaderValue::from_static("*/*");
        let authorization = HeaderValue::try_from(authorization).expect("ASCII");
        Received {
            method: Method::GET,
            target: target.into(),
            headers: HeaderMap::from_iter([
                (header::ACCEPT, any.clone()),
                (header::USER_AGENT, any),
                (header::AUTHORIZATION, authorization),
            ]),
            body: Bytes::new(),
            boundary: None,
        }
    }

    #[tokio::test]
    async fn what_there_is_no_room_for_is_noted_as_what_is_sent_instead() {
        let app = App::sample().await;
        let budget = Budget::new();
        let answered = async || {
            // The answer says that there is no such thing, at length.
            let request = request(&app, &format!("/v3/{}", "x".repeat(20_000)));
            let mut room = budget.share();
            let departure = serve(&app, request, &mut room).await;
            let Departure::Whole { answer, .. } = departure else {
                panic!("{departure:?}");
            };
            assert!(answer.headers().contains_key("Wechatpay-Signature"));
            let noted = app.journal.latest(1).remove(0);
            assert_eq!(noted.status, Some(answer.status().as_u16()));
            (answer.status().as_u16(), noted, room)
        };
        let (status, _, room) = answered().await;
        assert_eq!(status, 404);
        let mut others = budget.share();
        assert!(!others.grow_to(2 * HELD), "the answer is counted");
        drop(room);
        assert!(others.grow_to(2 * HELD));
        let (status, noted, _) = answered().await;
        assert_eq!(status, 503);
        let code = noted.refusal.as_ref().map(|refusal| &*refusal.code);
        assert_eq!(code, Some("SERVICE_UNAVAILABLE"));
        drop(others);
        assert_eq!(answered().await.0, 404);
    }
}
