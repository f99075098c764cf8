use jiff::Timestamp;
use kabao_core::{
    Sensitive, UserCardChange,
    card_member::{
        CardType, UserCard as WireUserCard, UserCardState, UserInformation, ValidDateInformation,
    },
    extra::Extra,
    time::Time,
};

use crate::refusal::Refusal;

/// The natural key of a user's card. A code is unique within a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserCardId {
    /// The brand: the tenant, which leads every key.
    pub brand_id: String,
    /// The template.
    pub card_id: String,
    /// The code.
    pub user_card_code: String,
}

/// Where a card stands, as far as it is stored. `EXPIRED` is not: it follows
/// from the validity when the card is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredState {
    /// Taken, not confirmed.
    Unactivated,
    /// Usable while its validity lasts.
    Effective,
    /// Invalidated, for good.
    Invalid,
}

impl StoredState {
    /// The name in the store, which is also that on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unactivated => "UNACTIVATED",
            Self::Effective => "EFFECTIVE",
            Self::Invalid => "INVALID",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Unactivated, Self::Effective, Self::Invalid]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// A user's card as the sandbox keeps it, personal data in plaintext here and
/// sealed in the store.
#[derive(Debug, Clone)]
pub struct UserCard {
    /// Which card.
    pub id: UserCardId,
    /// Whose.
    pub openid: String,
    /// The kind of the template.
    pub card_type: CardType,
    /// Background colour.
    pub card_color: Option<String>,
    /// Background picture.
    pub card_picture_url: Option<String>,
    /// Phone number.
    pub phone_number: Option<Sensitive>,
    /// Display text.
    pub level: Option<String>,
    /// From when to when the card serves.
    pub valid_date_information: ValidDateInformation,
    /// When the user took it, as written.
    pub pickup_time: Time,
    /// Form answers.
    pub user_information: Option<UserInformation>,
    /// The merchant's own data.
    pub attach: Option<String>,
    /// Where it stands, expiry aside.
    pub state: StoredState,
    /// Why it was invalidated.
    pub invalid_reason: Option<String>,
    /// When.
    pub invalid_time: Option<Timestamp>,
    /// When it came to be.
    pub create_time: Timestamp,
    /// When it was last changed.
    pub modify_time: Timestamp,
}

impl UserCard {
    /// Where the card stands at `now`.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> UserCardState {
        match self.state {
            StoredState::Unactivated => UserCardState::Unactivated,
            StoredState::Invalid => UserCardState::Invalid,
            StoredState::Effective if self.is_over(now) => UserCardState::Expired,
            StoredState::Effective => UserCardState::Effective,
        }
    }

    /// The documented object, personal data still in plaintext.
    #[must_use]
    pub fn into_wire(self, now: Timestamp) -> WireUserCard {
        let user_card_state = self.state_at(now);
        WireUserCard {
            user_card_code: self.id.user_card_code,
            card_id: self.id.card_id,
            openid: self.openid,
            card_color: self.card_color,
            card_picture_url: self.card_picture_url,
            brand_id: self.id.brand_id,
            card_type: self.card_type,
            phone_number: self.phone_number,
            level: self.level,
            valid_date_information: self.valid_date_information,
            pickup_time: self.pickup_time,
            user_information: self.user_information,
            attach: self.attach,
            user_card_state,
            invalid_reason: self.invalid_reason,
            invalid_time: self.invalid_time.map(Time::at),
            create_time: Some(Time::at(self.create_time)),
            modify_time: Some(Time::at(self.modify_time)),
            extra: Extra::default(),
        }
    }

    /// Applies a change: members that are there replace, an empty text clears a
    /// member that may be empty.
    ///
    /// # Errors
    /// 400 `INVALID_REQUEST` if the card is invalid, whatever the change.
    pub fn change(&mut self, change: UserCardChange, now: Timestamp) -> Result<(), Refusal> {
        if self.state == StoredState::Invalid {
            return Err(Refusal::invalid_request("会员卡已作废，不能修改"));
        }
        replace_text(&mut self.card_color, change.card_color);
        replace_text(&mut self.card_picture_url, change.card_picture_url);
        replace_text(&mut self.level, change.level);
        replace_text(&mut self.attach, change.attach);
        if let Some(number) = change.phone_number {
            self.phone_number = Some(number).filter(|number| !number.expose().is_empty());
        }
        if let Some(validity) = change.valid_date_information {
            self.valid_date_information = validity;
        }
        if let Some(time) = change.pickup_time {
            self.pickup_time = time;
        }
        if let Some(information) = change.user_information {
            // Members that are not of the form are ignored, like any other.
            self.user_information = Some(information.without_unknown());
        }
        self.modify_time = now;
        Ok(())
    }

    /// When its validity is over; `None` if never.
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        self.valid_date_information.end(self.pickup_time.instant()?)
    }

    /// To the millisecond, as lists count it.
    fn is_over(&self, now: Timestamp) -> bool {
        self.end()
            .is_some_and(|end| end.as_millisecond() <= now.as_millisecond())
    }
}

fn replace_text(member: &mut Option<String>, text: Option<String>) {
    if let Some(text) = text {
        *member = Some(text).filter(|text| !text.is_empty());
    }
}
