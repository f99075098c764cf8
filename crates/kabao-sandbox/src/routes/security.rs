//! `POST /v3/security/echo`: a client's self-test.

use kabao_core::{Sealed, field::FieldError};
use serde_json::json;

use super::{Context, Reply};
use crate::refusal::Refusal;

/// Gives back what was sent, the encrypted message sealed for the caller.
pub(crate) async fn echo(cx: Context<'_>) -> Result<Reply, Refusal> {
    let message = cx.members.text("echo_message", 1024)?;
    let sealed = cx.members.optional_text("encrypted_echo_message", 512)?;
    if cx.members.optional_text("notify_url", 256)?.is_some() {
        // Saying so beats accepting the address and never calling it.
        let issue = "本沙箱版本不发送通知，请去掉notify_url";
        return Err(Refusal::param(
            "body",
            &FieldError::new("/notify_url", "", issue),
        ));
    }
    let mut answer = json!({ "echo_message": message });
    if let Some(text) = sealed {
        let opened = cx
            .open_value("/encrypted_echo_message", Sealed::from_wire(text))
            .await?;
        answer["encrypted_echo_message"] = json!(cx.seal_value(&opened)?);
    }
    Ok(Reply::ok(&answer))
}
