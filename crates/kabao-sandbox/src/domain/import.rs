//! Members that were registered elsewhere.

use jiff::Timestamp;
use kabao_core::{UserCardChange, UserCardKey, card_member::ValidDateInformation};

use super::{StoredState, UserCard, UserCardId, card};
use crate::{refusal::Refusal, store::Workspace};

/// Makes a member's card, at once in force; nobody is notified. Importing the
/// same member under the same code again gives the stored card, also when the
/// template is no longer in force.
pub(crate) fn import(
    workspace: &mut Workspace,
    key: &UserCardKey,
    validity: &ValidDateInformation,
    more: &UserCardChange,
    now: Timestamp,
) -> Result<UserCard, Refusal> {
    if let Some(stored) = workspace.user_card(&key.card_id, &key.user_card_code) {
        return match stored.openid == key.openid {
            true => Ok(stored.clone()),
            false => Err(Refusal::already_exists("user_card_code已被其他用户占用")),
        };
    }
    let template = card::in_force(workspace, &key.card_id)?.clone();
    let mut others = workspace.user_cards_of(&key.card_id, &key.openid);
    if others.any(UserCard::is_live) {
        return Err(Refusal::already_exists("用户已是会员，且会员卡号不同"));
    }
    drop(others);
    if validity.kind != template.valid_date_information.kind {
        return Err(Refusal::invalid_request(format!(
            "valid_date_information.type须与模板一致：{}",
            template.valid_date_information.kind
        )));
    }
    let id = UserCardId {
        brand_id: workspace.brand_id().to_owned(),
        card_id: key.card_id.clone(),
        user_card_code: key.user_card_code.clone(),
    };
    let state = StoredState::Effective;
    let mut card = UserCard::from_template(&template, id, &key.openid, state, now);
    card.adjust(more.clone(), now);
    card.valid_date_information = validity.clone();
    workspace.put_user_card(card.clone());
    Ok(card)
}
