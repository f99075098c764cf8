//! Signatures that people encode in another way.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use kabao_core::{
    PublicKey,
    signature::{PROBE_PREFIX, decode},
};

/// RSA-OAEP with SHA-1 leaves this much of a block.
const OAEP_OVERHEAD: usize = 42;

/// The signature's bytes, or what is wrong with their encoding.
pub(super) fn signature_bytes(text: &str, key: &PublicKey) -> Result<Vec<u8>, String> {
    let expected = key.seal_limit() + OAEP_OVERHEAD;
    if text.starts_with(PROBE_PREFIX) {
        return Err("a deliberate probe: the signature begins with WECHATPAY/SIGNTEST/".into());
    }
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && matches!(text.len(), 32 | 64) {
        return Err(format!(
            "{} hex digits are a sign of API v2 (MD5 or HMAC-SHA256 with a shared key); v3 takes an RSA signature",
            text.len()
        ));
    }
    if text.len() == 2 * expected && is_hex {
        return Err("the signature is written in hex; it is written in base64".into());
    }
    let Some(bytes) = decode(text) else {
        let url_safe = [URL_SAFE.decode(text), URL_SAFE_NO_PAD.decode(text)];
        return Err(if STANDARD_NO_PAD.decode(text).is_ok() {
            "the signature's base64 lacks its padding".into()
        } else if url_safe.into_iter().any(|decoded| decoded.is_ok()) {
            "the signature is written in the URL-safe alphabet; base64 takes + and /".into()
        } else {
            "the signature is not base64".into()
        });
    };
    if bytes.len() == expected {
        return Ok(bytes);
    }
    let inner = std::str::from_utf8(&bytes).ok().and_then(decode);
    Err(match inner {
        Some(inner) if inner.len() == expected => {
            "the signature was encoded in base64 twice".into()
        }
        _ if bytes.len() == 32 => {
            "32 bytes are a digest or an HMAC; the signature is made with RSA and the private key"
                .into()
        }
        _ => format!(
            "the signature has {} bytes, this certificate's key makes {expected}",
            bytes.len()
        ),
    })
}
