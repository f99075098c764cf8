use jiff::Timestamp;
use kabao_core::{
    card_member::{Card, CardState, ValidDateType},
    time::Time,
};

use crate::{refusal::Refusal, store::Workspace};

/// A card template as the sandbox keeps it: the documented object, and who made
/// it, for that decides names and keys of its notifications.
#[derive(Debug, Clone, PartialEq)]
pub struct CardTemplate {
    /// The documented object.
    pub card: Card,
    /// The mchid that made it; `None` if the brand itself did.
    pub created_by_mchid: Option<String>,
}

impl CardTemplate {
    /// Whether cards can be made from it.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        self.card.state != Some(CardState::Invalid)
    }

    /// Puts the changed object in place of the old one.
    ///
    /// # Errors
    /// 400 `INVALID_REQUEST` if the template is invalid.
    pub(crate) fn change(&mut self, changed: Card, now: Timestamp) -> Result<(), Refusal> {
        if !self.is_in_force() {
            return Err(Refusal::invalid_request("会员卡模板已失效，不能修改"));
        }
        self.card = Card {
            modify_time: Some(Time::at(now)),
            ..changed
        };
        Ok(())
    }

    /// No channel hands out the card any more; cards that users hold stay as
    /// they are. Once is enough.
    pub(crate) fn invalidate(&mut self, now: Timestamp) {
        if self.is_in_force() {
            self.card.state = Some(CardState::Invalid);
            self.card.modify_time = Some(Time::at(now));
        }
    }
}

/// The template that a request names.
pub(crate) fn known<'a>(
    workspace: &'a Workspace,
    card_id: &str,
) -> Result<&'a CardTemplate, Refusal> {
    workspace
        .card_template(card_id)
        .ok_or_else(|| Refusal::not_exists("会员卡模板不存在，请核对card_id"))
}

/// The template that a request names, if cards can be made from it.
pub(crate) fn in_force<'a>(workspace: &'a Workspace, card_id: &str) -> Result<&'a Card, Refusal> {
    match known(workspace, card_id)? {
        template if template.is_in_force() => Ok(&template.card),
        _ => Err(Refusal::invalid_request("会员卡模板已失效")),
    }
}

/// Refuses a template whose cards would be over before they begin.
pub(crate) fn not_over(card: &Card, now: Timestamp) -> Result<(), Refusal> {
    let validity = &card.valid_date_information;
    let end = validity.end(now);
    if validity.kind == ValidDateType::FixTimeRange && end.is_some_and(|end| end <= now) {
        return Err(Refusal::invalid_request("会员卡模板的有效期已结束"));
    }
    Ok(())
}
