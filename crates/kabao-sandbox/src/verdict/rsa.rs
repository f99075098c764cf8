//! What an RSA signature says it signed, read with the public key. Everything
//! here is public, so a general bignum serves.

use aws_lc_rs::{digest, rsa::PublicKey as RsaPublicKey};
use kabao_core::PublicKey;
use num_bigint::BigUint;

/// The digest inside a PKCS#1 v1.5 signature.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Sha256(Vec<u8>),
    /// 32 bytes that do not say what they are: a digest, encrypted.
    Bare,
    Other(&'static str),
}

/// Opens the signature with the public key; `None` if it was made with another
/// private key (or is not PKCS#1 v1.5 at all).
pub(super) fn signed_digest(key: &PublicKey, signature: &[u8]) -> Option<Digest> {
    let key = RsaPublicKey::from_der(key.spki_der()).ok()?;
    let modulus = BigUint::from_bytes_be(key.modulus().big_endian_without_leading_zero());
    let exponent = BigUint::from_bytes_be(key.exponent().big_endian_without_leading_zero());
    let block = BigUint::from_bytes_be(signature)
        .modpow(&exponent, &modulus)
        .to_bytes_be();
    // 00 01 FF … FF 00 DigestInfo; the number lost its leading zero byte.
    let padded = block.strip_prefix(&[1])?;
    let zero = padded.iter().position(|byte| *byte != 0xFF)?;
    let info = padded[zero..].strip_prefix(&[0])?;
    if zero < 8 {
        return None;
    }
    const NAMED: [(&[u8], Option<&str>); 5] = [
        (
            b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
            None,
        ),
        (
            b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
            Some("SHA-1"),
        ),
        (
            b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
            Some("SHA-384"),
        ),
        (
            b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
            Some("SHA-512"),
        ),
        (
            b"\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10",
            Some("MD5"),
        ),
    ];
    NAMED
        .iter()
        .find_map(|(prefix, name)| {
            let digest = info.strip_prefix(*prefix)?;
            Some(match name {
                None => Digest::Sha256(digest.to_vec()),
                Some(name) => Digest::Other(name),
            })
        })
        .or((info.len() == 32).then_some(Digest::Bare))
        .or(Some(Digest::Other("not one this server knows")))
}

/// SHA-256 of a message.
pub(super) fn sha256(message: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, message).as_ref().to_vec()
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
