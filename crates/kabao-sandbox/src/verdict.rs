//! Why a signature was refused. A signature that fails says nothing by itself,
//! so this tries what people get wrong, one mistake at a time, and names the
//! first under which the signature fits.

mod body;
mod encoding;
mod rsa;
mod stamp;
mod target;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use kabao_core::{
    PublicKey, answer::within_window, authorization::Authorization, keyring::KeyId, message,
    signature::Scheme, time::Time,
};

use crate::{
    aside::Places,
    gate::Received,
    keys::{CallerKeys, Keys},
};

/// Which serial it is instead, if that can be told.
pub(crate) fn unknown_serial(keys: &Keys, authorization: &Authorization) -> String {
    let Authorization {
        scheme,
        identity,
        serial_no,
        ..
    } = authorization;
    let item = scheme.identity_item();
    let serial = KeyId::new(serial_no);
    let Some(caller) = keys.caller(*scheme, identity) else {
        let other = Scheme::ALL
            .into_iter()
            .find(|other| other.identity_item() != item && keys.caller(*other, identity).is_some());
        return match other {
            Some(other) => format!(
                "{item} {identity} is not known here, but as a {} it is: then the scheme is {other}",
                other.identity_item()
            ),
            None => format!("{item} {identity} is not known here"),
        };
    };
    let own = caller
        .certificates
        .iter()
        .find(|own| own.serial_no == serial);
    if let Some(end) = own.and_then(|own| own.expired) {
        return format!(
            "the certificate {serial_no} expired at {} by the sandbox's clock; renew it, or set \
             the clock back",
            Time::seconds(end)
        );
    }
    let expected: Vec<&str> = caller
        .certificates
        .iter()
        .filter(|own| own.expired.is_none())
        .map(|own| own.serial_no.as_str())
        .collect();
    let expected = expected.join(" or ");
    let is_platform =
        |other: &Arc<CallerKeys>| other.platform.iter().any(|signer| signer.id == serial);
    if keys.callers().any(is_platform) {
        let what = if serial.is_public_key() {
            "WeChat Pay public key's id"
        } else {
            "platform certificate's serial"
        };
        return format!(
            "serial_no is the {what}; Authorization takes the serial of the caller's own certificate, {expected}"
        );
    }
    if let Some(other) = keys
        .callers()
        .find(|other| other.certificate(&serial).is_some())
    {
        let other_item = other.scheme.identity_item();
        return format!(
            "serial_no belongs to {other_item} {}, not to {item} {identity}, whose certificate is {expected}",
            other.identity
        );
    }
    format!(
        "serial_no {serial_no} is none of {item} {identity}'s certificates; expected {expected}"
    )
}

/// How far off the clock is, in the caller's terms; or that it is the sandbox's own,
/// `skew` seconds ahead.
pub(crate) fn out_of_window(timestamp: &str, now: i64, skew: i64) -> String {
    let Ok(given) = timestamp.parse::<i64>() else {
        return format!("timestamp {timestamp} is out of range");
    };
    if within_window(given, now - skew) {
        return format!(
            "timestamp {timestamp} is right, but the fault clock_skew is ordered: the sandbox's clock is {skew} s ahead"
        );
    }
    let units = [
        ("milliseconds", 1_000),
        ("microseconds", 1_000_000),
        ("nanoseconds", 1_000_000_000),
    ];
    for (unit, of_a_second) in units {
        if (given / of_a_second).abs_diff(now) <= 86_400 {
            return format!("timestamp {timestamp} is in {unit}; the protocol counts seconds");
        }
    }
    let off = given.saturating_sub(now);
    let direction = if off > 0 { "ahead of" } else { "behind" };
    format!(
        "the clock is off by {} s: timestamp {timestamp} is that much {direction} the server's time {now}",
        off.unsigned_abs()
    )
}

/// Why a signature does not fit the key of the certificate that it came with.
/// `body` is what of the request's own body had to be signed. Runs off the async
/// threads: it may check some hundred signatures.
pub(crate) async fn explain(
    keys: &Arc<Keys>,
    key: &PublicKey,
    authorization: &Authorization,
    request: &Received,
    body: &[u8],
) -> String {
    let signature = match encoding::signature_bytes(&authorization.signature, key) {
        Ok(bytes) => bytes,
        Err(mistake) => return mistake,
    };
    // Anybody can send what is refused, and trying costs more than refusing.
    let Some(place) = LOOKING.take().await else {
        return "not looked into: too many refused requests came at once; send it again alone"
            .into();
    };
    let host = request.header(http::header::HOST);
    let case = Case {
        keys: Arc::clone(keys),
        key: key.clone(),
        signature,
        method: request.method.to_string(),
        target: request.target.clone(),
        host: host.unwrap_or_default().into_owned(),
        timestamp: authorization.timestamp.clone(),
        nonce: authorization.nonce.clone(),
        body: body.to_vec(),
        whole_body: request.body.clone(),
    };
    place
        .aside(move || case.explain())
        .await
        .unwrap_or_else(|_| "the signature does not match".into())
}

/// How many are looked into at once, and how long others wait for that.
static LOOKING: Places = Places::new(2, Duration::from_secs(1));

/// The longest message that is tried in other forms, of which there are some
/// hundred. Documented forms are shorter.
const EXAMINED: usize = 16 * 1024;

/// Everything that a hypothesis may vary.
struct Case {
    keys: Arc<Keys>,
    /// Of the certificate that serial_no names.
    key: PublicKey,
    signature: Vec<u8>,
    method: String,
    target: String,
    host: String,
    timestamp: String,
    nonce: String,
    body: Vec<u8>,
    whole_body: Bytes,
}

impl Case {
    fn explain(&self) -> String {
        match rsa::signed_digest(&self.key, &self.signature) {
            Some(rsa::Digest::Sha256(digest)) => self.other_bytes(&digest),
            Some(rsa::Digest::Bare) => {
                "the right key, but the digest was signed bare; a PKCS#1 v1.5 signature names its digest: sign the message with SHA256withRSA".into()
            }
            Some(rsa::Digest::Other(name)) => {
                format!("the right key, but the digest is {name}; the protocol takes SHA-256")
            }
            None => self.other_key(),
        }
    }

    /// Not PKCS#1 v1.5 of the certificate's key: whose or what is it?
    fn other_key(&self) -> String {
        let signer = self.keys.callers().find_map(|other| {
            let mut certificates = other.certificates.iter();
            let fits = |key| rsa::signed_digest(key, &self.signature).is_some();
            let certificate = certificates.find(|certificate| fits(&certificate.public_key))?;
            Some(format!(
                "signed with the key of {} {} (certificate {}), not with that of the certificate named by serial_no",
                other.scheme.identity_item(),
                other.identity,
                certificate.serial_no,
            ))
        });
        signer.unwrap_or_else(|| {
            let why = match rsa::is_pss(&self.key, &self.signature) {
                true => "signed with RSA-PSS; the protocol takes RSA PKCS#1 v1.5 with SHA-256",
                false => "the signature was not made with the private key of this certificate",
            };
            why.into()
        })
    }

    /// The right key over other bytes: which?
    fn other_bytes(&self, digest: &[u8]) -> String {
        let built = self.message(&self.method, &self.target, &self.body);
        if built.len() > EXAMINED {
            return format!(
                "the right key, but other bytes were signed; a message of {} bytes is too long to try what they were",
                built.len()
            );
        }
        self.mistake(|bytes| rsa::sha256(bytes) == digest).unwrap_or_else(|| {
            "the right key, but other bytes were signed: compare the message below with yours, byte for byte".into()
        })
    }

    /// One mistake at a time, until the bytes are those that were signed.
    fn mistake(&self, fits: impl Fn(&[u8]) -> bool) -> Option<String> {
        let fits_parts =
            |method: &str, target: &str, body: &[u8]| fits(&self.message(method, target, body));
        let built = self.message(&self.method, &self.target, &self.body);
        if fits(&built[..built.len() - 1]) {
            // The same bytes, so both are possible.
            return Some(if self.body.ends_with(b"\n") {
                "the line feed that ends the body was not signed (or the one after it)".into()
            } else {
                "the final line feed is missing: every line ends with one, the last too".into()
            });
        }
        if fits(&[&built[..], b"\n"].concat()) {
            return Some(
                "one line feed too many was signed at the end of the body or of the message".into(),
            );
        }
        let digest = rsa::sha256(&built);
        if fits(&digest) || fits(rsa::hex(&digest).as_bytes()) {
            return Some(
                "the message was hashed twice: the signing function hashes by itself".into(),
            );
        }
        let text = String::from_utf8_lossy(&built);
        if fits(text.replace('\n', "\r\n").as_bytes()) {
            return Some("the lines end with CR LF; they end with LF alone".into());
        }
        if fits(text.replace('\n', "").as_bytes()) {
            return Some(
                "the lines were joined without line feeds; every line ends with one".into(),
            );
        }
        if fits(&message::answer(&self.timestamp, &self.nonce, &self.body)) {
            return Some(
                "signed as an answer is verified (timestamp, nonce, body); a request has method and target before them".into(),
            );
        }
        if fits(text.replace('\n', "\\n").as_bytes()) {
            return Some("the two characters \\n were signed instead of line feeds".into());
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            if method != self.method && fits_parts(method, &self.target, &self.body) {
                return Some(format!(
                    "signed for the method {method}, sent with {}",
                    self.method
                ));
            }
        }
        if fits_parts(&self.method.to_lowercase(), &self.target, &self.body) {
            return Some("the method was signed in lower case".into());
        }
        for (target, mistake) in target::variants(&self.target, &self.host) {
            if fits_parts(&self.method, &target, &self.body) {
                return Some(mistake.into());
            }
        }
        for (timestamp, nonce, mistake) in stamp::variants(&self.timestamp, &self.nonce) {
            let (method, target) = (&self.method, &self.target);
            if fits(&message::request(
                method, target, &timestamp, &nonce, &self.body,
            )) {
                return Some(mistake.into());
            }
        }
        if self.body != self.whole_body && fits_parts(&self.method, &self.target, &self.whole_body)
        {
            return Some(
                "the whole multipart body was signed; only the text of the part \"meta\" is".into(),
            );
        }
        let bodies = body::variants(&self.body);
        for (body, mistake) in &bodies {
            if fits_parts(&self.method, &self.target, body) {
                return Some((*mistake).into());
            }
        }
        // The two most frequent mistakes together: clients that rebuild the
        // request sign neither the query nor the body as sent.
        target::variants(&self.target, &self.host)
            .into_iter()
            .take(3)
            .find(|(target, _)| {
                bodies
                    .iter()
                    .any(|(body, _)| fits_parts(&self.method, target, body))
            })
            .map(|(_, mistake)| format!("{mistake}; and the body was changed after signing"))
    }

    fn message(&self, method: &str, target: &str, body: &[u8]) -> Vec<u8> {
        message::request(method, target, &self.timestamp, &self.nonce, body)
    }
}
