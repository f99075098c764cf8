//! `POST /v3/security/echo`: a client's self-test.

use kabao_core::{
    Sealed,
    extra::Extra,
    field::FieldError,
    notification::{Event, SecurityEcho},
};
use serde_json::json;

use super::{Context, Reply};
use crate::{
    app::failed,
    notify::{Address, Occasion},
    random,
    refusal::Refusal,
    store::{Needs, Owed, Workspace},
};

/// Gives back what was sent, the encrypted message sealed for the caller; to a
/// `notify_url` as a notification too.
pub(crate) async fn echo(cx: Context<'_>) -> Result<Reply, Refusal> {
    let message = cx.members.text("echo_message", 1024)?;
    let sealed = cx.members.optional_text("encrypted_echo_message", 512)?;
    let notify_url = notify_url(&cx)?;
    let mut answer = json!({ "echo_message": message });
    let mut echo = SecurityEcho {
        echo_message: Some(message),
        encrypt_echo_message: None,
        extra: Extra::default(),
    };
    if let Some(text) = sealed {
        let opened = cx
            .open_value("/encrypted_echo_message", Sealed::from_wire(text))
            .await?;
        answer["encrypted_echo_message"] = json!(cx.seal_value(&opened)?);
        echo.encrypt_echo_message = Some(opened);
    }
    if let Some(notify_url) = notify_url {
        owe(&cx, &notify_url, echo).await?;
    }
    Ok(Reply::ok(&answer))
}

fn notify_url(cx: &Context<'_>) -> Result<Option<String>, Refusal> {
    let Some(url) = cx.members.optional_text("notify_url", 256)? else {
        return Ok(None);
    };
    match Address::parse(&url, cx.app.notifier.settings.https_only) {
        Ok(_) => Ok(Some(url)),
        Err(issue) => {
            let error = FieldError::new("/notify_url", url, issue.to_string());
            Err(Refusal::param("body", &error))
        }
    }
}

async fn owe(cx: &Context<'_>, notify_url: &str, echo: SecurityEcho) -> Result<(), Refusal> {
    let owed = written(cx, notify_url, echo).await?;
    let owe = move |workspace: &mut Workspace| {
        workspace.owe(owed.clone());
        Ok(())
    };
    let needs = Needs::of(&cx.admitted.caller.identity);
    let outcome = cx.app.store.decide(needs, owe).await;
    outcome.map_err(|error| failed(&error))??;
    cx.app.notifier.wake();
    Ok(())
}

async fn written(cx: &Context<'_>, notify_url: &str, echo: SecurityEcho) -> Result<Owed, Refusal> {
    let caller = &cx.admitted.caller;
    let occasion = Occasion {
        to: caller,
        // It belongs to no brand, so the caller is the tenant.
        brand_id: &caller.identity,
        card_id: None,
        notify_url,
        id: &random::notification_id(),
        now: cx.app.now().await?,
    };
    let settings = &cx.app.notifier.settings;
    Ok(occasion.owed(Event::SecurityEcho(echo), settings)?)
}
