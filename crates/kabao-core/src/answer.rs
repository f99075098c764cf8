//! Signatures that WeChat Pay makes: over answers and over notifications.

use crate::{
    authorization::Stamp,
    keyring::{KeyId, Keyring, PlatformKey},
    message,
    signature::{self, PROBE_PREFIX, Scheme, Verifier},
};

/// How far the two clocks may be apart, in seconds, for requests, answers and
/// notifications alike.
pub const WINDOW_SECONDS: i64 = 300;

/// Header names of a signed answer or notification.
pub mod header {
    /// Unix seconds.
    pub const TIMESTAMP: &str = "Wechatpay-Timestamp";
    /// The nonce that was signed.
    pub const NONCE: &str = "Wechatpay-Nonce";
    /// Name of the key, in answers the one used, in requests the one wanted.
    pub const SERIAL: &str = "Wechatpay-Serial";
    /// Base64 of the signature.
    pub const SIGNATURE: &str = "Wechatpay-Signature";
    /// A [`Scheme`](crate::signature::Scheme)'s name; absent means RSA.
    pub const SIGNATURE_TYPE: &str = "Wechatpay-Signature-Type";
    /// Names this exchange to WeChat Pay's support.
    pub const REQUEST_ID: &str = "Request-ID";
    /// The hash that stands for the body of a statement download.
    pub const STATEMENT_SHA1: &str = "Wechatpay-Statement-Sha1";
}

/// Whether a timestamp is close enough to `now` (both Unix seconds).
///
/// ```
/// use kabao_core::answer::within_window;
///
/// assert!(within_window(1_767_196_800, 1_767_197_100));
/// assert!(!within_window(1_767_196_800, 1_767_197_101));
/// ```
#[must_use]
pub fn within_window(timestamp: i64, now: i64) -> bool {
    timestamp.abs_diff(now) <= WINDOW_SECONDS.unsigned_abs()
}

/// The signature headers of an answer or a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerSignature<'a> {
    /// `Wechatpay-Timestamp`, as text: that is what was signed.
    pub timestamp: &'a str,
    /// `Wechatpay-Nonce`.
    pub nonce: &'a str,
    /// `Wechatpay-Serial`.
    pub serial: KeyId,
    /// `Wechatpay-Signature`, base64.
    pub signature: &'a str,
    /// `Wechatpay-Signature-Type`, if given.
    pub signature_type: Option<&'a str>,
}

impl<'a> AnswerSignature<'a> {
    /// Collects the headers; `lookup` must not care about the case of names.
    ///
    /// # Errors
    /// [`VerifyError::MissingHeader`] names the first one that is absent.
    pub fn from_headers(
        lookup: impl Fn(&'static str) -> Option<&'a str>,
    ) -> Result<Self, VerifyError> {
        let required = |name: &'static str| match lookup(name) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(VerifyError::MissingHeader { name }),
        };
        Ok(Self {
            timestamp: required(header::TIMESTAMP)?,
            nonce: required(header::NONCE)?,
            serial: KeyId::new(required(header::SERIAL)?),
            signature: required(header::SIGNATURE)?,
            signature_type: lookup(header::SIGNATURE_TYPE).filter(|name| !name.is_empty()),
        })
    }

    /// Checks everything: algorithm, window, key, signature.
    ///
    /// `body` are the raw bytes (see [`message::answer`]), `now` is Unix
    /// seconds.
    ///
    /// # Errors
    /// [`VerifyError`]. The message must not be used then.
    pub fn verify<'k>(
        &self,
        body: &[u8],
        keys: &'k Keyring,
        now: i64,
    ) -> Result<&'k PlatformKey, VerifyError> {
        self.check_head(now)?;
        let in_force =
            |key: &&PlatformKey| key.validity().is_none_or(|(_, end)| now < end.as_second());
        let key =
            keys.find(&self.serial)
                .filter(in_force)
                .ok_or_else(|| VerifyError::UnknownSerial {
                    serial: self.serial.clone(),
                })?;
        self.check_signature(body, key.key())?;
        Ok(key)
    }

    fn check_head(&self, now: i64) -> Result<(), VerifyError> {
        if let Some(name) = self.signature_type
            && Scheme::from_name(name).is_none()
        {
            return Err(VerifyError::UnsupportedSignatureType {
                signature_type: name.to_owned(),
            });
        }
        let timestamp = self.timestamp.parse::<i64>().ok();
        match timestamp {
            Some(timestamp) if within_window(timestamp, now) => Ok(()),
            _ => Err(VerifyError::TimestampOutOfWindow {
                timestamp: self.timestamp.to_owned(),
                seconds_off: timestamp.map(|timestamp| timestamp.saturating_sub(now)),
            }),
        }
    }

    fn check_signature(&self, body: &[u8], key: &dyn Verifier) -> Result<(), VerifyError> {
        let message = message::answer(self.timestamp, self.nonce, body);
        let matches =
            signature::decode(self.signature).is_some_and(|bytes| key.verifies(&message, &bytes));
        if matches {
            Ok(())
        } else {
            Err(VerifyError::Mismatch {
                probe: self.signature.starts_with(PROBE_PREFIX),
            })
        }
    }
}

/// Why an answer or a notification must not be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Not signed at all, or a proxy dropped the headers.
    #[error("header {name} is missing")]
    MissingHeader {
        /// The header.
        name: &'static str,
    },
    /// Signed with an algorithm this version does not check.
    #[error("signature type `{signature_type}` is not supported")]
    UnsupportedSignatureType {
        /// The header's value.
        signature_type: String,
    },
    /// Too old, too far ahead, or not a number; check this machine's clock.
    #[error("timestamp {timestamp} is more than 300 s away from now{}", off(*seconds_off))]
    TimestampOutOfWindow {
        /// The header's value.
        timestamp: String,
        /// How far it is ahead of this clock, if it is a number.
        seconds_off: Option<i64>,
    },
    /// No such key, or an expired certificate. Refresh the platform keys, then
    /// try once more.
    #[error("no WeChat Pay key named {serial} that is in force")]
    UnknownSerial {
        /// The key that the message names.
        serial: KeyId,
    },
    /// Drop the message: it was altered, or signed by someone else.
    #[error("signature does not match{}", if *probe { " (a deliberate probe by WeChat Pay)" } else { "" })]
    Mismatch {
        /// Whether it announces itself as a probe. Refuse it all the same.
        probe: bool,
    },
}

fn off(seconds: Option<i64>) -> String {
    seconds.map_or_else(String::new, |seconds| format!(" ({seconds:+} s)"))
}

/// The signature headers that a server puts on an answer or a notification.
///
/// `sign` makes the raw signature over the message it is given.
///
/// # Errors
/// Whatever `sign` fails with.
pub fn signature_headers<E>(
    scheme: Scheme,
    serial: &KeyId,
    stamp: &Stamp,
    body: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<[(&'static str, String); 5], E> {
    let timestamp = stamp.timestamp.to_string();
    let signature = sign(&message::answer(&timestamp, &stamp.nonce, body))?;
    Ok([
        (header::TIMESTAMP, timestamp),
        (header::NONCE, stamp.nonce.clone()),
        (header::SERIAL, serial.as_str().to_owned()),
        (header::SIGNATURE, signature::encode(&signature)),
        (header::SIGNATURE_TYPE, scheme.as_str().to_owned()),
    ])
}
