//! The documented resources of notifications, in both directions. The files of
//! this folder hold the documented values.

#[path = "../samples/members.rs"]
mod members;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kabao_core::{
    ApiV3Key, PrivateKey, Sealed, Sensitive,
    card_member::{CardType, UserCardEvent, UserCardEventState, UserCardState},
    notification::{Envelope, Event, EventError, EventKind, Notification},
    resource::{EncryptedResource, ResourceError},
    sensitive::{Opener, Sealer as _},
    signature::Scheme,
};
use members::Members;
use serde_json::{Value, json};

const USER_CARD: &str = include_str!("user_card.json");
const USER_CARD_DELETED: &str = include_str!("user_card_deleted.json");
const POINT_COUPON: &str = include_str!("point_coupon.json");
const SYNC_USER_POINT: &str = include_str!("sync_user_point.json");
const SECURITY: &str = include_str!("security.json");

const SAMPLES: [(EventKind, &str); 5] = [
    (EventKind::UserCardCreate, USER_CARD),
    (EventKind::UserCardDelete, USER_CARD_DELETED),
    (EventKind::PointExchangeCoupon, POINT_COUPON),
    (EventKind::SyncUserPoint, SYNC_USER_POINT),
    (EventKind::SecurityEcho, SECURITY),
];

const SP: Scheme = Scheme::Wechatpay2Sha256Rsa2048;
const BRAND: Scheme = Scheme::WechatpayBrandSha256Rsa2048;

fn api_key() -> ApiV3Key {
    ApiV3Key::new([b'k'; 32]).expect("32 bytes")
}

fn private_key() -> PrivateKey {
    PrivateKey::from_pem(include_str!("../vectors/keys/merchant_key.pem")).expect("a key")
}

fn posted(kind: EventKind, scheme: Scheme, resource: &str) -> Notification {
    let envelope = Envelope {
        id: "8b33f79f-8869-5ae5-b41b-3c0b59f957d0",
        created: Timestamp::from_second(1_754_013_600).expect("in range"),
        kind,
        scheme,
    };
    envelope
        .seal(resource.as_bytes(), &api_key(), "j9g1wAzF9Xn1")
        .expect("a nonce of 12 bytes")
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn card_of(event: Event) -> UserCardEvent {
    match event {
        Event::UserCardCreated(card) | Event::UserCardDeleted(card) => *card,
        other => panic!("{other:?} is about no card"),
    }
}

fn user_card(resource: &Value, opener: Option<&dyn Opener>) -> UserCardEvent {
    let text = resource.to_string();
    let posted = posted(EventKind::UserCardCreate, SP, &text);
    card_of(posted.event(&api_key(), opener).expect("an event"))
}

#[test]
fn every_sample_is_read_and_written_as_it_was() {
    for scheme in [SP, BRAND] {
        for (kind, sample) in SAMPLES {
            let event = posted(kind, scheme, sample)
                .event(&api_key(), None)
                .unwrap_or_else(|error| panic!("{kind}: {error}"));
            assert_eq!(event.kind(), Some(kind));
            let written = serde_json::to_value(event.reveal()).expect("JSON");
            assert_eq!(written, value(sample), "{kind}");
        }
    }
}

#[test]
fn every_member_of_a_sample_has_its_field_and_every_field_its_sample() {
    let mut unset: BTreeMap<&str, Vec<BTreeSet<String>>> = BTreeMap::new();
    for (kind, sample) in SAMPLES {
        let event = posted(kind, SP, sample)
            .event(&api_key(), None)
            .expect("an event");
        let members = Members::of(&event);
        assert!(members.all_known(), "{kind}: {members:?}");
        let of_its_type = unset.entry(kind.original_type()).or_default();
        of_its_type.push(members.unset.into_iter().collect());
    }
    for (original_type, samples) in unset {
        let in_none = samples.into_iter().reduce(|one, other| &one & &other);
        assert_eq!(in_none, Some(BTreeSet::new()), "{original_type}");
    }
}

#[test]
fn events_have_the_documented_names() {
    for (kind, partner, brand, original_type) in [
        (
            EventKind::UserCardCreate,
            "BRAND_MEMBER_CARD_SP.USER_CARD.CREATE",
            "BRAND_MEMBER_CARD.USER_CARD.CREATE",
            "user_card",
        ),
        (
            EventKind::UserCardDelete,
            "BRAND_MEMBER_CARD_SP.USER_CARD.DELETE",
            "BRAND_MEMBER_CARD.USER_CARD.DELETE",
            "user_card",
        ),
        (
            EventKind::PointExchangeCoupon,
            "BRAND_MEMBER_CARD_SP.POINT_EXCHANGE_COUPON",
            "BRAND_MEMBER_CARD.POINT_EXCHANGE_COUPON",
            "point_coupon",
        ),
        (
            EventKind::SyncUserPoint,
            "BRAND_MEMBER_CARD_SP.SYNC_USER_POINT",
            "BRAND_MEMBER_CARD.SYNC_USER_POINT",
            "sync_user_point",
        ),
    ] {
        assert_eq!((&*kind.name(SP), &*kind.name(BRAND)), (partner, brand));
        assert_eq!(kind.original_type(), original_type);
        assert_eq!(EventKind::from_name(partner), Some(kind));
        assert_eq!(EventKind::from_name(brand), Some(kind));
    }
}

#[test]
fn associated_data_may_be_absent() {
    let resource =
        EncryptedResource::seal(&api_key(), "j9g1wAzF9Xn1", "", SYNC_USER_POINT.as_bytes());
    let mut posted = posted(EventKind::SyncUserPoint, SP, "{}");
    posted.resource = EncryptedResource {
        associated_data: None,
        ..resource.expect("a nonce of 12 bytes")
    };
    let text = serde_json::to_string(&posted).expect("JSON");
    assert!(!text.contains("associated_data"), "{text}");
    let read: Notification = serde_json::from_str(&text).expect("an envelope");
    let event = read.event(&api_key(), None).expect("an event");
    assert_eq!(event.kind(), Some(EventKind::SyncUserPoint));
}

#[test]
fn the_envelope_is_the_documented_one() {
    let posted = posted(EventKind::UserCardCreate, SP, USER_CARD);
    let written = serde_json::to_value(&posted).expect("JSON");
    let expected = json!({
        "id": "8b33f79f-8869-5ae5-b41b-3c0b59f957d0",
        "create_time": "2025-08-01T10:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": "BRAND_MEMBER_CARD_SP.USER_CARD.CREATE",
        "summary": "用户开通会员卡通知",
        "resource": {
            "original_type": "user_card",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": posted.resource.ciphertext,
            "associated_data": "user_card",
            "nonce": "j9g1wAzF9Xn1",
        },
    });
    assert_eq!(written, expected);
}

#[test]
fn members_nobody_knows_are_kept() {
    let mut resource = value(USER_CARD);
    resource["points"] = json!(7);
    resource["card_type"] = json!("GOLDEN");
    let card = user_card(&resource, None);
    assert_eq!(card.extra["points"], 7);
    assert_eq!(card.card_type, Some(CardType::Unknown("GOLDEN".into())));

    let mut envelope =
        serde_json::to_value(posted(EventKind::SyncUserPoint, SP, SYNC_USER_POINT)).expect("JSON");
    envelope["trace"] = json!("x");
    let read: Notification = serde_json::from_value(envelope.clone()).expect("an envelope");
    assert_eq!(serde_json::to_value(&read).expect("JSON"), envelope);
}

#[test]
fn states_have_two_generations_of_names() {
    for (name, state) in [
        ("UNACTIVATED", UserCardState::Unactivated),
        ("NOT_EFFECTIVE", UserCardState::Unactivated),
        ("EFFECTIVE", UserCardState::Effective),
        ("EXPIRED", UserCardState::Expired),
        ("INVALID", UserCardState::Invalid),
        ("UNAVAILABLE", UserCardState::Invalid),
        ("DELETE", UserCardState::Invalid),
        ("SLEEPING", UserCardState::Unknown("SLEEPING".into())),
    ] {
        let read = UserCardEventState::from(name);
        assert_eq!(read.as_str(), name);
        assert_eq!(read.card_state(), state, "{name}");
    }
}

#[test]
fn a_card_may_have_no_code_yet_and_say_little() {
    let card = user_card(
        &json!({"card_id": "p", "openid": "o", "brand_id": "1004"}),
        None,
    );
    assert!(card.key().is_none());
    let card = user_card(&value(USER_CARD), None);
    assert_eq!(card.key().expect("a code").user_card_code, "478515832665");
}

#[test]
fn the_second_layer_is_opened_where_there_is_one() {
    let key = private_key();
    let sealed = |text: &str| {
        key.public_key()
            .seal(&Sensitive::from(text))
            .expect("short")
    };
    let mut resource = value(USER_CARD);
    resource["phone_number"] = json!(sealed("13800138000"));
    resource["user_information"]["custom_field_list"][0]["user_chosen_values"][1] =
        json!(sealed("篮球"));
    let card = user_card(&resource, Some(&key));
    let phone = card.phone_number.expect("a phone number");
    assert_eq!((phone.expose(), phone.is_opened()), ("13800138000", true));
    let information = card.user_information.expect("answers");
    let fields = information.custom_field_list.expect("answers");
    let chosen = fields[0].user_chosen_values.as_ref().expect("choices");
    // One came plain, one sealed.
    assert_eq!(
        chosen.iter().map(Sensitive::expose).collect::<Vec<_>>(),
        ["足球", "篮球"]
    );
}

#[test]
fn what_does_not_open_is_kept_and_told() {
    let stranger = PrivateKey::generate().expect("a key");
    let sealed = stranger
        .public_key()
        .seal(&Sensitive::from("13800138000"))
        .expect("short");
    let mut resource = value(USER_CARD);
    resource["phone_number"] = json!(sealed);
    let own = private_key();
    let openers: [Option<&dyn Opener>; 2] = [Some(&own), None];
    for opener in openers {
        let phone = user_card(&resource, opener)
            .phone_number
            .expect("a phone number");
        assert!(!phone.is_opened());
        assert_eq!(phone.expose(), sealed.as_str());
    }
}

#[test]
fn a_plain_value_in_base64_is_still_plain() {
    for plain in ["", "1234", "MTIzNA==", "13800138000", &"A".repeat(340)] {
        let mut resource = value(USER_CARD);
        resource["phone_number"] = json!(plain);
        let phone = user_card(&resource, Some(&private_key()))
            .phone_number
            .expect("a phone number");
        assert_eq!((phone.expose(), phone.is_opened()), (plain, true));
    }
}

#[test]
fn a_server_seals_what_a_receiver_opens() {
    let event = Event::decode(&EventKind::UserCardCreate.name(SP), USER_CARD.as_bytes());
    let event: Event = event.expect("the sample");
    let key = private_key();
    let wire = serde_json::to_string(&event.seal(key.public_key()).expect("short")).expect("JSON");
    assert!(
        !wire.contains("12345678999") && !wire.contains("足球"),
        "{wire}"
    );
    let received = posted(EventKind::UserCardCreate, SP, &wire)
        .event(&api_key(), Some(&key))
        .expect("an event");
    let shown = serde_json::to_value(received.reveal()).expect("JSON");
    assert_eq!(shown, value(USER_CARD));
}

#[test]
fn an_unknown_event_keeps_its_json() {
    let text = r#"{"amount": {"total": 100.50}, "payer": {"openid": "o"}}"#;
    let mut posted = posted(EventKind::SyncUserPoint, SP, text);
    posted.event_type = "TRANSACTION.SUCCESS".into();
    let event = posted.event(&api_key(), None).expect("an event");
    assert_eq!(event.kind(), None);
    let Event::Unknown(unknown) = event else {
        panic!("{event:?}");
    };
    assert_eq!(unknown.text(), text);
    assert_eq!(
        unknown.json::<Value>().expect("JSON")["payer"]["openid"],
        "o"
    );
    assert_eq!(
        format!("{unknown:?}"),
        r#"UnknownEvent { event_type: "TRANSACTION.SUCCESS", .. }"#
    );
}

#[test]
fn old_names_are_understood() {
    let mut posted = posted(EventKind::UserCardDelete, SP, USER_CARD_DELETED);
    posted.event_type = "MEMBERCARDSP.USER_CARD.DELETE".into();
    let event = posted.event(&api_key(), None).expect("an event");
    assert!(matches!(event, Event::UserCardDeleted(_)));
}

#[test]
fn what_cannot_be_read_says_why_and_quotes_nothing() {
    let read = |resource: &str| {
        let error = posted(EventKind::PointExchangeCoupon, SP, resource)
            .event(&api_key(), None)
            .expect_err(resource);
        assert!(matches!(error, EventError::Decode { .. }));
        error.to_string()
    };
    assert!(read(r#"{"brand_id":"1004"}"#).contains("member `record_id` is missing"));
    let mut resource = value(POINT_COUPON);
    resource["openid"] = json!(99_977_999_u64);
    let text = read(&resource.to_string());
    assert!(
        text.contains("another type") && !text.contains("999"),
        "{text}"
    );
    assert!(read("secret").contains("it is not JSON"));
    assert!(read("").contains("cut short"));

    let wrong = ApiV3Key::new([b'x'; 32]).expect("32 bytes");
    let error = posted(EventKind::SyncUserPoint, SP, SYNC_USER_POINT).event(&wrong, None);
    assert_eq!(error.err(), Some(EventError::Resource(ResourceError::Tag)));

    let mut posted = posted(EventKind::SyncUserPoint, SP, "x");
    posted.event_type = "TRANSACTION.SUCCESS".into();
    assert!(posted.event(&api_key(), None).is_err());
}

#[test]
fn nothing_personal_shows_in_debug() {
    let event = posted(EventKind::UserCardCreate, SP, USER_CARD)
        .event(&api_key(), None)
        .expect("an event");
    let shown = format!("{event:?}");
    for secret in ["12345678999", "男", "足球"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let unopened: Event<Sealed> =
        Event::decode(&EventKind::UserCardCreate.name(SP), USER_CARD.as_bytes()).expect("JSON");
    assert!(!format!("{unopened:?}").contains("12345678999"));
}
