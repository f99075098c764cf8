//! The body of an error answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `{"code","message","detail"}`.
///
/// Decide by the HTTP status first, then by `code`; one code has many
/// messages. `detail` has no fixed shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Such as `PARAM_ERROR`; new ones appear.
    pub code: String,
    /// For people, in the language of `Accept-Language`.
    #[serde(default)]
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
