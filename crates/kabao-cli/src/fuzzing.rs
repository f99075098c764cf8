//! Ways in for the fuzz targets (`fuzz/`). Built under `--cfg fuzzing` alone,
//! which cargo-fuzz and `fuzz/run` set.

#![allow(missing_docs, reason = "of no one's API")]

use serde_json::Value;

use crate::{
    commands::{body::Body, input::Input, user_card::import::ImportArgs},
    output::{json_text, width},
};

/// What `kabao user-card import` takes from a file, in the file's own form, or the
/// lines that say why it takes nothing.
pub fn import(text: &str) -> Result<Value, String> {
    let input = Input {
        name: "file.json".to_owned(),
        text: text.to_owned(),
    };
    let taken = Body::of(input).and_then(ImportArgs::taken);
    taken.map_err(|problem| problem.to_string())
}

/// An answer's JSON on one line.
pub fn compact(json: &str) -> String {
    json_text::compact(json)
}

/// An answer's JSON for people.
pub fn indented(json: &str) -> String {
    json_text::indented(json)
}

/// Text from elsewhere, before a terminal has it.
pub fn printable(text: &str) -> String {
    width::printable(text)
}
