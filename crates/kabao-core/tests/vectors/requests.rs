//! `request_signing.json` and `authorization.json`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kabao_core::{
    authorization::Authorization,
    call::{Body, Call, Method},
    keyring::KeyId,
    message,
    signature::{self, Scheme, Verifier as _},
    target::BaseUrl,
};
use serde::Deserialize;

use crate::data::{Keys, Role, load};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedRequest {
    name: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    caller: Role,
    method: String,
    url: String,
    target: String,
    timestamp: String,
    nonce: String,
    signed_body: String,
    upload: Option<Upload>,
    message: String,
    signature: String,
    authorization: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upload {
    content_type: String,
    wire_body_base64: String,
    file_base64: String,
    file_sha256: String,
}

#[test]
fn requests_are_signed_as_others_sign_them() {
    let keys = Keys::load();
    for case in load::<Vec<SignedRequest>>("request_signing.json") {
        let name = &case.name;
        let caller = keys.of(case.caller);
        let scheme = match case.caller {
            Role::Brand => Scheme::WechatpayBrandSha256Rsa2048,
            _ => Scheme::Wechatpay2Sha256Rsa2048,
        };

        assert_eq!(target_of(&case.url), case.target, "{name}: target");

        let message = message::request(
            &case.method,
            &case.target,
            &case.timestamp,
            &case.nonce,
            case.signed_body.as_bytes(),
        );
        assert_eq!(text(&message), case.message, "{name}: message");

        let made = caller.private_key().sign_now(&message).expect(name);
        let made = signature::encode(&made);
        assert_eq!(made, case.signature, "{name}: signature");
        let received = signature::decode(&case.signature).expect(name);
        let accepted = caller.public_key().verifies(&message, &received);
        assert!(accepted, "{name}: verification");

        let header = Authorization {
            scheme,
            identity: caller.identity().into(),
            nonce: case.nonce.clone(),
            timestamp: case.timestamp.clone(),
            serial_no: caller.key_id().into(),
            signature: made,
        };
        assert_eq!(header.to_string(), case.authorization, "{name}: header");
        assert_eq!(case.authorization.parse(), Ok(header), "{name}: parsed");
    }
}

#[test]
fn of_an_upload_only_the_part_meta_is_signed() {
    let uploads = load::<Vec<SignedRequest>>("request_signing.json");
    let uploads = uploads.into_iter().filter(|case| case.upload.is_some());
    let mut seen = 0;
    for case in uploads {
        let (name, Some(upload)) = (&case.name, &case.upload) else {
            continue;
        };
        let bytes = |base64: &str| STANDARD.decode(base64).expect(name);
        let wire = bytes(&upload.wire_body_base64);
        let call = Call::to(&case.target)
            .body(Body {
                content_type: upload.content_type.clone(),
                bytes: wire.clone().into(),
                signed: case.signed_body.clone().into(),
            })
            .build(Method::from_name(&case.method).expect(name))
            .expect(name);
        let body = call.body.expect(name);
        let message = message::request(
            call.method.as_str(),
            &call.reference,
            &case.timestamp,
            &case.nonce,
            &body.signed,
        );
        assert_eq!(text(&message), case.message, "{name}: message");
        assert_eq!(body.bytes, wire, "{name}: wire body");

        let part = |headers: &str, content: &[u8]| {
            let part = [headers.as_bytes(), b"\r\n\r\n", content, b"\r\n--"].concat();
            wire.windows(part.len()).any(|window| window == part)
        };
        let meta = part("application/json", case.signed_body.as_bytes());
        assert!(meta, "{name}: the part meta");
        let file = part("image/png", &bytes(&upload.file_base64));
        assert!(file, "{name}: the part file");
        let named = case.signed_body.contains(&upload.file_sha256);
        assert!(named, "{name}: the file's hash");
        seen += 1;
    }
    assert_ne!(seen, 0, "no upload among the cases");
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceivedHeader {
    name: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    header: String,
    expect: Expect,
    request: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expect {
    Valid,
    Malformed,
    BadSignature,
}

#[test]
fn authorization_headers_are_read_strictly() {
    let keys = Keys::load();
    let merchant = keys.of(Role::Merchant);
    let requests: Vec<SignedRequest> = load("request_signing.json");
    for case in load::<Vec<ReceivedHeader>>("authorization.json") {
        let name = &case.name;
        let Ok(parsed) = case.header.parse::<Authorization>() else {
            assert_eq!(case.expect, Expect::Malformed, "{name}: grammar");
            continue;
        };
        assert_ne!(case.expect, Expect::Malformed, "{name}: grammar");
        assert_eq!(parsed.identity, merchant.identity(), "{name}: mchid");
        let serial_no = KeyId::new(parsed.serial_no.as_str());
        assert_eq!(serial_no, merchant.key_id().into(), "{name}: serial_no");

        let request = requests
            .iter()
            .find(|request| Some(&request.name) == case.request.as_ref())
            .expect(name);
        let message = message::request(
            &request.method,
            &request.target,
            &parsed.timestamp,
            &parsed.nonce,
            request.signed_body.as_bytes(),
        );
        let valid = signature::decode(&parsed.signature)
            .is_some_and(|bytes| merchant.public_key().verifies(&message, &bytes));
        assert_eq!(valid, case.expect == Expect::Valid, "{name}: signature");
    }
}

/// The target of a whole address, by way of the base address of its host.
fn target_of(url: &str) -> String {
    let after_scheme = url.find("://").expect(url) + 3;
    let slash = after_scheme + url[after_scheme..].find('/').expect(url);
    let (origin, reference) = url.split_at(slash);
    let base: BaseUrl = format!("{origin}/").parse().expect(url);
    assert_eq!(base.origin(), origin, "{url}: origin");
    base.target(reference.trim_start_matches('/'))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("a message of text")
}
