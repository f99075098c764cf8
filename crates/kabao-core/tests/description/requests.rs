//! What is described can be sent, what can be sent is described.

use std::collections::BTreeSet;

use kabao_core::{
    call::{Body, BuildError},
    operation::Caller,
    query::decode_pairs,
};
use serde_json::{Map, Value, json};

use crate::{
    instance::{Blocks, Form, TURNS, full, least},
    members::Members,
    openapi::{Described, operations},
    operations::{Given, NAMES, operation},
    schema::Schema,
};

/// Members that are described and not sent: of the older of two forms.
const UNSENT: [(&str, &str); 3] = [
    ("confirm_point_exchange_coupon", "state"),
    ("confirm_point_exchange_coupon", "coupon_code"),
    ("confirm_point_exchange_coupon", "fail_reason"),
];

/// Fields that an operation shares with another one, which alone has the member.
const SPARE: [(&str, &str); 1] = [("confirm_user_card", "pickup_time")];

#[test]
fn what_is_described_are_the_operations_of_the_product() {
    let described = operations();
    let names = |caller: fn(&Caller) -> bool| -> BTreeSet<String> {
        let here = described.iter().filter(|found| caller(&found.caller));
        here.map(|found| found.name.clone()).collect()
    };
    let partner = names(|caller| *caller != Caller::Brand);
    assert_eq!(partner, NAMES.map(ToOwned::to_owned).into());

    // A brand has those that the types let it call.
    let brand = names(|caller| *caller == Caller::Brand);
    for found in described
        .iter()
        .filter(|found| found.caller != Caller::Brand)
    {
        let call = operation(&found.name, &given(found, 0)).call(&Caller::Brand, &Blocks);
        let refused = matches!(call, Err(BuildError::PartnerOnly { .. }));
        assert_eq!(refused, !brand.contains(&found.name), "{}", found.name);
    }
}

#[test]
fn every_member_that_is_described_is_sent_in_its_place_and_no_other() {
    for found in operations() {
        for turn in 0..TURNS {
            sends_all(&found, turn);
        }
    }
}

fn sends_all(found: &Described, turn: usize) {
    let address = found.address();
    let operation = operation(&found.name, &given(found, turn));
    let members = Members::of(&operation);
    assert!(members.all_known(), "{address}: {members:?}");
    assert_eq!(members.unset, of(&SPARE, &found.name), "{address}");

    let call = operation.call(&found.caller, &Blocks).expect(&address);
    assert_eq!(call.method.as_str(), found.method, "{address}");
    assert_eq!(format!("/{}", call.template), found.path);
    let (path, query) = call
        .reference
        .split_once('?')
        .unwrap_or((&call.reference, ""));
    assert_eq!(format!("/{path}"), expanded(found), "{address}");
    let query = decode_pairs(query).expect("escapes");
    let expected = pairs(full(&found.query, turn, Form::Sealed));
    assert_eq!(query, expected, "{address}");

    let unsent = of(&UNSENT, &found.name);
    let body = found.body.as_ref().map(|body| {
        let mut members = full(body, turn, Form::Sealed);
        let olders = body.members().iter().filter(|member| member.older);
        let olders: Vec<&str> = olders.map(|member| &*member.name).collect();
        for name in &unsent {
            assert!(olders.contains(&&**name), "{name} is not an older member");
            members.as_object_mut().expect("members").remove(name);
        }
        members
    });
    assert_eq!(call.body.as_ref().map(read), body, "{address}");

    let seals = found
        .body
        .as_ref()
        .is_some_and(|body| full(body, turn, Form::Sealed) != full(body, turn, Form::Plain));
    assert_eq!(operation.seals(), seals, "{address}");
}

#[test]
fn members_that_are_optional_are_sent_if_they_are_given() {
    for found in operations() {
        let address = found.address();
        let given = together(&found, |schema| least(schema, Form::Plain));
        let operation = operation(&found.name, &given);
        let call = operation.call(&found.caller, &Blocks).expect(&address);
        let (_, query) = call.reference.split_once('?').unwrap_or_default();
        let query = decode_pairs(query).expect("escapes");
        assert_eq!(query, pairs(least(&found.query, Form::Sealed)), "{address}");
        let body = found.body.as_ref().map(|body| least(body, Form::Sealed));
        assert_eq!(call.body.as_ref().map(read), body, "{address}");
    }
}

/// All that is described, from all places.
pub(crate) fn given(found: &Described, turn: usize) -> Given {
    together(found, |schema| full(schema, turn, Form::Plain))
}

fn together(found: &Described, make: impl Fn(&Schema) -> Value) -> Given {
    let mut members = Map::new();
    let places = [
        Some(&found.path_members),
        Some(&found.query),
        found.body.as_ref(),
    ];
    for place in places.into_iter().flatten() {
        let Value::Object(here) = make(place) else {
            panic!("members");
        };
        for (name, value) in here {
            let before = members.insert(name.clone(), value);
            assert_eq!(before, None, "{name} has two places");
        }
    }
    Given(members)
}

fn expanded(found: &Described) -> String {
    let values = full(&found.path_members, 0, Form::Plain);
    let members = found.path_members.members().iter();
    members.fold(found.path.clone(), |path, member| {
        let value = values[&member.name].as_str().expect("a text");
        path.replace(&format!("{{{}}}", member.name), value)
    })
}

fn pairs(query: Value) -> Vec<(String, String)> {
    let Value::Object(members) = query else {
        panic!("members");
    };
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let pairs = members.into_iter().map(|(name, value)| (name, text(value)));
    pairs.collect()
}

fn of(table: &[(&str, &str)], operation: &str) -> Vec<String> {
    let rows = table.iter().filter(|(name, _)| *name == operation);
    rows.map(|(_, member)| (*member).to_owned()).collect()
}

/// A body as an instance has it. Of an upload, the part that is signed holds the
/// members, and the digest is the file's.
fn read(body: &Body) -> Value {
    let mut members: Value = serde_json::from_slice(&body.signed).expect("JSON");
    if body.content_type == "application/json" {
        return members;
    }
    for name in ["sha256", "file_digest"] {
        if let Some(digest) = members.get_mut(name) {
            assert_eq!(digest.as_str().map(str::len), Some(64));
            *digest = json!(format!("meta.{name}"));
        }
    }
    json!({"meta": members, "file": "<bytes>"})
}
