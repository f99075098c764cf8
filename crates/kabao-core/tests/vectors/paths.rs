//! `url_templates.json` and `query.json`.

use std::collections::HashMap;

use kabao_core::{
    call::{BuildError, Call, Method},
    query::{decode_pairs, to_query},
    target::BaseUrl,
    template::{Template, TemplateError, segment},
};
use serde::Deserialize;
use serde_json::Value;

use crate::data::load;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UrlTemplates {
    segments: Vec<Segment>,
    chains: Vec<Chain>,
    expansions: Vec<Expansion>,
    refused: Vec<Refused>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Segment {
    #[serde(rename = "note")]
    _note: Option<String>,
    input: String,
    expected: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chain {
    segments: Vec<String>,
    expected_template: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expansion {
    name: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    template: String,
    variables: HashMap<String, Value>,
    base_url: BaseAddress,
    expected_path: String,
    expected_url: String,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct BaseAddress(BaseUrl);

impl TryFrom<String> for BaseAddress {
    type Error = <BaseUrl as std::str::FromStr>::Err;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    name: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    template: String,
    variables: HashMap<String, Value>,
    reason: Reason,
    variable: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    Missing,
    Empty,
    DotSegment,
}

/// A call with these variables: numbers are given as numbers.
fn build(template: &str, variables: &HashMap<String, Value>) -> Result<Call, BuildError> {
    variables
        .iter()
        .fold(Call::to(template), |call, (name, value)| match value {
            Value::String(text) => call.param(name, text),
            other => call.param(name, other),
        })
        .build(Method::Get)
}

#[test]
fn segment_names_are_rewritten_and_variables_are_not() {
    for case in load::<UrlTemplates>("url_templates.json").segments {
        assert_eq!(segment(&case.input), case.expected, "`{}`", case.input);
    }
}

#[test]
fn chains_join_to_templates() {
    for case in load::<UrlTemplates>("url_templates.json").chains {
        let name = case.segments.join("->");
        let chain = case.segments.iter().map(String::as_str);
        let joined = Template::from_segments(chain).expect(&name);
        assert_eq!(joined.to_string(), case.expected_template, "{name}");
        let declared = Template::parse(&case.expected_template).expect(&name);
        assert_eq!(joined, declared, "{name}: declared");
    }
}

#[test]
fn values_are_encoded_once() {
    for case in load::<UrlTemplates>("url_templates.json").expansions {
        let name = &case.name;
        let call = build(&case.template, &case.variables).expect(name);
        assert_eq!(call.reference, case.expected_path, "{name}: path");
        assert_eq!(call.template, case.template, "{name}: template");
        let BaseAddress(base) = &case.base_url;
        let url = format!("{}{}", base.origin(), base.target(&call.reference));
        assert_eq!(url, case.expected_url, "{name}: address");
    }
}

#[test]
fn paths_without_a_usable_value_are_refused() {
    for case in load::<UrlTemplates>("url_templates.json").refused {
        let name = &case.name;
        let Err(BuildError::Template(error)) = build(&case.template, &case.variables) else {
            panic!("{name}: it was built");
        };
        let (reason, variable) = match &error {
            TemplateError::MissingValue { name } => (Reason::Missing, name),
            TemplateError::EmptyValue { name } => (Reason::Empty, name),
            TemplateError::DotSegment { at } => (Reason::DotSegment, at),
            other => panic!("{name}: {other}"),
        };
        assert_eq!(reason, case.reason, "{name}: reason");
        assert_eq!(variable, &case.variable, "{name}: variable");
        let message = error.to_string();
        assert!(message.contains(&case.variable), "{name}: {message}");
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    name: String,
    pairs: Vec<(String, String)>,
    expected: String,
}

#[test]
fn queries_are_encoded_in_their_order() {
    for case in load::<Vec<Query>>("query.json") {
        let name = &case.name;
        let query = to_query(&case.pairs).expect(name);
        assert_eq!(query, case.expected, "{name}: query");
        let read = decode_pairs(&query).expect(name);
        assert_eq!(read, case.pairs, "{name}: read back");
    }
}
