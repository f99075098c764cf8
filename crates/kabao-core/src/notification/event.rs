use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Serialize, Serializer,
    de::{DeserializeOwned, IgnoredAny},
};
use zeroize::Zeroizing;

use super::EventKind;
use crate::{
    card_member::{PointCoupon, SyncUserPoint, UserCardEvent},
    extra::{Extra, none},
    sensitive::{Opener, Revealed, SealError, Sealed, Sealer, Sensitive},
};

/// What a notification tells: over [`Sensitive`] in a program's hands, over
/// [`Sealed`] on the wire, over [`Revealed`] where it is shown on purpose.
///
/// It serialises as the resource alone.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event<S = Sensitive> {
    /// A user opened a card. Confirm it with the call `confirm`.
    UserCardCreated(Box<UserCardEvent<S>>),
    /// A user deleted the card. Nothing is to be called.
    UserCardDeleted(Box<UserCardEvent<S>>),
    /// A user wants a coupon for points. Confirm or reject it.
    PointExchangeCoupon(PointCoupon),
    /// WeChat Pay wants a current balance of points. Sync it.
    SyncUserPoint(SyncUserPoint),
    /// The self-test that `/v3/security/echo` was asked for.
    SecurityEcho(SecurityEcho<S>),
    /// An event this version does not know, or of another product.
    Unknown(UnknownEvent),
}

/// What `/v3/security/echo` sends to the `notify_url` it was given.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
pub struct SecurityEcho<S = Sensitive> {
    /// The message as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo_message: Option<String>,
    /// The encrypted message, encrypted anew for the receiver.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub encrypt_echo_message: Option<S>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// An event that has no type here, with its JSON as it came. `Debug` shows the
/// names alone.
#[derive(Clone)]
pub struct UnknownEvent {
    /// Such as `TRANSACTION.SUCCESS`.
    pub event_type: String,
    text: Zeroizing<String>,
}

impl<S> Event<S> {
    /// What happened; `None` for an event this version does not know.
    #[must_use]
    pub fn kind(&self) -> Option<EventKind> {
        Some(match self {
            Self::UserCardCreated(_) => EventKind::UserCardCreate,
            Self::UserCardDeleted(_) => EventKind::UserCardDelete,
            Self::PointExchangeCoupon(_) => EventKind::PointExchangeCoupon,
            Self::SyncUserPoint(_) => EventKind::SyncUserPoint,
            Self::SecurityEcho(_) => EventKind::SecurityEcho,
            Self::Unknown(_) => return None,
        })
    }

    /// Turns every sensitive value into another form.
    ///
    /// # Errors
    /// The first that `convert` gives.
    pub fn try_map<T, E>(self, mut convert: impl FnMut(S) -> Result<T, E>) -> Result<Event<T>, E> {
        Ok(match self {
            Self::UserCardCreated(card) => {
                Event::UserCardCreated(Box::new(card.try_map(|_, value| convert(value))?))
            }
            Self::UserCardDeleted(card) => {
                Event::UserCardDeleted(Box::new(card.try_map(|_, value| convert(value))?))
            }
            Self::SecurityEcho(echo) => Event::SecurityEcho(SecurityEcho {
                echo_message: echo.echo_message,
                encrypt_echo_message: echo.encrypt_echo_message.map(convert).transpose()?,
                extra: echo.extra,
            }),
            Self::PointExchangeCoupon(coupon) => Event::PointExchangeCoupon(coupon),
            Self::SyncUserPoint(sync) => Event::SyncUserPoint(sync),
            Self::Unknown(unknown) => Event::Unknown(unknown),
        })
    }
}

impl<S: DeserializeOwned> Event<S> {
    /// Reads an opened resource. `event_type` decides what it is; of an unknown
    /// one, only that it is JSON is asked.
    ///
    /// # Errors
    /// [`serde_json::Error`] if it is not what the event type promises. Its
    /// words may quote values.
    pub fn decode(event_type: &str, resource: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(match EventKind::from_name(event_type) {
            Some(EventKind::UserCardCreate) => Self::UserCardCreated(read(resource)?),
            Some(EventKind::UserCardDelete) => Self::UserCardDeleted(read(resource)?),
            Some(EventKind::PointExchangeCoupon) => Self::PointExchangeCoupon(read(resource)?),
            Some(EventKind::SyncUserPoint) => Self::SyncUserPoint(read(resource)?),
            Some(EventKind::SecurityEcho) => Self::SecurityEcho(read(resource)?),
            None => Self::Unknown(UnknownEvent::read(event_type, resource)?),
        })
    }
}

impl Event<Sealed> {
    /// Opens every value that looks sealed; see [`open_if_sealed`]. One that
    /// does not open, or for which there is no `opener`, is kept as it came
    /// ([`Sensitive::is_opened`] is false then).
    #[must_use]
    pub fn open(self, opener: Option<&dyn Opener>) -> Event {
        let Ok(event) =
            self.try_map(|value| Ok::<_, std::convert::Infallible>(open_if_sealed(value, opener)));
        event
    }
}

impl Event<Sensitive> {
    /// Seals every value for one receiver, as the resource carries them.
    ///
    /// # Errors
    /// [`SealError`] if one is too long, or never was plaintext.
    pub fn seal(self, sealer: &dyn Sealer) -> Result<Event<Sealed>, SealError> {
        self.try_map(|value| sealer.seal(&value))
    }

    /// The event in a form that serialises, plaintext values included.
    #[must_use]
    pub fn reveal(&self) -> Event<Revealed> {
        let Ok(event) = self
            .clone()
            .try_map(|value| Ok::<_, std::convert::Infallible>(value.reveal()));
        event
    }
}

/// The resource alone; what kind it is stands in the envelope.
impl<S: Serialize> Serialize for Event<S> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        match self {
            Self::UserCardCreated(card) | Self::UserCardDeleted(card) => card.serialize(serializer),
            Self::PointExchangeCoupon(coupon) => coupon.serialize(serializer),
            Self::SyncUserPoint(sync) => sync.serialize(serializer),
            Self::SecurityEcho(echo) => echo.serialize(serializer),
            Self::Unknown(unknown) => unknown
                .json::<serde_json::Value>()
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
        }
    }
}

impl UnknownEvent {
    fn read(event_type: &str, resource: &[u8]) -> Result<Self, serde_json::Error> {
        let text = std::str::from_utf8(resource).map_err(serde::de::Error::custom)?;
        serde_json::from_str::<IgnoredAny>(text)?;
        Ok(Self {
            event_type: event_type.to_owned(),
            text: Zeroizing::new(text.to_owned()),
        })
    }

    /// The resource as it came, personal data included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The resource as a type of one's own. Sealed values stay sealed; open
    /// them with the private key.
    ///
    /// # Errors
    /// [`serde_json::Error`] if it is another type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.text)
    }
}

impl fmt::Debug for UnknownEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnknownEvent")
            .field("event_type", &self.event_type)
            .finish_non_exhaustive()
    }
}

/// The plaintext of a value that may or may not be sealed: the pages say sealed,
/// samples and some senders are plain. Plain values are far shorter than base64
/// of a whole RSA block, so that is how the two are told apart.
#[must_use]
pub fn open_if_sealed(value: Sealed, opener: Option<&dyn Opener>) -> Sensitive {
    if !looks_sealed(value.as_str()) {
        return Sensitive::new(value.as_str());
    }
    match opener.map(|opener| opener.open(&value)) {
        Some(Ok(opened)) => opened,
        _ => Sensitive::unopened(value),
    }
}

/// Blocks of RSA keys from 2048 to 8192 bits.
fn looks_sealed(text: &str) -> bool {
    const BLOCKS: std::ops::RangeInclusive<usize> = 256..=1024;
    STANDARD
        .decode(text)
        .is_ok_and(|block| BLOCKS.contains(&block.len()) && block.len() % 64 == 0)
}

fn read<T: DeserializeOwned>(resource: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(resource)
}
