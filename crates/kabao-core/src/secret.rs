//! The APIv3 key.

use std::{convert::Infallible, fmt};

use zeroize::Zeroizing;

/// The 32-byte key that opens certificate lists and notifications: the
/// merchant's APIv3 key, or a brand's API key.
///
/// It is set in the merchant console and used as typed: 32 ASCII characters,
/// neither hex nor base64. `Debug` shows nothing of it and the memory is wiped
/// on drop.
///
/// ```
/// use kabao_core::ApiV3Key;
///
/// assert!(ApiV3Key::new("0123456789abcdef0123456789abcdef").is_ok());
/// let error = ApiV3Key::new("too short").unwrap_err();
/// assert_eq!(error.to_string(), "an APIv3 key has exactly 32 bytes, this one has 9");
/// ```
#[derive(Clone)]
pub struct ApiV3Key(Zeroizing<[u8; 32]>);

impl ApiV3Key {
    /// Takes the key as typed in the console.
    ///
    /// # Errors
    /// [`ApiV3KeyError`] if it is not exactly 32 bytes long.
    pub fn new(key: impl AsRef<[u8]>) -> Result<Self, ApiV3KeyError> {
        let key = key.as_ref();
        <[u8; 32]>::try_from(key)
            .map(|bytes| Self(Zeroizing::new(bytes)))
            .map_err(|_| ApiV3KeyError { length: key.len() })
    }

    /// The key's bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<&str> for ApiV3Key {
    type Error = ApiV3KeyError;

    fn try_from(key: &str) -> Result<Self, ApiV3KeyError> {
        Self::new(key)
    }
}

impl TryFrom<&String> for ApiV3Key {
    type Error = ApiV3KeyError;

    fn try_from(key: &String) -> Result<Self, ApiV3KeyError> {
        Self::new(key)
    }
}

impl TryFrom<String> for ApiV3Key {
    type Error = ApiV3KeyError;

    fn try_from(key: String) -> Result<Self, ApiV3KeyError> {
        Self::new(Zeroizing::new(key).as_bytes())
    }
}

impl fmt::Debug for ApiV3Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiV3Key(..)")
    }
}

/// The key has the wrong length; copy it again from the merchant console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an APIv3 key has exactly 32 bytes, this one has {length}")]
pub struct ApiV3KeyError {
    /// How many bytes were given.
    pub length: usize,
}

impl From<Infallible> for ApiV3KeyError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}
