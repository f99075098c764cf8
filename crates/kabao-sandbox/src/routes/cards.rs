//! Card templates: read one.

use super::{Context, Reply};
use crate::{app::failed, refusal::Refusal};

/// `GET …/cards/{card_id}`.
pub(crate) async fn get(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let card_id = cx.members.text("card_id", 32)?;
    cx.authorise(&brand_id).await?;
    let template = cx.app.store.card_template(&brand_id, &card_id).await;
    let template = template.map_err(|error| failed(&error))?;
    template
        .map(|template| Reply::ok(&template.card))
        .ok_or_else(|| Refusal::not_exists("会员卡模板不存在，请核对card_id"))
}
