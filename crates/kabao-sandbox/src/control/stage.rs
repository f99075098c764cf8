//! Where a user's doing is played: a rule in one transaction, and whom it is told.

use std::sync::Arc;

use axum::Json;
use jiff::Timestamp;
use kabao_core::{notification::Event, signature::Scheme};
use serde_json::Value;

use super::Trouble;
use crate::{
    app::App,
    domain::{UserCard, card},
    keys::Keys,
    notify::Occasion,
    random,
    refusal::Refusal,
    store::{Needs, Workspace},
};

/// What a rule is played with.
pub(super) struct Stage {
    app: Arc<App>,
    keys: Arc<Keys>,
    pub(super) now: Timestamp,
    pub(super) notification_id: String,
}

/// Plays a rule in one transaction, and sees to it that what it owes goes out.
pub(super) async fn play(
    app: &Arc<App>,
    needs: Needs,
    rule: impl Fn(&Stage, &mut Workspace) -> Result<Value, Refusal> + Send + Sync + 'static,
) -> Result<Json<Value>, Trouble> {
    // Whoever is told may have come a moment ago, by another process.
    app.current.look().await?;
    let stage = Stage {
        app: Arc::clone(app),
        keys: app.keys(),
        now: app.now().await?,
        notification_id: random::notification_id(),
    };
    let outcome = app
        .store
        .decide(needs, move |workspace| rule(&stage, workspace))
        .await?;
    app.notifier.wake();
    Ok(Json(outcome?))
}

impl Stage {
    /// Owes whoever created the template a notification about it. Its kind
    /// decides keys and names.
    pub(super) fn tell(
        &self,
        workspace: &mut Workspace,
        card_id: &str,
        event: Event,
    ) -> Result<(), Refusal> {
        let template = card::known(workspace, card_id)?;
        let brand_id = template.card.brand_id.clone();
        let notify_url = template.card.notify_url.clone();
        let keys = &self.keys;
        let receiver = match &template.created_by_mchid {
            Some(mchid) => keys.caller(Scheme::Wechatpay2Sha256Rsa2048, mchid),
            None => keys.caller(Scheme::WechatpayBrandSha256Rsa2048, &brand_id),
        };
        let Some(receiver) = receiver else {
            tracing::error!(card_id, "whoever created the template has no keys any more");
            return Err(Refusal::system_error());
        };
        let occasion = Occasion {
            to: receiver,
            brand_id: &brand_id,
            card_id: Some(card_id),
            notify_url: &notify_url,
            id: &self.notification_id,
            now: self.now,
        };
        let owed = occasion.owed(event, &self.app.notifier.settings);
        workspace.owe(owed?);
        Ok(())
    }

    /// A card, opened: whoever steers the sandbox may see what it holds.
    pub(super) fn shown(&self, card: UserCard) -> Result<Value, Refusal> {
        let card = card.into_wire(self.now);
        serde_json::to_value(card.reveal()).map_err(|error| {
            tracing::error!(%error, "a card cannot be written");
            Refusal::system_error()
        })
    }
}
