use serde::{Deserialize, Serialize};

use super::{CardType, UserCardKey, UserCardState, UserInformation, ValidDateInformation};
use crate::{
    extra::{Extra, none},
    open_enum::open_enum,
    time::Time,
};

open_enum! {
    /// Where a card stands, in the words of an event.
    ///
    /// Two generations of names are about; [`card_state`](Self::card_state) says
    /// both in one. What happened is told by the event, not by this.
    pub enum UserCardEventState {
        /// Taken by the user, not yet confirmed by the merchant.
        Unactivated = "UNACTIVATED",
        /// The same in the other names.
        NotEffective = "NOT_EFFECTIVE",
        /// Usable.
        Effective = "EFFECTIVE",
        /// Past its validity.
        Expired = "EXPIRED",
        /// Invalidated, for good.
        Invalid = "INVALID",
        /// The same in the other names.
        Unavailable = "UNAVAILABLE",
        /// Removed by the user, in the other names; `INVALID` otherwise.
        Delete = "DELETE",
    }
}

impl UserCardEventState {
    /// The state in the words of the API's answers.
    ///
    /// ```
    /// use kabao_core::card_member::{UserCardEventState, UserCardState};
    ///
    /// let state = UserCardEventState::from("NOT_EFFECTIVE");
    /// assert_eq!(state.card_state(), UserCardState::Unactivated);
    /// ```
    #[must_use]
    pub fn card_state(&self) -> UserCardState {
        match self {
            Self::Unactivated | Self::NotEffective => UserCardState::Unactivated,
            Self::Effective => UserCardState::Effective,
            Self::Expired => UserCardState::Expired,
            Self::Invalid | Self::Unavailable | Self::Delete => UserCardState::Invalid,
            Self::Unknown(name) => UserCardState::from(name.as_str()),
        }
    }
}

/// The card that a user opened or deleted: the resource `user_card` (page
/// 4015283692 for the service provider, 4015582700 for the brand).
///
/// Only what names the card is required here, so that an event that says less
/// than the page promises still arrives; the rest is one query away.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
pub struct UserCardEvent<S = crate::Sensitive> {
    /// The member card's code, at most 32 characters. Absent while the merchant
    /// that allocates codes has not confirmed the card yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_card_code: Option<String>,
    /// The template, at most 32 characters.
    pub card_id: String,
    /// The user under the template's appid, at most 128 characters.
    pub openid: String,
    /// The brand, at most 32 characters.
    pub brand_id: String,
    /// The kind of card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_type: Option<CardType>,
    /// Background colour, `#RRGGBB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_color: Option<String>,
    /// Background picture, at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_picture_url: Option<String>,
    /// The user's phone number, sealed on the wire (though some senders do not).
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<S>,
    /// Display text, at most 10 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// From when to when the card serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_date_information: Option<ValidDateInformation>,
    /// When the user took the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_time: Option<Time>,
    /// What the user filled in when joining.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub user_information: Option<UserInformation<S>>,
    /// The merchant's own data, at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<String>,
    /// Where the card stands. Decide by the event instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_card_state: Option<UserCardEventState>,
    /// Why it was invalidated, at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_reason: Option<String>,
    /// When it was invalidated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invalid_time: Option<Time>,
    /// When the card came to be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_time: Option<Time>,
    /// When it was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modify_time: Option<Time>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl<S> UserCardEvent<S> {
    /// Which card, for the calls that follow; `None` while it has no code.
    #[must_use]
    pub fn key(&self) -> Option<UserCardKey> {
        let code = self.user_card_code.as_deref()?;
        Some(UserCardKey::new(code, &*self.card_id, &*self.openid))
    }

    /// Turns every sensitive value into another form; `convert` also gets the
    /// JSON Pointer of the value.
    ///
    /// # Errors
    /// The first that `convert` gives.
    pub fn try_map<T, E>(
        self,
        mut convert: impl FnMut(&str, S) -> Result<T, E>,
    ) -> Result<UserCardEvent<T>, E> {
        Ok(UserCardEvent {
            phone_number: self
                .phone_number
                .map(|value| convert("/phone_number", value))
                .transpose()?,
            user_information: self
                .user_information
                .map(|information| information.try_map("/user_information", &mut convert))
                .transpose()?,
            user_card_code: self.user_card_code,
            card_id: self.card_id,
            openid: self.openid,
            brand_id: self.brand_id,
            card_type: self.card_type,
            card_color: self.card_color,
            card_picture_url: self.card_picture_url,
            level: self.level,
            valid_date_information: self.valid_date_information,
            pickup_time: self.pickup_time,
            attach: self.attach,
            user_card_state: self.user_card_state,
            invalid_reason: self.invalid_reason,
            invalid_time: self.invalid_time,
            create_time: self.create_time,
            modify_time: self.modify_time,
            extra: self.extra,
        })
    }
}
