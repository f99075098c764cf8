//! Notifications are what is described, the envelope and what is inside.

use kabao_core::{
    Sealed,
    notification::{Event, EventKind, Notification},
    signature::Scheme,
};
use serde_json::{Value, json};

use crate::{
    instance::{Blocks, Form, TURNS, full},
    members::Members,
    openapi::{DOCUMENT, content},
    schema::{Schema, whole},
};

struct Hook {
    body: Value,
    /// What the ciphertext opens to.
    plaintext: Schema,
}

fn hooks() -> Vec<(EventKind, Hook)> {
    let hooks = DOCUMENT["webhooks"].as_object().expect("webhooks");
    let hooks = hooks.values().map(|hook| {
        let schema = &hook["post"]["requestBody"]["content"]["application/json"]["schema"];
        let body = Value::Object(whole(schema));
        let name = body["properties"]["event_type"]["enum"][0].as_str();
        let kind = EventKind::from_name(name.expect("a name")).expect("an event");
        let plaintext = &body.pointer("/properties/resource/properties/ciphertext/x-plaintext");
        let plaintext = Schema::read(plaintext.expect("a schema"));
        (kind, Hook { body, plaintext })
    });
    hooks.collect()
}

#[test]
fn every_event_of_the_product_is_described_under_both_callers_names() {
    let kinds: Vec<EventKind> = hooks().iter().map(|(kind, _)| *kind).collect();
    let mut product = EventKind::ALL.to_vec();
    // The self-test belongs to no product.
    product.retain(|kind| *kind != EventKind::SecurityEcho);
    assert_eq!(kinds, product);
    for (kind, hook) in hooks() {
        let members = &hook.body["properties"];
        let names = [
            kind.name(Scheme::Wechatpay2Sha256Rsa2048),
            kind.name(Scheme::WechatpayBrandSha256Rsa2048),
        ];
        assert_eq!(members["event_type"]["enum"], json!(names));
        let original = &members["resource"]["properties"]["original_type"];
        assert_eq!(original["const"], kind.original_type());
    }
}

#[test]
fn the_envelope_has_the_members_that_are_described() {
    let hooks = DOCUMENT["webhooks"].as_object().expect("webhooks");
    for hook in hooks.values() {
        let envelope = content(&hook["post"]["requestBody"]);
        let sent = full(&envelope, 0, Form::Plain);
        let read: Notification = serde_json::from_value(sent.clone()).expect("an envelope");
        assert_eq!(serde_json::to_value(&read).expect("JSON"), sent);
        let members = Members::of(&read);
        assert!(members.all_known(), "{members:?}");
        assert_eq!(members.unset, [""; 0]);
    }
}

#[test]
fn every_member_of_a_resource_has_a_field_and_every_field_is_described() {
    for (kind, Hook { plaintext, .. }) in hooks() {
        for turn in 0..TURNS {
            let sent = full(&plaintext, turn, Form::Sealed).to_string();
            let name = kind.name(Scheme::Wechatpay2Sha256Rsa2048);
            let event = Event::<Sealed>::decode(&name, sent.as_bytes()).expect("an event");
            let event = event.open(Some(&Blocks));
            let members = Members::of(&event);
            assert!(members.all_known(), "{kind}: {members:?}");
            assert_eq!(members.unset, [""; 0], "{kind}: not described");
            let written = serde_json::to_value(event.reveal()).expect("JSON");
            assert_eq!(written, full(&plaintext, turn, Form::Plain), "{kind}");
        }
    }
}
