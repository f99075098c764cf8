//! Documented requests are exactly what the operations describe.

use kabao_core::{
    call::{Body, BuildError, Call},
    operation::Caller,
};
use serde_json::{Value, json};

use crate::{
    sample::{CIPHERTEXT, Printed, Sample},
    typed,
};

fn partner() -> Caller {
    Caller::Partner {
        brand_id: "1004".into(),
    }
}

#[test]
fn every_operation_has_its_sample() {
    let mut names: Vec<&str> = typed::requests().iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(names, Sample::names());
    assert_eq!(names.len(), 24);
}

#[test]
fn a_service_provider_sends_what_is_documented() {
    for (name, operation) in typed::requests() {
        let sample = Sample::of(name);
        let call = operation.call(&partner(), &Printed).expect(name);
        sends(name, &call, &sample.method, &sample.target, sample.body);
    }
}

#[test]
fn a_brand_sends_what_is_documented_or_is_told_that_it_cannot() {
    let mut twins = 0;
    for (name, operation) in typed::requests() {
        let sample = Sample::of(name);
        let call = operation.call(&Caller::Brand, &Printed);
        match &sample.brand {
            Some(brand) => {
                twins += 1;
                let body = sample.brand_body(brand);
                assert!(!brand.target.contains("brand_id"), "{name}");
                let call = call.expect(name);
                sends(name, &call, &sample.method, &brand.target, body);
            }
            None => {
                let refused = BuildError::PartnerOnly { operation: name };
                assert_eq!(call.expect_err(name), refused);
            }
        }
    }
    assert_eq!(twins, 16);
}

#[test]
fn a_key_is_wanted_where_the_documentation_seals() {
    for (name, operation) in typed::requests() {
        let seals = Sample::of(name)
            .body
            .is_some_and(|body| body.to_string().contains(CIPHERTEXT));
        assert_eq!(operation.seals(), seals, "{name}");
    }
}

fn sends(name: &str, call: &Call, method: &str, target: &str, body: Option<Value>) {
    assert_eq!(call.method.as_str(), method, "{name}");
    assert_eq!(format!("/{}", call.reference), target, "{name}");
    assert_eq!(call.body.as_ref().map(read), body, "{name}");
}

/// A body as the samples print it.
fn read(body: &Body) -> Value {
    if body.content_type == "application/json" {
        assert_eq!(body.bytes, body.signed);
        return serde_json::from_slice(&body.bytes).expect("JSON");
    }
    let boundary = body
        .content_type
        .strip_prefix("multipart/form-data; boundary=")
        .expect("a form");
    let text = std::str::from_utf8(&body.bytes).expect("text, as the picture here is");
    let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
    let ["", meta, file, "--\r\n"] = parts[..] else {
        panic!("two parts: {text}");
    };
    let meta = content(meta, r#"form-data; name="meta""#, "application/json");
    assert_eq!(body.signed, meta);
    let named = r#"form-data; name="file"; filename="card.png""#;
    assert_eq!(content(file, named, "image/png"), "card");
    // Of the bytes `card`, as sha256sum prints it.
    let digest = "8367cd66fdd136bba8ba23f8805bb050dd6289401c8ec3b0be44a3c233eef90d";
    let meta: Value = serde_json::from_str(&meta.replace(digest, "<64 hex digits>")).expect("JSON");
    json!({"meta": meta, "file": "<bytes>"})
}

fn content<'a>(part: &'a str, disposition: &str, kind: &str) -> &'a str {
    let head = format!("\r\nContent-Disposition: {disposition}\r\nContent-Type: {kind}\r\n\r\n");
    let content = part.strip_prefix(&*head);
    let content = content.and_then(|content| content.strip_suffix("\r\n"));
    content.unwrap_or_else(|| panic!("{part:?} does not begin with {head:?}"))
}
