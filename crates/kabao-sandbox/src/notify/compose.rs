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

use super::{NotificationSettings, settings::Form};
use crate::{
    keys::CallerKeys,
    random,
    refusal::Refusal,
    store::{Owed, OwedState},
};

/// Something happened of which a caller is to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion<'a> {
    /// Who is told: its keys sign and open, its kind decides the names.
    pub(crate) to: &'a CallerKeys,
    /// The tenant.
    pub(crate) brand_id: &'a str,
    /// The template, if it is about one.
    pub(crate) card_id: Option<&'a str>,
    pub(crate) notify_url: &'a str,
    /// The notification's id, from [`random::notification_id`].
    pub(crate) id: &'a str,
    /// When it happened, by the sandbox's clock.
    pub(crate) now: Timestamp,
}

impl Occasion<'_> {
    /// Writes the notification for the outbox, due at once. Its body stays the
    /// same on every attempt: the resource, its personal values sealed for the
    /// receiver's newest certificate, all of it encrypted with the receiver's
    /// key, in the documented envelope.
    pub(crate) fn owed(
        &self,
        event: Event,
        settings: &NotificationSettings,
    ) -> Result<Owed, ComposeError> {
        let kind = event.kind().ok_or(ComposeError::Unknown)?;
        let resource = self.resource(event, settings.form)?;
        let envelope = Envelope {
            id: self.id,
            created: self.now,
            kind,
            scheme: self.to.scheme,
        };
        let nonce = random::resource_nonce();
        let notification = envelope.seal(&resource, &self.to.secret, &nonce)?;
        Ok(Owed {
            brand_id: self.brand_id.to_owned(),
            id: self.id.to_owned(),
            card_id: self.card_id.map(ToOwned::to_owned),
            notify_url: self.notify_url.to_owned(),
            body: serde_json::to_vec(&notification)?,
            event_type: notification.event_type,
            scheme: self.to.scheme,
            identity: self.to.identity.clone(),
            create_time: self.now,
            state: OwedState::Pending,
            attempts: Vec::new(),
            next_attempt: Some(self.now),
            leased_until: None,
        })
    }

    fn resource(&self, event: Event, form: Form) -> Result<Vec<u8>, ComposeError> {
        let event = match form.community_states {
            true => in_community_words(event),
            false => event,
        };
        if form.plain_values {
            return Ok(serde_json::to_vec(&event.reveal())?);
        }
        let certificate = self.to.certificates.first();
        let certificate = certificate.ok_or(ComposeError::NoCertificate)?;
        Ok(serde_json::to_vec(&event.seal(&certificate.public_key)?)?)
    }
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
        keys.find_map(|certificate| certificate.private_key.as_ref()?.open(sealed).ok())
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

impl From<ComposeError> for Refusal {
    fn from(error: ComposeError) -> Self {
        tracing::error!(%error, "a notification could not be written");
        Self::system_error()
    }
}

#[cfg(test)]
mod tests {
    use kabao_core::{PrivateKey, keyring::KeyId, signature::Scheme};

    use super::*;
    use crate::keys::{CallerCertificate, Migration};

    const RESOURCE: &str = r#"{
        "user_card_code": "4785", "card_id": "p", "openid": "o", "brand_id": "1004",
        "phone_number": "13800138000", "user_card_state": "UNACTIVATED"
    }"#;

    fn caller(scheme: Scheme) -> CallerKeys {
        let private_key = PrivateKey::generate().expect("a key");
        let certificate = CallerCertificate {
            serial_no: KeyId::new("4F"),
            certificate_pem: String::new(),
            public_key: private_key.public_key().clone(),
            private_key: Some(private_key),
            expired: None,
        };
        CallerKeys {
            scheme,
            identity: "1900000001".into(),
            certificates: vec![certificate],
            secret: ApiV3Key::new([b'k'; 32]).expect("32 bytes"),
            platform: Vec::new(),
            migration: Migration::finished(),
        }
    }

    fn event(name: &str) -> Event {
        Event::decode(name, RESOURCE.as_bytes()).expect("an event")
    }

    fn owed(to: &CallerKeys, event: Event, settings: &NotificationSettings) -> Owed {
        let occasion = Occasion {
            to,
            brand_id: "1004",
            card_id: Some("p"),
            notify_url: "https://shop.example.com/notify",
            id: "8b33",
            now: Timestamp::UNIX_EPOCH,
        };
        occasion.owed(event, settings).expect("a notification")
    }

    fn written(
        to: &CallerKeys,
        event: Event,
        settings: &NotificationSettings,
    ) -> (Notification, Value) {
        let owed = owed(to, event, settings);
        let notification: Notification = serde_json::from_slice(&owed.body).expect("an envelope");
        assert_eq!(owed.event_type, notification.event_type);
        assert_eq!(owed.next_attempt, Some(Timestamp::UNIX_EPOCH), "at once");
        let resource = notification.open(&to.secret).expect("a resource");
        (
            notification,
            serde_json::from_slice(&resource).expect("JSON"),
        )
    }

    #[test]
    fn values_are_sealed_for_the_receiver_unless_told_otherwise() {
        let to = caller(Scheme::Wechatpay2Sha256Rsa2048);
        let created = || event("BRAND_MEMBER_CARD.USER_CARD.CREATE");
        let (notification, resource) = written(&to, created(), &NotificationSettings::default());
        assert_eq!(
            notification.event_type,
            "BRAND_MEMBER_CARD_SP.USER_CARD.CREATE"
        );
        assert_eq!(
            notification.resource.associated_data.as_deref(),
            Some("user_card")
        );
        let sealed = resource["phone_number"].as_str().expect("a text");
        assert_eq!(sealed.len(), 344, "{sealed}");
        let opener = to.certificates[0].private_key.as_ref().expect("a key");
        let opened = opener.open(&Sealed::from_wire(sealed)).expect("its key");
        assert_eq!(opened.expose(), "13800138000");

        let plain = NotificationSettings::default().plain_values(true);
        let (_, resource) = written(&to, created(), &plain);
        assert_eq!(resource["phone_number"], "13800138000");
    }

    #[test]
    fn states_have_the_names_that_were_chosen() {
        let to = caller(Scheme::WechatpayBrandSha256Rsa2048);
        let usual = NotificationSettings::default();
        let community = usual.clone().community_states(true);
        for (kind, settings, state) in [
            ("USER_CARD.CREATE", &usual, "UNACTIVATED"),
            ("USER_CARD.CREATE", &community, "NOT_EFFECTIVE"),
            ("USER_CARD.DELETE", &community, "DELETE"),
        ] {
            let name = format!("BRAND_MEMBER_CARD.{kind}");
            let (notification, resource) = written(&to, event(&name), settings);
            assert_eq!(notification.event_type, name);
            assert_eq!(resource["user_card_state"], state);
        }
    }

    #[test]
    fn people_read_what_was_written() {
        let to = caller(Scheme::Wechatpay2Sha256Rsa2048);
        let event = event("BRAND_MEMBER_CARD.USER_CARD.CREATE");
        let body = owed(&to, event, &NotificationSettings::default()).body;
        let expected: Value = serde_json::from_str(RESOURCE).expect("JSON");
        assert_eq!(for_people(Some(&to), &body), expected);
        let mut stranger = caller(Scheme::Wechatpay2Sha256Rsa2048);
        stranger.secret = ApiV3Key::new([b'x'; 32]).expect("32 bytes");
        for unreadable in [
            for_people(Some(&stranger), &body),
            for_people(Some(&to), b"{}"),
            for_people(None, &body),
        ] {
            assert!(unreadable["error"].is_string(), "{unreadable}");
        }
    }
}
