//! Notifications: the envelope that is posted to a `notify_url`, and the event
//! inside, in both directions.
//!
//! A receiver verifies the raw body first ([`crate::answer::AnswerSignature`]),
//! then parses it as a [`Notification`] and opens its [`Event`]. A server fills
//! an [`Envelope`] and signs the bytes it becomes.

mod event;
mod kind;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use event::{Event, SecurityEcho, UnknownEvent, open_if_sealed};
pub use kind::EventKind;

use crate::{
    extra::Extra,
    resource::{EncryptedResource, ResourceError},
    secret::ApiV3Key,
    sensitive::{Opener, Sealed},
    signature::Scheme,
    time::Time,
};

/// What `resource_type` says of every notification.
pub const ENCRYPT_RESOURCE: &str = "encrypt-resource";

/// What WeChat Pay posts to a `notify_url`. Verify the raw body first
/// ([`crate::answer::AnswerSignature`]), then parse it as this, then read its
/// [`event`](Self::event).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// Unique, at most 36 characters; the same on every redelivery.
    pub id: String,
    /// RFC 3339.
    pub create_time: String,
    /// [`ENCRYPT_RESOURCE`].
    pub resource_type: String,
    /// Such as `BRAND_MEMBER_CARD_SP.USER_CARD.CREATE`.
    pub event_type: String,
    /// For people.
    #[serde(default)]
    pub summary: String,
    /// The encrypted object.
    pub resource: EncryptedResource,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Notification {
    /// Opens the resource: JSON text, usually.
    ///
    /// # Errors
    /// [`ResourceError`] if the key is not the right one or anything was altered.
    pub fn open(&self, key: &ApiV3Key) -> Result<Zeroizing<Vec<u8>>, ResourceError> {
        self.resource.open(key)
    }

    /// Opens the resource and reads the event; values that are sealed once more
    /// are opened with `opener` (a private key), or kept as they came.
    ///
    /// # Errors
    /// [`EventError`]: it does not open, or is not what its type promises.
    pub fn event(&self, key: &ApiV3Key, opener: Option<&dyn Opener>) -> Result<Event, EventError> {
        let plaintext = self.open(key)?;
        Event::<Sealed>::decode(&self.event_type, &plaintext)
            .map(|event| event.open(opener))
            .map_err(|error| EventError::Decode {
                event_type: self.event_type.clone(),
                place: place_of(&error),
            })
    }
}

/// The outside of a notification, as a server fills it in.
///
/// ```
/// use kabao_core::{
///     ApiV3Key,
///     notification::{Envelope, Event, EventKind},
///     signature::Scheme,
/// };
///
/// let key = ApiV3Key::new("0123456789abcdef0123456789abcdef")?;
/// let envelope = Envelope {
///     id: "8b33f79f-8869-5ae5-b41b-3c0b59f957d0",
///     created: "2025-08-01T10:00:00+08:00".parse()?,
///     kind: EventKind::SyncUserPoint,
///     scheme: Scheme::Wechatpay2Sha256Rsa2048,
/// };
/// let resource = br#"{"brand_id":"1004","card_id":"p","openid":"o","user_card_code":"4"}"#;
/// let posted = envelope.seal(resource, &key, "j9g1wAzF9Xn1")?;
/// assert_eq!(posted.event_type, "BRAND_MEMBER_CARD_SP.SYNC_USER_POINT");
/// assert!(matches!(posted.event(&key, None)?, Event::SyncUserPoint(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Unique, at most 36 characters.
    pub id: &'a str,
    /// When it happened.
    pub created: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// Whom it is told: decides the prefix of the event's name.
    pub scheme: Scheme,
}

impl Envelope<'_> {
    /// Encrypts the resource and puts the envelope around it; `nonce` is 12
    /// characters that were never used with this key.
    ///
    /// # Errors
    /// [`ResourceError::NonceLength`] if the nonce is not 12 bytes.
    pub fn seal(
        &self,
        resource: &[u8],
        key: &ApiV3Key,
        nonce: &str,
    ) -> Result<Notification, ResourceError> {
        let original_type = self.kind.original_type();
        let sealed = EncryptedResource::seal(key, nonce, original_type, resource)?;
        Ok(Notification {
            id: self.id.to_owned(),
            create_time: Time::seconds(self.created).to_string(),
            resource_type: ENCRYPT_RESOURCE.to_owned(),
            event_type: self.kind.name(self.scheme),
            summary: self.kind.summary().to_owned(),
            resource: EncryptedResource {
                original_type: Some(original_type.to_owned()),
                ..sealed
            },
            extra: Extra::default(),
        })
    }
}

/// The event inside an envelope could not be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The resource does not open; check the APIv3 key.
    #[error("the resource does not open: {0}")]
    Resource(#[from] ResourceError),
    /// The opened resource is not what its event type promises.
    #[error("the resource of {event_type} cannot be read: {place}")]
    Decode {
        /// The event type.
        event_type: String,
        /// What is wrong and where, without values.
        place: String,
    },
}

/// What is wrong and where. The error's own words quote values, but for the name
/// of a member that is missing.
fn place_of(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let text = error.to_string();
    if let Some(name) = text.strip_prefix("missing field `") {
        let name = name.split('`').next().unwrap_or_default();
        return format!("member `{name}` is missing");
    }
    let what = match error.classify() {
        Category::Data => "a member is of another type",
        Category::Eof => "it is cut short",
        Category::Syntax | Category::Io => "it is not JSON",
    };
    format!("{what} at line {}, column {}", error.line(), error.column())
}
