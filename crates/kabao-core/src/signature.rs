//! Signing and verifying, behind traits that a key in another process and
//! other algorithms fit.

use std::{fmt, future::Future, pin::Pin};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// An `Authorization` scheme: who signs, and with which algorithms.
///
/// | scheme | caller | signature |
/// |---|---|---|
/// | `WECHATPAY2-SHA256-RSA2048` | merchant (`mchid`) | RSA PKCS#1 v1.5, SHA-256 |
/// | `WECHATPAY-BRAND-SHA256-RSA2048` | brand (`brand_id`) | the same |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// A merchant or service provider on `/v3/…`.
    Wechatpay2Sha256Rsa2048,
    /// A brand on `/brand/…`.
    WechatpayBrandSha256Rsa2048,
}

impl Scheme {
    /// Every scheme this version speaks.
    pub const ALL: [Self; 2] = [
        Self::Wechatpay2Sha256Rsa2048,
        Self::WechatpayBrandSha256Rsa2048,
    ];

    /// The name on the wire, in `Authorization` and `Wechatpay-Signature-Type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wechatpay2Sha256Rsa2048 => "WECHATPAY2-SHA256-RSA2048",
            Self::WechatpayBrandSha256Rsa2048 => "WECHATPAY-BRAND-SHA256-RSA2048",
        }
    }

    /// The scheme of that name, if this version speaks it. Names are matched
    /// exactly.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == name)
    }

    /// The item of `Authorization` that names the caller.
    #[must_use]
    pub const fn identity_item(self) -> &'static str {
        match self {
            Self::Wechatpay2Sha256Rsa2048 => "mchid",
            Self::WechatpayBrandSha256Rsa2048 => "brand_id",
        }
    }

    /// The algorithms behind the scheme.
    #[must_use]
    pub const fn suite(self) -> Suite {
        Suite::Rsa2048Sha256
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of algorithms that belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Suite {
    /// RSA-2048 with SHA-256, RSA-OAEP with SHA-1, AES-256-GCM.
    Rsa2048Sha256,
}

/// What [`Signer::sign`] gives: raw signature bytes, in time.
pub type Signing<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, SignError>> + Send + 'a>>;

/// Makes a caller's signatures. The key may live in this process
/// ([`PrivateKey`](crate::PrivateKey)), in an HSM or behind another service.
pub trait Signer: Send + Sync + fmt::Debug {
    /// The algorithms this key signs with; a scheme of another suite is
    /// refused when the client is built.
    fn suite(&self) -> Suite;

    /// Signs the canonical message ([`crate::message`]).
    ///
    /// # Errors
    /// [`SignError`] if the key cannot be used; nothing is sent then.
    fn sign<'a>(&'a self, message: &'a [u8]) -> Signing<'a>;
}

/// Checks signatures that were made with one key.
pub trait Verifier: Send + Sync + fmt::Debug {
    /// The algorithms this key checks.
    fn suite(&self) -> Suite;

    /// Whether `signature` was made over `message` with this key.
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool;
}

/// A signature could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the request could not be signed: {reason}")]
pub struct SignError {
    reason: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl SignError {
    /// A failure in words.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            source: None,
        }
    }

    /// A failure with its cause, for signers that ask another service.
    pub fn with_source(
        reason: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            reason: reason.into(),
            source: Some(source.into()),
        }
    }
}

/// A signature as the headers carry it: base64, standard alphabet, padded.
#[must_use]
pub fn encode(signature: &[u8]) -> String {
    STANDARD.encode(signature)
}

/// The bytes of a signature taken from a header, or `None` if that is not
/// base64 (which then counts as a signature that does not match).
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// How a deliberately wrong signature begins. WeChat Pay sends a few of them to
/// see whether the receiver verifies; they fail like any other, and this serves
/// only to word the log line.
pub const PROBE_PREFIX: &str = "WECHATPAY/SIGNTEST/";
