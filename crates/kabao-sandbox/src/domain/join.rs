//! How a user comes by a card, and leaves it.

use jiff::Timestamp;
use kabao_core::{
    Sensitive, UserCardKey,
    card_member::{CodeMode, UserInformation},
};

use super::{
    Activity, ActivityStage, StoredState, UserCard, UserCardId, card,
    feed::{self, OrderAttach},
    token::{self, TokenPurpose},
    user_card,
};
use crate::{refusal::Refusal, store::Workspace};

/// A user who takes a card.
#[derive(Debug, Clone)]
pub(crate) struct Joining {
    pub(crate) card_id: String,
    pub(crate) openid: String,
    pub(crate) phone_number: Option<Sensitive>,
    pub(crate) user_information: Option<UserInformation>,
    /// Through the component with a token; without one, from the brand's
    /// business card.
    pub(crate) token: Option<String>,
    /// The code, should WeChat Pay allocate it; otherwise any unique text.
    pub(crate) code: String,
}

/// Takes a card, which then waits for the merchant's confirmation. The component
/// also hands out what the running activities of the template give.
pub(crate) fn join(
    workspace: &mut Workspace,
    joining: &Joining,
    now: Timestamp,
) -> Result<(UserCard, Vec<Activity>), Refusal> {
    let Joining {
        card_id, openid, ..
    } = joining;
    let template = card::in_force(workspace, card_id)?.clone();
    card::not_over(&template, now)?;
    refuse_member(workspace, card_id, openid)?;
    if let Some(text) = &joining.token {
        token::open(workspace, TokenPurpose::Join, text, card_id, openid, now)?;
    }
    let brand_id = workspace.brand_id();
    let id = match template.code_mode {
        CodeMode::MerchantAllocate => UserCardId::without_code(brand_id, card_id, &joining.code),
        _ => UserCardId {
            brand_id: brand_id.to_owned(),
            card_id: card_id.clone(),
            user_card_code: joining.code.clone(),
        },
    };
    let state = StoredState::Unactivated;
    let card = UserCard {
        phone_number: joining.phone_number.clone(),
        user_information: joining.user_information.clone(),
        ..UserCard::from_template(&template, id, openid, state, now)
    };
    workspace.put_user_card(card.clone());
    let gifts = match joining.token {
        Some(_) => give(workspace, now),
        None => Vec::new(),
    };
    Ok((card, gifts))
}

/// Takes one from the stock of every activity that runs.
fn give(workspace: &mut Workspace, now: Timestamp) -> Vec<Activity> {
    let running: Vec<Activity> = workspace
        .activities()
        .filter(|activity| activity.stage_at(now) == ActivityStage::Effective)
        .filter(|activity| activity.apply_available > 0)
        .cloned()
        .collect();
    running
        .into_iter()
        .map(|mut activity| {
            activity.apply_available -= 1;
            workspace.put_activity(activity.clone());
            activity
        })
        .collect()
}

/// An order is paid whose attach names a card: the payer is a member at once, be
/// it one who joined and waits for that, without a confirmation and without a notification, and the order's line of
/// news is on the card, under the unused id `feed_id`.
pub(crate) fn pay(
    workspace: &mut Workspace,
    attach: &OrderAttach,
    openid: &str,
    feed_id: &str,
    now: Timestamp,
) -> Result<UserCard, Refusal> {
    let card = member(workspace, attach, openid, now)?;
    if !attach.cell.is_empty() {
        let of = UserCardKey::new(&*attach.user_card_code, &*attach.card_id, openid);
        feed::put(workspace, &of, feed_id, &attach.cell, now)?;
    }
    Ok(card)
}

/// The payer's card, in force; a new one if there is none, which only a template
/// in force gives.
fn member(
    workspace: &mut Workspace,
    attach: &OrderAttach,
    openid: &str,
    now: Timestamp,
) -> Result<UserCard, Refusal> {
    let card_id = &attach.card_id;
    if let Some(own) = workspace.user_card(card_id, &attach.user_card_code) {
        let mut card = own.clone();
        if card.openid != openid || !card.is_live() {
            return Err(Refusal::already_exists("user_card_code已被占用"));
        }
        if card.activate(now) {
            workspace.put_user_card(card.clone());
        }
        return Ok(card);
    }
    let template = card::in_force(workspace, card_id)?.clone();
    refuse_member(workspace, card_id, openid)?;
    card::not_over(&template, now)?;
    let id = UserCardId {
        brand_id: workspace.brand_id().to_owned(),
        card_id: card_id.clone(),
        user_card_code: attach.user_card_code.clone(),
    };
    let card = UserCard::from_template(&template, id, openid, StoredState::Effective, now);
    workspace.put_user_card(card.clone());
    Ok(card)
}

/// The user removes the card.
pub(crate) fn delete(
    workspace: &mut Workspace,
    card_id: &str,
    openid: &str,
    now: Timestamp,
) -> Result<UserCard, Refusal> {
    let mut card = user_card::live_of(workspace, card_id, openid)?.clone();
    card.invalidate(None, now);
    workspace.put_user_card(card.clone());
    Ok(card)
}

/// A user has at most one live card of a template.
fn refuse_member(workspace: &Workspace, card_id: &str, openid: &str) -> Result<(), Refusal> {
    match user_card::live_of(workspace, card_id, openid) {
        Ok(_) => Err(Refusal::invalid_request("用户已领取过该会员卡")),
        Err(_) => Ok(()),
    }
}
