//! Signatures of answers and notifications, spoiled as ordered.

use kabao_core::{
    answer::{self, header},
    authorization::Stamp,
    signature::{PROBE_PREFIX, Scheme, SignError},
};

use super::{Kind, Part, Strike};
use crate::{clock::real_now, keys::PlatformSigner, random};

/// The headers of a signature, made now.
pub(crate) fn signature_headers(
    scheme: Scheme,
    signer: &PlatformSigner,
    body: &[u8],
    strike: &Strike,
) -> Result<Vec<(&'static str, String)>, SignError> {
    let fault = strike.of(Part::Signature);
    let past = match fault {
        Some(Kind::StaleSignature { seconds }) => *seconds,
        Some(Kind::MissingSignature {}) => return Ok(Vec::new()),
        _ => 0,
    };
    let stamp = Stamp {
        timestamp: real_now().as_second() + strike.skew - past,
        nonce: random::answer_nonce(),
    };
    let signed = answer::signature_headers(scheme, &signer.id, &stamp, body, |message| {
        let mut signature = signer.key.sign_now(message)?;
        if matches!(fault, Some(Kind::BadSignature {}))
            && let Some(last) = signature.last_mut()
        {
            *last ^= 1;
        }
        Ok(signature)
    });
    let mut headers = signed?.to_vec();
    for (name, value) in &mut headers {
        match fault {
            Some(Kind::Probe {}) if *name == header::SIGNATURE => *value = probe(value),
            Some(Kind::UnknownSerial {}) if *name == header::SERIAL => *value = unknown(value),
            _ => {}
        }
    }
    Ok(headers)
}

/// The rest of the signature stays, so that it has the length of a real one.
fn probe(signature: &str) -> String {
    let rest = signature.get(PROBE_PREFIX.len()..).unwrap_or_default();
    format!("{PROBE_PREFIX}{rest}")
}

/// A name of the same form that is given to no key.
fn unknown(serial: &str) -> String {
    const PUBLIC_KEY: &str = "PUB_KEY_ID_";
    match serial.strip_prefix(PUBLIC_KEY) {
        Some(digits) => format!("{PUBLIC_KEY}{}", "0".repeat(digits.len())),
        None => "0".repeat(serial.len()),
    }
}
