//! Bodies that may be left out.

use serde::de::DeserializeOwned;

use super::Trouble;

/// A JSON body; none stands for an empty object.
pub(super) fn optional<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    let body = match body.trim_ascii() {
        b"" => b"{}",
        body => body,
    };
    serde_json::from_slice(body).map_err(|error| Trouble::param(format!("the body: {error}")))
}
