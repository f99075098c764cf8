//! Random names: request ids and nonces.

use std::sync::{
    LazyLock,
    atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// 32 lower-case hex digits, as in real answers.
pub(crate) fn answer_nonce() -> String {
    hex(&bytes::<16>())
}

/// In the manner of the real ones. Every answer has one and nobody needs to be
/// unable to guess it, so randomness tells processes apart and a count requests.
pub(crate) fn request_id() -> String {
    static PROCESS: LazyLock<[u8; 7]> = LazyLock::new(bytes);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut id = String::with_capacity(34);
    id.push_str("08");
    push_hex(&mut id, &*PROCESS, UPPER);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    push_hex(&mut id, &count.to_be_bytes(), UPPER);
    id.push_str("-0");
    id
}

/// 36 characters, in the manner of a UUID.
pub(crate) fn notification_id() -> String {
    let mut bytes = bytes::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex(&bytes);
    let parts = [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ];
    parts.join("-")
}

/// Where a fault's chance begins, when nobody says: a number that every reader
/// of JSON takes whole.
pub(crate) fn seed() -> u64 {
    u32::from_le_bytes(bytes()).into()
}

/// What tells a fault that is ordered from all others.
pub(crate) fn fault_id() -> u64 {
    u64::from_le_bytes(bytes())
}

/// 12 letters and digits for AES-GCM.
pub(crate) fn resource_nonce() -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    bytes::<12>()
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte & 31)]))
        .collect()
}

/// Any number.
#[cfg(feature = "postgres")]
pub(crate) fn number() -> i64 {
    i64::from_ne_bytes(bytes())
}

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if rand::fill(&mut bytes).is_err() {
        // aws-lc aborts before it reports a failing system generator.
        tracing::error!("the system gives no randomness");
    }
    bytes
}

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    push_hex(&mut text, bytes, LOWER);
    text
}

fn push_hex(text: &mut String, bytes: &[u8], digits: &[u8; 16]) {
    for byte in bytes {
        text.push(char::from(digits[usize::from(byte >> 4)]));
        text.push(char::from(digits[usize::from(byte & 15)]));
    }
}

/// A card code as WeChat Pay allocates it: 24 digits.
pub(crate) fn card_code() -> String {
    digits(&bytes::<24>())
}

/// The id of an activity: 12 digits, the first not 0.
pub(crate) fn activity_id() -> String {
    format!("7{}", digits(&bytes::<11>()))
}

/// The id of a template, in the manner of the real ones.
pub(crate) fn card_id() -> String {
    format!("p{}", letters(&bytes::<27>()))
}

/// The name of an exchange of points.
pub(crate) fn record_id() -> String {
    letters(&bytes::<20>())
}

/// A token for the front end: 32 lower-case hex digits.
pub(crate) fn token() -> String {
    hex(&bytes::<16>())
}

/// Slightly uneven, which is of no use to anybody.
fn digits(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| char::from(b'0' + byte % 10))
        .collect()
}

/// 64 letters, digits, `-` and `_`.
fn letters(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD
        .encode(bytes)
        .chars()
        .take(bytes.len())
        .collect()
}
