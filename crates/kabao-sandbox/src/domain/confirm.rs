//! The merchant's answer to a user who took a card.

use jiff::Timestamp;
use kabao_core::{UserCardChange, UserCardKey, card_member::CodeMode};

use super::{StoredState, UserCard, card, user_card};
use crate::{refusal::Refusal, store::Workspace};

/// What a merchant says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirmation {
    /// The membership is open, or the user was a member before.
    Opened,
    /// It could not be opened.
    Failed,
}

impl Confirmation {
    const fn leads_to(self) -> StoredState {
        match self {
            Self::Opened => StoredState::Effective,
            Self::Failed => StoredState::Invalid,
        }
    }
}

/// Confirms a card, and adjusts it on the way. A card that is already where this
/// leads stays as it is.
pub(crate) fn confirm(
    workspace: &mut Workspace,
    key: &UserCardKey,
    confirmation: Confirmation,
    adjustment: &UserCardChange,
    now: Timestamp,
) -> Result<UserCard, Refusal> {
    let mut card = match waiting_for_code(workspace, key)? {
        Some(card) => with_code(workspace, card, key)?,
        None => user_card::known(workspace, key)?.clone(),
    };
    if card.state == confirmation.leads_to() {
        return Ok(card);
    }
    match (card.state, confirmation) {
        (StoredState::Unactivated, _) => {}
        (StoredState::Invalid, _) => {
            return Err(Refusal::invalid_request("会员卡已作废，不能确认开通"));
        }
        (StoredState::Effective, _) => {
            return Err(Refusal::invalid_request("会员卡已开通，不能确认为开通失败"));
        }
    }
    card.adjust(adjustment.clone(), now);
    match confirmation {
        Confirmation::Opened => card.state = StoredState::Effective,
        Confirmation::Failed => card.invalidate(None, now),
    }
    workspace.put_user_card(card.clone());
    Ok(card)
}

/// Where the merchant allocates codes: the user's card that has none yet.
fn waiting_for_code(workspace: &Workspace, key: &UserCardKey) -> Result<Option<UserCard>, Refusal> {
    let template = card::known(workspace, &key.card_id)?;
    if template.card.code_mode != CodeMode::MerchantAllocate {
        return Ok(None);
    }
    let mut cards = workspace.user_cards_of(&key.card_id, &key.openid);
    let waiting =
        cards.find(|card| card.state == StoredState::Unactivated && card.code().is_none());
    Ok(waiting.cloned())
}

/// Gives a card its code, on success and on failure alike.
fn with_code(
    workspace: &mut Workspace,
    mut card: UserCard,
    key: &UserCardKey,
) -> Result<UserCard, Refusal> {
    if workspace
        .user_card(&key.card_id, &key.user_card_code)
        .is_some()
    {
        return Err(Refusal::already_exists("user_card_code已被占用"));
    }
    workspace.remove_user_card(&card.id);
    card.id.user_card_code.clone_from(&key.user_card_code);
    Ok(card)
}
