//! The envelope of a notification, before it is opened and after.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    resource::{EncryptedResource, ResourceError},
    secret::ApiV3Key,
};

/// What WeChat Pay posts to a `notify_url`. Verify the raw body first
/// ([`crate::answer::AnswerSignature`]), then parse it as this, then
/// [`open`](Self::open) it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Unique, at most 36 characters; the same on every redelivery.
    pub id: String,
    /// RFC 3339.
    pub create_time: String,
    /// `encrypt-resource`.
    pub resource_type: String,
    /// Such as `BRAND_MEMBER_CARD_SP.USER_CARD.CREATE`.
    pub event_type: String,
    /// For people.
    #[serde(default)]
    pub summary: String,
    /// The encrypted object.
    pub resource: EncryptedResource,
}

impl Notification {
    /// Opens the resource: JSON text, usually.
    ///
    /// # Errors
    /// [`ResourceError`] if the key is not the right one or anything was altered.
    pub fn open(&self, key: &ApiV3Key) -> Result<Zeroizing<Vec<u8>>, ResourceError> {
        self.resource.open(key)
    }
}
