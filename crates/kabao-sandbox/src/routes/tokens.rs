//! Tokens for the front end.

use serde_json::json;

use super::{Context, Reply};
use crate::{
    domain::token::{self, TokenPurpose},
    random,
    refusal::Refusal,
    store::Needs,
};

/// `POST …/pre-auth-tokens`, and `POST …/open-user-card-tokens`, as it was called
/// before: opens the component for joining.
pub(crate) async fn pre_auth(cx: Context<'_>) -> Result<Reply, Refusal> {
    give(&cx, TokenPurpose::Join).await
}

/// `POST …/pay-view-tokens`: opens the component that shows the pay code.
pub(crate) async fn pay_view(cx: Context<'_>) -> Result<Reply, Refusal> {
    give(&cx, TokenPurpose::PayView).await
}

async fn give(cx: &Context<'_>, purpose: TokenPurpose) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let card_id = cx.members.text("card_id", 32)?;
    let openid = cx.members.text("openid", 128)?;
    let text = random::token();
    let needs = Needs::of(brand_id).card_template(&*card_id);
    let token = cx.decide(needs, move |workspace, now| {
        token::give(workspace, purpose, &text, &card_id, &openid, now)
    });
    let token = token.await?;
    Ok(Reply::ok(&json!({
        "token": token.token,
        "expire_time": token.expire_time,
    })))
}
