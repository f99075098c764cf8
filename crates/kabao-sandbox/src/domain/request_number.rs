//! `out_request_no`: the same number with the same content has the same answer.

use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    refusal::Refusal,
    store::{Kept, Needs, Workspace},
};

/// The number of one request, and what the request says.
#[derive(Debug, Clone)]
pub(crate) struct RequestNumber {
    id: String,
    content: String,
}

/// A number that was used.
#[derive(Serialize, Deserialize)]
struct Used {
    id: String,
    /// SHA-256 of the request's content.
    content: String,
    answer: Value,
}

impl Kept for Used {
    const KIND: &'static str = "request_number";

    fn id(&self) -> String {
        self.id.clone()
    }
}

impl RequestNumber {
    /// A number counts for one caller and operation (and brand, as everything
    /// in a workspace does).
    pub(crate) fn new(
        caller: &str,
        operation: &str,
        number: &str,
        content: &impl Serialize,
    ) -> Self {
        // Wire types have text keys only, so writing them cannot fail.
        let content = serde_json::to_vec(content).unwrap_or_default();
        let digest = digest::digest(&digest::SHA256, &content);
        Self {
            id: format!("{caller} {operation} {number}"),
            content: STANDARD_NO_PAD.encode(digest),
        }
    }

    /// Adds what [`once`](Self::once) wants to see.
    pub(crate) fn needed(&self, needs: Needs) -> Needs {
        needs.record::<Used>(&*self.id)
    }

    /// Runs the rule, unless the number was used: then it gives the first
    /// result again, or refuses if the request says something else.
    pub(crate) fn once<T: Serialize + DeserializeOwned>(
        &self,
        workspace: &mut Workspace,
        rule: impl FnOnce(&mut Workspace) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let unreadable = |error: serde_json::Error| {
            tracing::error!(%error, "a first result cannot be kept or read");
            Refusal::system_error()
        };
        match workspace.record::<Used>(&self.id)? {
            Some(used) if used.content == self.content => {
                serde_json::from_value(used.answer).map_err(unreadable)
            }
            Some(_) => Err(Refusal::invalid_request(
                "out_request_no已使用过，且与首次请求的参数不一致",
            )),
            None => {
                let answer = rule(workspace)?;
                workspace.put_record(&Used {
                    id: self.id.clone(),
                    content: self.content.clone(),
                    answer: serde_json::to_value(&answer).map_err(unreadable)?,
                })?;
                Ok(answer)
            }
        }
    }
}
