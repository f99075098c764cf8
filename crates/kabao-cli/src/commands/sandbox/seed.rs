//! `sandbox serve --seed`: what a new sandbox begins with, from a file.

use std::path::Path;

use jiff::Timestamp;
use kabao_sandbox::Seed;
use serde_json::{Map, Value};

use crate::problem::Problem;

/// TOML, JSON or a snapshot, which is JSON with a name.
pub(super) fn read(path: &Path) -> Result<Seed, Problem> {
    let unusable = || Problem::new(format!("{} is not a seed", path.display()));
    let bytes =
        std::fs::read(path).map_err(|error| Problem::unreadable("the seed", path, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| unusable().caused_by(&error))?;
    let value = match text.trim_start().starts_with('{') {
        true => serde_json::from_str(&text).map_err(|error| unusable().caused_by(&error))?,
        false => toml(&text).map_err(|issue| unusable().because(issue))?,
    };
    if value.get("kabao_snapshot").is_some() {
        return Ok(Seed::from_snapshot(text.into_bytes()));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a file has the time it is read at"
    )]
    let now = Timestamp::now();
    Seed::from_value(&value, now).map_err(|error| unusable().caused_by(&error))
}

/// Reads TOML; an error names the line.
pub(super) fn toml(text: &str) -> Result<Value, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.unwrap_or_default().matches('\n').count() + 1;
        format!("line {line}: {}", error.message())
    })?;
    Ok(json(toml::Value::Table(table)))
}

/// Times become the texts that the wire has.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::Array(values) => values.into_iter().map(json).collect(),
        toml::Value::Table(table) => {
            let members = table.into_iter().map(|(name, value)| (name, json(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}
