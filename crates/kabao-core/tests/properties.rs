//! What holds for every input: what one side writes the other reads back, what
//! was altered is refused, and no input makes a parser panic.

use std::sync::LazyLock;

use jiff::Timestamp;
use kabao_core::{
    ApiV3Key, PrivateKey, PublicKey, Sealed, Sensitive, UserCard, UserCardChange,
    answer::{AnswerSignature, VerifyError, header, signature_headers, within_window},
    authorization::{Authorization, Stamp},
    call::{Call, Method},
    card_member::ValidDateInformation,
    certificate::Certificate,
    certificate_list::CertificateList,
    error_body::ErrorBody,
    keyring::{KeyId, Keyring, PlatformKey},
    message::Signed,
    notification::{Event, EventKind, Notification},
    query::{decode_component, decode_pairs, encode_component, to_query},
    resource::EncryptedResource,
    sensitive::{Opener as _, SealError, Sealer as _},
    signature::{self, Scheme},
    target::BaseUrl,
    template::{Template, segment},
    time::Time,
};
use proptest::{collection::vec, prelude::*, sample::Index};

/// One key for all cases: making one costs more than the rest of a test.
static KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::from_pem(MERCHANT_KEY).expect("the test vectors' key"));

const MERCHANT_KEY: &str = include_str!("vectors/keys/merchant_key.pem");
const MERCHANT_KEY_PKCS1: &str = include_str!("vectors/keys/merchant_key_pkcs1.pem");
const MERCHANT_PUB: &str = include_str!("vectors/keys/merchant_pub.pem");
const MERCHANT_PUB_PKCS1: &str = include_str!("vectors/keys/merchant_pub_pkcs1.pem");
const MERCHANT_CERT: &str = include_str!("vectors/keys/merchant_cert.pem");

/// A failing input is printed, small; a file of past ones would say less.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// A text that fits between the quotes of an item.
fn item_value() -> impl Strategy<Value = String> {
    "[!#-~]{1,60}"
}

fn authorization() -> impl Strategy<Value = Authorization> {
    let scheme = prop::sample::select(Scheme::ALL.as_slice());
    let value = item_value;
    (scheme, value(), value(), "[0-9]{1,20}", value(), value()).prop_map(
        |(scheme, identity, nonce, timestamp, serial_no, signature)| Authorization {
            scheme,
            identity,
            nonce,
            timestamp,
            serial_no,
            signature,
        },
    )
}

fn items(header: &Authorization) -> [String; 5] {
    [
        format!(r#"{}="{}""#, header.scheme.identity_item(), header.identity),
        format!(r#"nonce_str="{}""#, header.nonce),
        format!(r#"timestamp="{}""#, header.timestamp),
        format!(r#"serial_no="{}""#, header.serial_no),
        format!(r#"signature="{}""#, header.signature),
    ]
}

/// Any text, but often one that looks like what is parsed.
fn near(alphabet: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), alphabet]
}

/// `original` with some bytes replaced, and cut short somewhere.
fn damaged(original: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<Index>(), any::<u8>()), 0..4);
    (changes, any::<Index>()).prop_map(move |(changes, end)| {
        let mut bytes = original.as_bytes().to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        // Half of them stay whole: the damage must be found further in.
        bytes.truncate(bytes.len().min(end.index(2 * original.len())));
        bytes
    })
}

fn der_of(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.contains('-')).collect();
    signature::decode(&body).expect("a PEM section")
}

fn read_as_anything(bytes: &[u8]) {
    let _ = PrivateKey::from_pem(bytes);
    let _ = PublicKey::from_pem(bytes);
    let _ = PublicKey::from_der(bytes);
    let _ = Certificate::from_pem(bytes).map(|certificate| certificate.public_key());
    let _ = Certificate::from_der(bytes).map(|certificate| certificate.public_key());
    let _ = ErrorBody::parse(bytes);
    let _ = serde_json::from_slice::<Notification>(bytes);
    for kind in EventKind::ALL {
        let scheme = Scheme::Wechatpay2Sha256Rsa2048;
        let _ = Event::<Sealed>::decode(&kind.name(scheme), bytes).map(|event| event.open(None));
    }
    let _ = Event::<Sealed>::decode("TRANSACTION.SUCCESS", bytes);
    let _ = serde_json::from_slice::<CertificateList>(bytes);
    let _ = serde_json::from_slice::<UserCard<Sealed>>(bytes);
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn a_header_reads_as_it_was_written_in_any_order(
        (header, order) in authorization()
            .prop_flat_map(|header| (Just(header.clone()), Just(items(&header)).prop_shuffle()))
    ) {
        prop_assert_eq!(header.to_string().parse(), Ok(header.clone()));
        let shuffled = format!("{} {}", header.scheme, order.join(","));
        prop_assert_eq!(shuffled.parse(), Ok(header));
    }

    #[test]
    fn a_header_with_an_item_twice_or_missing_is_refused(
        header in authorization(),
        which in 0..5_usize,
    ) {
        let mut items = items(&header).to_vec();
        items.push(items[which].clone());
        let twice = format!("{} {}", header.scheme, items.join(","));
        prop_assert!(twice.parse::<Authorization>().is_err());
        items.pop();
        items.remove(which);
        let missing = format!("{} {}", header.scheme, items.join(","));
        prop_assert!(missing.parse::<Authorization>().is_err());
    }

    #[test]
    fn no_text_makes_a_parser_panic(
        text in near(r#"(WECHATPAY2-SHA256-RSA2048 )?([a-z_]{0,9}="?[^"]{0,5}"?,? ?){0,6}"#),
        path in near(r"([/?#%.{}+_$]|[a-zA-Z0-9]{1,3}|é){0,20}"),
        value in near(r"([/?#%.]|2[eEfF]){0,6}"),
    ) {
        let _ = text.parse::<Authorization>();
        let _ = signature::decode(&text);
        let _ = Time::from(text.as_str()).instant();
        let _ = ApiV3Key::new(&text);
        for path in [&text, &path] {
            let _ = path.parse::<BaseUrl>();
            let _ = decode_component(path);
            let _ = decode_pairs(path);
            let _ = Signed::for_path(path);
            let _ = Template::from_segments([path.as_str(), &segment(path)]);
            let _ = Template::parse(path).map(|template| template.expand(|_| Some(&value)));
        }
    }

    #[test]
    fn a_template_reads_as_it_is_shown(path in "([/{}+_$]|[a-z]{1,2}){0,12}") {
        if let Ok(template) = Template::parse(&path) {
            prop_assert_eq!(Template::parse(&template.to_string()), Ok(template));
        }
    }

    #[test]
    fn a_value_stays_one_segment_and_reads_back(
        value in near("[./%2eEfF?#]{1,4}").prop_filter("no value for a path", |value| {
            !matches!(value.as_str(), "" | "." | "..")
        }),
    ) {
        let call = Call::to("v3/cards/{code}/x").param("code", &value).build(Method::Get)?;
        let segments: Vec<_> = call.reference.split('/').collect();
        prop_assert_eq!(segments.len(), 4, "{}", call.reference);
        prop_assert!(!call.reference.contains(['?', '#']), "{}", call.reference);
        let encoded = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        prop_assert!(segments[2].bytes().all(encoded), "{}", call.reference);
        prop_assert_eq!(decode_component(segments[2]), Some(value));
    }

    #[test]
    fn a_query_reads_back(pairs in vec((any::<String>(), any::<String>()), 0..6)) {
        let query = to_query(&pairs)?;
        prop_assert_eq!(decode_pairs(&query), Some(pairs), "{}", query);
    }

    #[test]
    fn a_component_reads_back(text in any::<String>()) {
        prop_assert_eq!(decode_component(&encode_component(&text)), Some(text));
    }

    #[test]
    fn serials_are_compared_as_numbers(serial in "[1-9A-F][0-9A-F]{0,39}", zeros in 0..4_usize) {
        let padded = format!("{}{}", "0".repeat(zeros), serial.to_lowercase());
        prop_assert_eq!(KeyId::new(serial.as_str()), KeyId::new(padded.as_str()));
        let mut ring = Keyring::new();
        ring.insert(PlatformKey::public_key(serial, KEY.public_key().clone()));
        prop_assert!(ring.find(&KeyId::new(padded)).is_some());
    }

    #[test]
    fn an_instant_reads_back(
        milliseconds in -62_135_596_800_000_i64..253_402_200_000_000,
    ) {
        let instant = Timestamp::from_millisecond(milliseconds)?;
        prop_assert_eq!(Time::at(instant).instant(), Some(instant));
        let whole = Timestamp::from_second(milliseconds.div_euclid(1000))?;
        prop_assert_eq!(Time::seconds(instant).instant(), Some(whole));
    }

    #[test]
    fn the_window_is_300_seconds_in_both_directions(timestamp: i64, now: i64) {
        let distance = (i128::from(timestamp) - i128::from(now)).abs();
        prop_assert_eq!(within_window(timestamp, now), distance <= 300);
    }

    #[test]
    fn no_validity_makes_the_rules_panic(
        days: i64,
        pickup in Timestamp::MIN.as_second()..=Timestamp::MAX.as_second(),
        text in any::<String>(),
    ) {
        let pickup = Timestamp::from_second(pickup)?;
        let term = ValidDateInformation::days(days);
        let valid = (1..=ValidDateInformation::MAX_DAYS).contains(&days);
        prop_assert_eq!(term.check("").is_ok(), valid);
        let _ = term.end(pickup);
        let range = ValidDateInformation::range(text.as_str(), text.as_str());
        prop_assert!(range.check("").is_err());
        let _ = range.end(pickup);
        let change = UserCardChange::new()
            .level(text.as_str())
            .attach(text.as_str())
            .card_color(text.as_str());
        let _ = change.check();
    }

    #[test]
    fn a_resource_opens_to_what_was_sealed_and_altered_not_at_all(
        key: [u8; 32],
        nonce in "[ -~]{12}",
        associated_data in any::<String>(),
        plaintext in vec(any::<u8>(), 0..200),
        place: Index,
        bit in 0..8_u8,
    ) {
        let key = ApiV3Key::new(key)?;
        let sealed = EncryptedResource::seal(&key, &nonce, &associated_data, &plaintext)?;
        let wire = serde_json::to_vec(&sealed)?;
        let received: EncryptedResource = serde_json::from_slice(&wire)?;
        prop_assert_eq!(&*received.open(&key)?, &plaintext);

        let mut bytes = signature::decode(&sealed.ciphertext).expect("base64");
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let altered = EncryptedResource {
            ciphertext: signature::encode(&bytes),
            ..sealed.clone()
        };
        prop_assert!(altered.open(&key).is_err());
        let moved = EncryptedResource {
            associated_data: Some(format!("{associated_data}x")),
            ..sealed
        };
        prop_assert!(moved.open(&key).is_err());
    }

    #[test]
    fn no_resource_makes_opening_panic(
        ciphertext in near("[A-Za-z0-9+/]{0,40}={0,2}"),
        nonce in any::<String>(),
        associated_data in any::<Option<String>>(),
        algorithm in prop_oneof![Just("AEAD_AES_256_GCM".to_owned()), any::<String>()],
    ) {
        let key = ApiV3Key::new([7; 32])?;
        let resource = EncryptedResource {
            original_type: None,
            algorithm,
            ciphertext,
            associated_data,
            nonce,
        };
        prop_assert!(resource.open(&key).is_err());
        let empty = resource.nonce.is_empty();
        let opened = KEY.open(&Sealed::from_wire(resource.nonce));
        prop_assert_eq!(opened.is_ok(), empty);
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..300)) {
        read_as_anything(&bytes);
    }

    #[test]
    fn no_damaged_key_makes_a_reader_panic(
        pem in prop_oneof![
            damaged(MERCHANT_KEY),
            damaged(MERCHANT_KEY_PKCS1),
            damaged(MERCHANT_PUB),
            damaged(MERCHANT_PUB_PKCS1),
            damaged(MERCHANT_CERT),
        ],
        place: Index,
        byte: u8,
    ) {
        read_as_anything(&pem);
        for whole in [MERCHANT_PUB, MERCHANT_PUB_PKCS1, MERCHANT_CERT] {
            let mut der = der_of(whole);
            let place = place.index(der.len());
            der[place] = byte;
            read_as_anything(&der);
            read_as_anything(&der[..place]);
        }
    }

    #[test]
    fn a_sealed_value_opens_or_is_too_long(text in prop_oneof![".{1,80}", "[中-龥]{60,80}"]) {
        let length = text.len();
        match KEY.public_key().seal(&Sensitive::new(text.as_str())) {
            Ok(sealed) => {
                prop_assert!(length <= 214);
                let opened = KEY.open(&sealed)?;
                prop_assert_eq!(opened.expose(), text);
            }
            Err(error) => {
                prop_assert!(length > 214);
                prop_assert_eq!(error, SealError::TooLong { length, limit: 214 });
            }
        }
    }

    #[test]
    fn a_signed_answer_is_believed_and_an_altered_one_is_not(
        body in vec(any::<u8>(), 1..200),
        random: [u8; 32],
        timestamp in 0..4_000_000_000_i64,
        place: Index,
        bit in 0..8_u8,
    ) {
        let id = KeyId::new("PUB_KEY_ID_01");
        let ring = Keyring::from_iter([PlatformKey::public_key(
            id.clone(),
            KEY.public_key().clone(),
        )]);
        let stamp = Stamp::new(timestamp, &random);
        let scheme = Scheme::Wechatpay2Sha256Rsa2048;
        let headers =
            signature_headers(scheme, &id, &stamp, &body, |message| KEY.sign_now(message))?;
        let value = |name| {
            let known = headers.iter().find(|(known, _)| *known == name);
            known.map(|(_, value)| value.as_str())
        };
        let received = AnswerSignature::from_headers(value)?;
        prop_assert!(received.verify(&body, &ring, timestamp).is_ok());

        let mut altered = body;
        let place = place.index(altered.len());
        altered[place] ^= 1 << bit;
        let refused = received.verify(&altered, &ring, timestamp).map(|_| ());
        prop_assert_eq!(refused, Err(VerifyError::Mismatch { probe: false }));
    }

    #[test]
    fn no_headers_make_verifying_panic(
        [timestamp, nonce, serial, signature] in any::<[String; 4]>(),
        seconds in any::<Option<i64>>(),
        now: i64,
    ) {
        let timestamp = seconds.map_or(timestamp, |seconds| seconds.to_string());
        let ring = Keyring::from_iter([PlatformKey::public_key(
            serial.as_str(),
            KEY.public_key().clone(),
        )]);
        let value = |name: &str| match name {
            header::TIMESTAMP => Some(timestamp.as_str()),
            header::NONCE => Some(nonce.as_str()),
            header::SERIAL => Some(serial.as_str()),
            header::SIGNATURE => Some(signature.as_str()),
            _ => None,
        };
        let verified = AnswerSignature::from_headers(value)
            .and_then(|received| received.verify(b"{}", &ring, now).map(|_| ()));
        prop_assert!(verified.is_err());
        // Saying so must not panic either.
        let _ = verified.map_err(|error| error.to_string());
    }
}
