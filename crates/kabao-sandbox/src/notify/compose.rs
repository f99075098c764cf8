//! From an event to the body that is posted, the same on every attempt, and
//! back for people.

use jiff::Timestamp;
use kabao_core::{
    ApiV3Key, Sealed, Sensitive,
    card_member::UserCardEventState,
    notification::{Envelope, Event, Notification},
    resource::ResourceError,
    sensitive::{OpenError, Opener, SealError},
};
use serde_json::{Value, json};

use super::settings::Form;
use crate::{keys::CallerKeys, random};

/// Writes the body of a notification to one caller: the resource, its personal
/// values sealed for the caller's newest certificate, all of it encrypted with
/// the caller's key, in the documented envelope.
pub(crate) fn compose(
    to: &CallerKeys,
    id: &str,
    created: Timestamp,
    event: Event,
    form: Form,
) -> Result<Vec<u8>, ComposeError> {
    let kind = event.kind().ok_or(ComposeError::Unknown)?;
    let event = if form.community_states {
        in_community_words(event)
    } else {
        event
    };
    let resource = if form.plain_values {
        serde_json::to_vec(&event.reveal())?
    } else {
        let certificate = to.certificates.first().ok_or(ComposeError::NoCertificate)?;
        serde_json::to_vec(&event.seal(&certificate.public_key)?)?
    };
    let envelope = Envelope {
        id,
        created,
        kind,
        scheme: to.scheme,
    };
    let notification = envelope.seal(&resource, &to.secret, &random::resource_nonce())?;
    Ok(serde_json::to_vec(&notification)?)
}

/// What a body says, decrypted and opened; what does not open is told instead.
pub(crate) fn for_people(to: Option<&CallerKeys>, body: &[u8]) -> Value {
    let opened = to.ok_or_else(|| "the receiver has no keys here".to_owned());
    let opened = opened.and_then(|to| {
        let notification: Notification =
            serde_json::from_slice(body).map_err(|error| error.to_string())?;
        open(&notification, to, &to.secret)
    });
    opened.unwrap_or_else(|error| json!({ "error": error }))
}

fn open(notification: &Notification, to: &CallerKeys, key: &ApiV3Key) -> Result<Value, String> {
    let event = notification
        .event(key, Some(&Certificates(to)))
        .map_err(|error| error.to_string())?;
    serde_json::to_value(event.reveal()).map_err(|error| error.to_string())
}

/// Opens with whichever of a caller's keys fits.
struct Certificates<'a>(&'a CallerKeys);

impl Opener for Certificates<'_> {
    fn open(&self, sealed: &Sealed) -> Result<Sensitive, OpenError> {
        let mut keys = self.0.certificates.iter();
        keys.find_map(|certificate| certificate.private_key.open(sealed).ok())
            .ok_or(OpenError::OtherKey)
    }
}

fn in_community_words(event: Event) -> Event {
    use UserCardEventState::{Delete, Invalid, NotEffective, Unactivated, Unavailable};
    match event {
        Event::UserCardCreated(mut card) => {
            card.user_card_state = card.user_card_state.map(|state| match state {
                Unactivated => NotEffective,
                Invalid => Unavailable,
                other => other,
            });
            Event::UserCardCreated(card)
        }
        Event::UserCardDeleted(mut card) => {
            card.user_card_state = Some(Delete);
            Event::UserCardDeleted(card)
        }
        other => other,
    }
}

/// A notification could not be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    #[error("an event without a kind has no name to be sent under")]
    Unknown,
    #[error("the receiver has no certificate to seal values for")]
    NoCertificate,
    #[error("a value cannot be sealed: {0}")]
    Seal(#[from] SealError),
    #[error("the resource cannot be encrypted: {0}")]
    Resource(#[from] ResourceError),
    #[error("the notification cannot be written: {0}")]
    Json(#[from] serde_json::Error),
}
