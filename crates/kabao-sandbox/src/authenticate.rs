//! Who sent a request, proved over its raw bytes.

use std::sync::Arc;

use http::{StatusCode, header};
use kabao_core::{
    answer::{header as wechatpay, within_window},
    authorization::Authorization,
    keyring::KeyId,
    message,
    signature::{self, Verifier as _},
};
use serde_json::json;

use crate::{
    app::App,
    gate::Received,
    journal::Verdict,
    keys::{CallerKeys, Keys},
    multipart,
    refusal::Refusal,
    verdict,
};

/// A request whose signature was accepted.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) caller: Arc<CallerKeys>,
    /// The certificate that the request was signed with; answers are sealed
    /// for it.
    pub(crate) serial_no: KeyId,
    /// Whether the same Authorization was seen before.
    pub(crate) replayed: bool,
    /// What to answer if that, or what others changed, was to be known and could
    /// not be looked up.
    pub(crate) unsure: Option<Refusal>,
}

/// A request whose signature was not accepted. The answer goes out unsigned.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub(crate) refusal: Refusal,
    pub(crate) verdict: Verdict,
    /// Who it says it is from, if it came that far.
    pub(crate) identity: Option<String>,
}

const GRAMMAR: &str = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》";
const SERIAL: &str = "商户证书序列号有误，请使用签名私钥匹配的证书序列号";
const STALE: &str = "Http头Authorization值中的timestamp与发起请求的时间不得超过5分钟";
const MISMATCH: &str = "错误的签名，验签失败";
const REPLAY: &str = "签名信息错误，验签失败";

/// Checks grammar, serial, window and signature, in that order. A fault has put `now`
/// so many seconds ahead as `skew` says; `unsure` is why keys and faults may not be
/// those of this moment. What is then not found is not called wrong.
pub(crate) async fn authenticate(
    app: &App,
    request: &Received,
    now: i64,
    skew: i64,
    unsure: Option<Refusal>,
) -> Result<Admitted, Box<Rejected>> {
    let authorization = parse(request)?;
    let reject = |refusal, verdict| {
        Box::new(Rejected {
            refusal,
            verdict,
            identity: Some(authorization.identity.clone()),
        })
    };
    let serial_no = KeyId::new(&authorization.serial_no);
    let wanted = request.header(wechatpay::SERIAL).map(KeyId::new);
    let has_both = |keys: &Keys| {
        let caller = keys.caller(authorization.scheme, &authorization.identity);
        caller.is_some_and(|caller| {
            let is_known = |id: &KeyId| caller.platform_key(id).is_some();
            caller.certificate(&serial_no).is_some() && wanted.as_ref().is_none_or(is_known)
        })
    };
    let asked = match unsure {
        None => app.current.keys_having(has_both).await,
        Some(refusal) => Err(refusal),
    };
    let (keys, unsure) = match asked {
        Ok(keys) => (keys, None),
        Err(refusal) => (app.keys(), Some(refusal)),
    };
    let unless_unsure = |refusal, step, what: &str, reason: &dyn Fn() -> String| match &unsure {
        None => reject(sign_error(refusal), Verdict::bad(step, reason())),
        Some(unsure) => {
            let reason = format!(
                "{what} could not be looked up, as the store is not to be reached; send it again"
            );
            reject(unsure.clone(), Verdict::bad(step, reason))
        }
    };
    let keys = &keys;
    let caller = keys.caller(authorization.scheme, &authorization.identity);
    let Some((caller, certificate)) =
        caller.and_then(|caller| Some((caller, caller.certificate(&serial_no)?)))
    else {
        let what = format!("{} and certificate {serial_no}", authorization.identity);
        let reason = || verdict::unknown_serial(keys, &authorization);
        return Err(unless_unsure(SERIAL, "serial", &what, &reason));
    };
    let timestamp = authorization.timestamp.parse::<i64>().unwrap_or(i64::MAX);
    if !within_window(timestamp, now) {
        let what = "how far a fault lets the clock be off";
        let reason = || verdict::out_of_window(&authorization.timestamp, now, skew);
        return Err(unless_unsure(STALE, "timestamp", what, &reason));
    }
    let body = signed_body(request)
        .map_err(|issue| reject(sign_error(MISMATCH), Verdict::bad("body", issue)))?;
    let built = message::request(
        request.method.as_str(),
        &request.target,
        &authorization.timestamp,
        &authorization.nonce,
        body,
    );
    let matches = signature::decode(&authorization.signature)
        .is_some_and(|bytes| certificate.public_key.verifies(&built, &bytes));
    if !matches {
        let reason =
            verdict::explain(keys, &certificate.public_key, &authorization, request, body).await;
        let verdict = Verdict {
            message: Some(remembered(&built, body.len(), app.switches.journal_bodies)),
            ..Verdict::bad("signature", reason)
        };
        return Err(reject(mismatch(request, &built, body.len()), verdict));
    }
    let repeated = app.replays.repeated(caller, &authorization.signature);
    let repeated = match unsure {
        // Nothing of it is going to be done.
        Some(refusal) => Err(refusal),
        None => repeated.await,
    };
    let (replayed, unsure) = match repeated {
        Ok(replayed) => (replayed, None),
        Err(refusal) => (false, Some(refusal)),
    };
    if replayed && app.switches.refuse_replays {
        let reason = "the same Authorization was sent before, and this sandbox refuses that";
        return Err(reject(sign_error(REPLAY), Verdict::bad("replay", reason)));
    }
    Ok(Admitted {
        caller: Arc::clone(caller),
        serial_no: certificate.serial_no.clone(),
        replayed,
        unsure,
    })
}

fn parse(request: &Received) -> Result<Authorization, Box<Rejected>> {
    let malformed = |reason: String| {
        Box::new(Rejected {
            refusal: sign_error(GRAMMAR),
            verdict: Verdict::bad("authorization", reason),
            identity: None,
        })
    };
    let mut values = request.headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (Some(value), None) => value,
        (None, _) => return Err(malformed("there is no Authorization header".into())),
        (Some(_), Some(_)) => return Err(malformed("there are two Authorization headers".into())),
    };
    value
        .to_str()
        .map_err(|_| malformed("the Authorization header is not ASCII".into()))?
        .parse::<Authorization>()
        .map_err(|error| malformed(error.to_string()))
}

/// What the caller had to sign of the body: of an upload the part `meta`.
fn signed_body(request: &Received) -> Result<&[u8], String> {
    match &request.boundary {
        None => Ok(&request.body),
        Some(boundary) => multipart::part(&request.body, boundary, "meta").ok_or_else(|| {
            "the multipart body has no part named \"meta\", which is what is signed".into()
        }),
    }
}

/// A message as the journal keeps it. It remembers many, and a body may tell of a
/// person.
fn remembered(message: &[u8], body_length: usize, with_body: bool) -> String {
    const LONGEST: usize = 8 * 1024;
    if body_length > SHOWN_OF_BODY && !with_body {
        return format!(
            "{}… (a body of {body_length} bytes; the switch journal_bodies keeps it)",
            cut_short(message, body_length)
        );
    }
    let shown = String::from_utf8_lossy(&message[..message.len().min(LONGEST)]);
    match message.len().checked_sub(LONGEST) {
        None | Some(0) => shown.into_owned(),
        Some(more) => format!("{shown}… and {more} more bytes"),
    }
}

/// What is shown of a body, in characters.
const SHOWN_OF_BODY: usize = 8;

/// A message with the beginning of its body.
fn cut_short(message: &[u8], body_length: usize) -> String {
    let (head, body) = message.split_at(message.len().saturating_sub(body_length + 1));
    let body = String::from_utf8_lossy(&body[..body.len().min(4 * SHOWN_OF_BODY)]);
    let shown = body.trim_end_matches('\n').chars().take(SHOWN_OF_BODY);
    String::from_utf8_lossy(head).chars().chain(shown).collect()
}

fn sign_error(message: &str) -> Refusal {
    Refusal::new(StatusCode::UNAUTHORIZED, "SIGN_ERROR", message)
}

/// The documented answer to a signature that differs: what the server built,
/// with the body cut short.
fn mismatch(request: &Received, built: &[u8], body_length: usize) -> Refusal {
    let truncated = format!("{}\n", cut_short(built, body_length));
    sign_error(MISMATCH).with_detail(json!({
        "detail": {"issue": "sign not match"},
        "field": "signature",
        "location": "authorization",
        "sign_information": {
            "method": request.method.as_str(),
            "sign_message_length": built.len(),
            "truncated_sign_message": truncated,
            "url": request.target,
        },
    }))
}
