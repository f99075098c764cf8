//! Enums have the names that are described.

use std::collections::BTreeMap;

use kabao_core::card_member::{
    ActivityChannel, ActivityState, CardState, CardType, CodeMode, CodeType, CommonFieldName,
    ConfirmState, CustomFieldType, ExchangeResult, ExchangeState, UserCardEventState,
    UserCardState, ValidDateType,
};
use serde_json::json;

use crate::openapi::DOCUMENT;

#[test]
fn every_enum_has_the_names_that_are_described() {
    let types = [
        ("CardType", CardType::KNOWN),
        ("CodeMode", CodeMode::KNOWN),
        ("CodeType", CodeType::KNOWN),
        ("ValidDateType", ValidDateType::KNOWN),
        ("CommonFieldName", CommonFieldName::KNOWN),
        ("CustomFieldType", CustomFieldType::KNOWN),
        ("CardState", CardState::KNOWN),
        ("UserCardState", UserCardState::KNOWN),
        ("UserCardEventState", UserCardEventState::KNOWN),
        ("ConfirmState", ConfirmState::KNOWN),
        ("ActivityChannel", ActivityChannel::KNOWN),
        ("ActivityState", ActivityState::KNOWN),
        ("ExchangeResult", ExchangeResult::KNOWN),
        ("ExchangeState", ExchangeState::KNOWN),
    ];
    let schemas = DOCUMENT["components"]["schemas"].as_object();
    let described: BTreeMap<_, _> = schemas
        .expect("schemas")
        .iter()
        .filter_map(|(name, schema)| Some((name.as_str(), schema.get("enum")?.clone())))
        .collect();
    let types = types.map(|(name, known)| (name, json!(known)));
    assert_eq!(described, types.into());
}
