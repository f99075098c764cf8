//! The body of a notification, spoiled as ordered.

use bytes::Bytes;
use kabao_core::notification::Notification;

use super::{Kind, Part, Strike};

/// The body as it is posted.
pub(crate) fn posted_body(body: &[u8], strike: &Strike) -> Bytes {
    let spoilt = match strike.of(Part::Content) {
        Some(Kind::BadCiphertext {}) => unopenable(body),
        _ => None,
    };
    spoilt.map_or_else(|| Bytes::copy_from_slice(body), Bytes::from)
}

/// The same notification with one letter of its ciphertext changed: still
/// base64, and no key opens it.
fn unopenable(body: &[u8]) -> Option<Vec<u8>> {
    let mut notification: Notification = serde_json::from_slice(body).ok()?;
    let ciphertext = &mut notification.resource.ciphertext;
    let other = if ciphertext.starts_with('A') {
        "B"
    } else {
        "A"
    };
    *ciphertext = format!("{other}{}", ciphertext.get(1..)?);
    serde_json::to_vec(&notification).ok()
}
