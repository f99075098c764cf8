//! The body of an error answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::extra::null_as_default;

/// `{"code","message","detail"}`.
///
/// Decide by the HTTP status first, then by `code`; one code has many
/// messages. `detail` has no fixed shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Such as `PARAM_ERROR`; new ones appear.
    pub code: String,
    /// For people, in the language of `Accept-Language`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub message: String,
    /// Often `{"field","value","issue","location"}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
}

impl ErrorBody {
    /// Reads an error body; `None` if it is something else, such as a
    /// gateway's page.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_null_message_does_not_hide_the_code() {
        let body = ErrorBody::parse(br#"{"code":"PARAM_ERROR","message":null}"#);
        assert_eq!(body.map(|body| body.code).as_deref(), Some("PARAM_ERROR"));
        assert_eq!(ErrorBody::parse(b"<html>"), None);
    }

    #[test]
    fn numbers_go_out_as_they_came_in() {
        let text = r#"{"code":"X","message":"","detail":{"value":7.777777777777776e+127}}"#;
        let body = ErrorBody::parse(text.as_bytes()).expect("an error body");
        assert_eq!(serde_json::to_string(&body).ok().as_deref(), Some(text));
    }
}
