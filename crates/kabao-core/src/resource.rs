//! AES-256-GCM: certificate lists and the resource of a notification.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::ApiV3Key;

/// The only algorithm of the RSA suite.
pub const AEAD_AES_256_GCM: &str = "AEAD_AES_256_GCM";

/// An encrypted block as the wire carries it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncryptedResource {
    /// What kind of object is inside; absent in certificate lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_type: Option<String>,
    /// [`AEAD_AES_256_GCM`].
    pub algorithm: String,
    /// Base64 of the encrypted bytes followed by the 16-byte tag.
    pub ciphertext: String,
    /// Bound to the ciphertext; absent, null and empty mean the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub associated_data: Option<String>,
    /// 12 characters.
    pub nonce: String,
}

impl EncryptedResource {
    /// Encrypts `plaintext`; `nonce` is 12 characters that were never used with
    /// this key.
    ///
    /// # Errors
    /// [`ResourceError::NonceLength`] if the nonce is not 12 bytes.
    pub fn seal(
        key: &ApiV3Key,
        nonce: &str,
        associated_data: &str,
        plaintext: &[u8],
    ) -> Result<Self, ResourceError> {
        let mut bytes = plaintext.to_vec();
        cipher(key)?
            .seal_in_place_append_tag(gcm_nonce(nonce)?, Aad::from(associated_data), &mut bytes)
            .map_err(|_| ResourceError::Tag)?;
        Ok(Self {
            original_type: None,
            algorithm: AEAD_AES_256_GCM.into(),
            ciphertext: STANDARD.encode(bytes),
            associated_data: Some(associated_data.to_owned()),
            nonce: nonce.to_owned(),
        })
    }

    /// Opens the block.
    ///
    /// # Errors
    /// [`ResourceError`] if the algorithm is another one, or anything was
    /// altered, or the key is not the right one.
    pub fn open(&self, key: &ApiV3Key) -> Result<Zeroizing<Vec<u8>>, ResourceError> {
        if self.algorithm != AEAD_AES_256_GCM {
            return Err(ResourceError::Algorithm {
                algorithm: self.algorithm.clone(),
            });
        }
        let mut bytes = Zeroizing::new(
            STANDARD
                .decode(&self.ciphertext)
                .map_err(|_| ResourceError::NotBase64)?,
        );
        let associated_data = self.associated_data.as_deref().unwrap_or_default();
        let length = cipher(key)?
            .open_in_place(
                gcm_nonce(&self.nonce)?,
                Aad::from(associated_data),
                &mut bytes,
            )
            .map_err(|_| ResourceError::Tag)?
            .len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// An encrypted block could not be opened (or made).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceError {
    /// Another algorithm than [`AEAD_AES_256_GCM`].
    #[error("algorithm `{algorithm}` is not {AEAD_AES_256_GCM}")]
    Algorithm {
        /// What stood there.
        algorithm: String,
    },
    /// The nonce is not 12 bytes.
    #[error("the nonce has {length} bytes, AES-GCM takes {NONCE_LEN}")]
    NonceLength {
        /// Its length.
        length: usize,
    },
    /// The ciphertext is not base64.
    #[error("the ciphertext is not base64")]
    NotBase64,
    /// Altered, or encrypted with another APIv3 key.
    #[error("the ciphertext does not open: it was altered, or the APIv3 key is another one")]
    Tag,
}

fn cipher(key: &ApiV3Key) -> Result<LessSafeKey, ResourceError> {
    UnboundKey::new(&AES_256_GCM, key.expose())
        .map(LessSafeKey::new)
        .map_err(|_| ResourceError::Tag)
}

fn gcm_nonce(nonce: &str) -> Result<Nonce, ResourceError> {
    Nonce::try_assume_unique_for_key(nonce.as_bytes()).map_err(|_| ResourceError::NonceLength {
        length: nonce.len(),
    })
}
