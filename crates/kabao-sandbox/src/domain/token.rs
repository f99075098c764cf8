//! Tokens with which a front end opens a component.

use jiff::{SignedDuration, Timestamp};
use kabao_core::time::Time;
use serde::{Deserialize, Serialize};

use crate::{
    refusal::Refusal,
    store::{Kept, Workspace},
};

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenPurpose {
    /// The component for joining: one hour, as often as one likes.
    Join,
    /// The component that shows the pay code: ten minutes, once.
    PayView,
}

impl TokenPurpose {
    const fn lifetime(self) -> SignedDuration {
        match self {
            Self::Join => SignedDuration::from_hours(1),
            Self::PayView => SignedDuration::from_mins(10),
        }
    }
}

/// A token, tied to a template and a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Token {
    pub(crate) token: String,
    purpose: TokenPurpose,
    card_id: String,
    openid: String,
    pub(crate) expire_time: Time,
    used: bool,
}

impl Kept for Token {
    const KIND: &'static str = "token";

    fn id(&self) -> String {
        self.token.clone()
    }
}

/// Gives out a token with this text, if the template is in force.
pub(crate) fn give(
    workspace: &mut Workspace,
    purpose: TokenPurpose,
    text: &str,
    card_id: &str,
    openid: &str,
    now: Timestamp,
) -> Result<Token, Refusal> {
    super::card::in_force(workspace, card_id)?;
    let expire_time = now.checked_add(purpose.lifetime()).unwrap_or(now);
    let token = Token {
        token: text.to_owned(),
        purpose,
        card_id: card_id.to_owned(),
        openid: openid.to_owned(),
        expire_time: Time::at(expire_time),
        used: false,
    };
    workspace.put_record(&token)?;
    Ok(token)
}

/// Opens a component with a token. Only the one for the pay code is used up.
pub(crate) fn open(
    workspace: &mut Workspace,
    purpose: TokenPurpose,
    text: &str,
    card_id: &str,
    openid: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    let token = workspace
        .record::<Token>(text)?
        .filter(|token| {
            token.purpose == purpose && token.card_id == card_id && token.openid == openid
        })
        .ok_or_else(|| Refusal::invalid_request("token无效，或不属于该用户与会员卡模板"))?;
    if token.expire_time.instant().is_none_or(|end| end <= now) {
        return Err(Refusal::invalid_request("token已过期，请重新获取"));
    }
    if token.used {
        return Err(Refusal::invalid_request("token已使用过，请重新获取"));
    }
    if purpose == TokenPurpose::PayView {
        workspace.put_record(&Token {
            used: true,
            ..token
        })?;
    }
    Ok(())
}
