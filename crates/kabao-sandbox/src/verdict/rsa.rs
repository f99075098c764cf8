//! What an RSA signature says it signed, read with the public key. Everything
//! here is public, so a general bignum serves.

use aws_lc_rs::{
    digest::{self, Algorithm},
    rsa::PublicKey as RsaPublicKey,
};
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
    let (block, _) = opened(key, signature)?;
    let block = block.to_bytes_be();
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

/// Whether it is RSA-PSS of any message, with a salt of any length: libraries
/// differ in the one they take. Of signatures with an unknown key one in some
/// thousand seems to be.
pub(super) fn is_pss(key: &PublicKey, signature: &[u8]) -> bool {
    const DIGESTS: [&Algorithm; 4] = [
        &digest::SHA256,
        &digest::SHA1_FOR_LEGACY_USE_ONLY,
        &digest::SHA384,
        &digest::SHA512,
    ];
    opened(key, signature).is_some_and(|(block, modulus_bits)| {
        let mut of_any = DIGESTS.into_iter();
        of_any.any(|algorithm| is_pss_of(algorithm, &block, modulus_bits - 1))
    })
}

/// As RFC 8017 has it in 9.1.2: masked zeros, a one and a salt; then a hash, from
/// which the mask is made too; then BC. All that is a bit shorter than the modulus.
fn is_pss_of(algorithm: &'static Algorithm, block: &BigUint, bits: u64) -> bool {
    let first_unmasked = || {
        let length = bits.div_ceil(8);
        // As a number it lost its leading zeros.
        let digits = block.to_bytes_be();
        let lost = usize::try_from(length).ok()?.checked_sub(digits.len())?;
        let whole = [vec![0; lost], digits].concat();
        let whole = whole.strip_suffix(&[0xBC])?;
        let (masked, hash) =
            whole.split_at_checked(whole.len().checked_sub(algorithm.output_len())?)?;
        let mask =
            (0u32..).flat_map(|count| sum(algorithm, &[hash, &count.to_be_bytes()].concat()));
        let mut unmasked: Vec<u8> = masked.iter().zip(mask).map(|(a, b)| a ^ b).collect();
        *unmasked.first_mut()? &= 0xFF >> (8 * length - bits);
        unmasked.into_iter().find(|byte| *byte != 0)
    };
    block.bits() <= bits && first_unmasked() == Some(1)
}

/// The signature taken to the public exponent, and how many bits the modulus has.
fn opened(key: &PublicKey, signature: &[u8]) -> Option<(BigUint, u64)> {
    let key = RsaPublicKey::from_der(key.spki_der()).ok()?;
    let modulus = BigUint::from_bytes_be(key.modulus().big_endian_without_leading_zero());
    let exponent = BigUint::from_bytes_be(key.exponent().big_endian_without_leading_zero());
    let block = BigUint::from_bytes_be(signature).modpow(&exponent, &modulus);
    Some((block, modulus.bits()))
}

/// SHA-256 of a message.
pub(super) fn sha256(message: &[u8]) -> Vec<u8> {
    sum(&digest::SHA256, message)
}

fn sum(algorithm: &'static Algorithm, message: &[u8]) -> Vec<u8> {
    digest::digest(algorithm, message).as_ref().to_vec()
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
