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

#[cfg(test)]
mod tests {
    use kabao_core::{PrivateKey, keyring::KeyId, signature::Scheme};

    use super::*;
    use crate::keys::CallerCertificate;

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
            private_key,
        };
        CallerKeys {
            scheme,
            identity: "1900000001".into(),
            certificates: vec![certificate],
            secret: ApiV3Key::new([b'k'; 32]).expect("32 bytes"),
            platform: Vec::new(),
        }
    }

    fn event(name: &str) -> Event {
        Event::decode(name, RESOURCE.as_bytes()).expect("an event")
    }

    fn written(to: &CallerKeys, event: Event, form: Form) -> (Notification, Value) {
        let created = Timestamp::UNIX_EPOCH;
        let body = compose(to, "8b33", created, event, form).expect("a body");
        let notification: Notification = serde_json::from_slice(&body).expect("an envelope");
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
        let (notification, resource) = written(&to, created(), Form::default());
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
        let opener = &to.certificates[0].private_key;
        let opened = opener.open(&Sealed::from_wire(sealed)).expect("its key");
        assert_eq!(opened.expose(), "13800138000");

        let plain = Form {
            plain_values: true,
            ..Form::default()
        };
        let (_, resource) = written(&to, created(), plain);
        assert_eq!(resource["phone_number"], "13800138000");
    }

    #[test]
    fn states_have_the_names_that_were_chosen() {
        let to = caller(Scheme::WechatpayBrandSha256Rsa2048);
        let community = Form {
            community_states: true,
            ..Form::default()
        };
        for (kind, form, state) in [
            ("USER_CARD.CREATE", Form::default(), "UNACTIVATED"),
            ("USER_CARD.CREATE", community, "NOT_EFFECTIVE"),
            ("USER_CARD.DELETE", community, "DELETE"),
        ] {
            let name = format!("BRAND_MEMBER_CARD.{kind}");
            let (notification, resource) = written(&to, event(&name), form);
            assert_eq!(notification.event_type, name);
            assert_eq!(resource["user_card_state"], state);
        }
    }

    #[test]
    fn people_read_what_was_written() {
        let to = caller(Scheme::Wechatpay2Sha256Rsa2048);
        let event = event("BRAND_MEMBER_CARD.USER_CARD.CREATE");
        let form = Form::default();
        let body = compose(&to, "8b33", Timestamp::UNIX_EPOCH, event, form).expect("a body");
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
