//! Values that travel only encrypted: phone numbers, form answers.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::keys::{PrivateKey, PublicKey};

/// A value in plaintext. WeChat Pay accepts it only sealed.
///
/// It has no `Serialize`, so a request that forgot to seal it does not compile;
/// showing it takes an explicit step ([`expose`](Self::expose),
/// [`reveal`](Self::reveal)). It can be read from a file. `Debug` shows
/// nothing, and the memory is wiped on drop.
///
/// ```
/// use kabao_core::Sensitive;
///
/// let phone = Sensitive::from("13800138000");
/// assert_eq!(phone.expose(), "13800138000");
/// assert_eq!(format!("{phone:?}"), "Sensitive(..)");
/// ```
#[derive(Clone)]
pub struct Sensitive(State);

#[derive(Clone)]
enum State {
    Plain(Zeroizing<String>),
    Unopened(Sealed),
}

impl Sensitive {
    /// Wraps a plaintext.
    pub fn new(plaintext: impl Into<String>) -> Self {
        Self(State::Plain(Zeroizing::new(plaintext.into())))
    }

    /// A received value that did not open; it is kept as it came.
    #[must_use]
    pub fn unopened(sealed: Sealed) -> Self {
        Self(State::Unopened(sealed))
    }

    /// The plaintext; of a value that did not open
    /// ([`is_opened`](Self::is_opened)) the text that came instead.
    #[must_use]
    pub fn expose(&self) -> &str {
        match &self.0 {
            State::Plain(text) => text,
            State::Unopened(sealed) => sealed.as_str(),
        }
    }

    /// Whether [`expose`](Self::expose) gives plaintext. A value that did not
    /// open was sealed for another key than the caller's, or never sealed.
    #[must_use]
    pub fn is_opened(&self) -> bool {
        matches!(self.0, State::Plain(_))
    }

    /// The value in a form that serialises, for showing it on purpose.
    #[must_use]
    pub fn reveal(&self) -> Revealed {
        Revealed(Zeroizing::new(self.expose().to_owned()))
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Plain(_) => "Sensitive(..)",
            State::Unopened(_) => "Sensitive(unopened)",
        })
    }
}

impl From<&str> for Sensitive {
    fn from(plaintext: &str) -> Self {
        Self::new(plaintext)
    }
}

impl From<String> for Sensitive {
    fn from(plaintext: String) -> Self {
        Self::new(plaintext)
    }
}

impl<'de> Deserialize<'de> for Sensitive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// A plaintext that somebody decided to show: it serialises. `Debug` still
/// shows nothing.
#[derive(Clone)]
pub struct Revealed(Zeroizing<String>);

impl Revealed {
    /// The plaintext.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Revealed(..)")
    }
}

impl Serialize for Revealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A sealed value as it travels: base64 of an RSA-OAEP block.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// Takes the text from the wire; whether it opens shows later.
    pub fn from_wire(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} characters)", self.0.chars().count())
    }
}

/// Seals values for one receiver.
pub trait Sealer {
    /// Seals one value.
    ///
    /// # Errors
    /// [`SealError`] if it is too long, or never was plaintext.
    fn seal(&self, value: &Sensitive) -> Result<Sealed, SealError>;
}

/// Opens values that were sealed for one receiver.
pub trait Opener {
    /// Opens one value.
    ///
    /// # Errors
    /// [`OpenError`] if it was not sealed for this key.
    fn open(&self, sealed: &Sealed) -> Result<Sensitive, OpenError>;
}

impl Sealer for PublicKey {
    /// RSA-OAEP with SHA-1 and MGF1-SHA-1, base64. An empty text stays empty,
    /// as in the official SDKs.
    fn seal(&self, value: &Sensitive) -> Result<Sealed, SealError> {
        let State::Plain(text) = &value.0 else {
            return Err(SealError::Unopened);
        };
        if text.is_empty() {
            return Ok(Sealed(String::new()));
        }
        self.seal_block(text.as_bytes())
            .map(|block| Sealed(STANDARD.encode(block)))
            .ok_or(SealError::TooLong {
                length: text.len(),
                limit: self.seal_limit(),
            })
    }
}

impl Opener for PrivateKey {
    fn open(&self, sealed: &Sealed) -> Result<Sensitive, OpenError> {
        if sealed.0.is_empty() {
            return Ok(Sensitive::new(""));
        }
        let block = STANDARD
            .decode(&sealed.0)
            .map_err(|_| OpenError::NotBase64)?;
        let bytes = self.open_block(&block).ok_or(OpenError::OtherKey)?;
        std::str::from_utf8(&bytes)
            .map(Sensitive::from)
            .map_err(|_| OpenError::NotText)
    }
}

/// A value could not be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// RSA-OAEP holds only so many bytes; a Chinese character takes three.
    #[error("a sealed value holds at most {limit} bytes of UTF-8, this one has {length}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The value came sealed and did not open, so there is no plaintext to seal.
    #[error("this value was received sealed and did not open, so it cannot be sent")]
    Unopened,
}

/// A value could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Plaintext where ciphertext was expected, or a damaged one.
    #[error("not base64, so not a sealed value")]
    NotBase64,
    /// Sealed for another key, with other parameters (SHA-256), or damaged.
    #[error("not sealed for this key with RSA-OAEP (SHA-1)")]
    OtherKey,
    /// It opens to bytes that are not UTF-8.
    #[error("the opened bytes are not UTF-8 text")]
    NotText,
}
