//! A user's cards: read one, list, change.

use std::sync::Arc;

use kabao_core::{Sealed, UserCardChange, card_member::UserCardState, field::FieldError};
use serde::Serialize;
use serde_json::Value;

use super::{Context, Reply, not_served};
use crate::{
    app::failed,
    clock::{business_time, real_now},
    domain::{UserCard, UserCardId},
    refusal::Refusal,
    store::{UserCardsOf, Window},
};

/// `GET …/user-cards/{user_card_code}`: code, template and user must all fit.
pub(crate) async fn get(cx: Context<'_>) -> Result<Reply, Refusal> {
    let (id, openid) = addressed(&cx)?;
    let view = cx.app.store.user_card_view(&id, cx.mchid()).await;
    let view = view.map_err(|error| failed(&error))?;
    if !view.served {
        return Err(not_served(&id.brand_id));
    }
    let card = view.card.filter(|card| card.openid == openid);
    let now = business_time(view.clock, real_now());
    cx.seal(card.ok_or_else(unknown)?.into_wire(now))
        .map(|card| Reply::ok(&card))
}

/// `GET …/user-cards`: a user's cards in a brand, newest pickup first.
pub(crate) async fn list(cx: Context<'_>) -> Result<Reply, Refusal> {
    #[derive(Serialize)]
    struct Page<T> {
        data: Vec<T>,
        total_count: u64,
        offset: u64,
        limit: u64,
    }
    let brand_id = cx.brand_id()?;
    let openid = cx.members.text("openid", 128)?;
    let state = wanted_state(&cx)?;
    let offset = cx.members.number("offset", 0..=u64::MAX)?;
    let limit = cx.members.number("limit", 1..=20)?;
    cx.authorise(&brand_id).await?;
    let now = cx.app.now().await?;
    let of = UserCardsOf {
        brand_id,
        openid,
        state,
        now,
    };
    let page = cx.app.store.user_cards(&of, Window { offset, limit }).await;
    let page = page.map_err(|error| failed(&error))?;
    let data = page
        .rows
        .into_iter()
        .map(|card| cx.seal(card.into_wire(now)))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Reply::ok(&Page {
        data,
        total_count: page.total,
        offset,
        limit,
    }))
}

/// `PATCH …/user-cards/{user_card_code}`: members that are there replace.
pub(crate) async fn update(cx: Context<'_>) -> Result<Reply, Refusal> {
    let (id, openid) = addressed(&cx)?;
    let change = change(&cx)?;
    let change = cx.open(change).await?;
    cx.authorise(&id.brand_id).await?;
    let now = cx.app.now().await?;
    let rule = Arc::new(move |card: &mut UserCard| {
        if card.openid != openid {
            return Err(unknown());
        }
        card.change(change.clone(), now)
    });
    let changed = cx
        .app
        .store
        .change_user_card(&id, rule)
        .await
        .map_err(|error| failed(&error))?;
    let card = changed.ok_or_else(unknown)??;
    cx.seal(card.into_wire(now)).map(|card| Reply::ok(&card))
}

fn addressed(cx: &Context<'_>) -> Result<(UserCardId, String), Refusal> {
    let user_card_code = cx.members.text("user_card_code", 32)?;
    if !user_card_code.bytes().all(|byte| byte.is_ascii_graphic()) {
        let issue = "仅支持数字、拉丁字母和半角标点";
        return Err(Refusal::param(
            "path",
            &FieldError::new("user_card_code", user_card_code, issue),
        ));
    }
    let id = UserCardId {
        brand_id: cx.brand_id()?,
        card_id: cx.members.text("card_id", 32)?,
        user_card_code,
    };
    Ok((id, cx.members.text("openid", 128)?))
}

/// The change in a body. Members that the operation does not have are ignored,
/// as the real service does.
fn change(cx: &Context<'_>) -> Result<UserCardChange<Sealed>, Refusal> {
    let known = cx
        .members
        .body()
        .iter()
        .filter(|(name, _)| UserCardChange::<Sealed>::MEMBERS.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let change: UserCardChange<Sealed> = serde_path_to_error::deserialize(Value::Object(known))
        .map_err(|error| {
            let field = format!(
                "/{}",
                error
                    .path()
                    .to_string()
                    .replace(['.', '['], "/")
                    .replace(']', "")
            );
            let issue = format!("类型或格式错误：{}", error.inner());
            Refusal::param("body", &FieldError::new(field, "", issue))
        })?;
    change
        .check()
        .map_err(|error| Refusal::param("body", &error))?;
    Ok(change)
}

fn wanted_state(cx: &Context<'_>) -> Result<Option<UserCardState>, Refusal> {
    match cx
        .members
        .optional_text("user_card_state", 32)?
        .map(UserCardState::from)
    {
        Some(UserCardState::Unknown(name)) => {
            let issue = format!("应为{}之一", UserCardState::KNOWN.join("、"));
            Err(Refusal::param(
                "query",
                &FieldError::new("user_card_state", name, issue),
            ))
        }
        state => Ok(state),
    }
}

fn unknown() -> Refusal {
    Refusal::not_exists("用户会员卡不存在，请核对user_card_code、card_id与openid")
}
