use jiff::Timestamp;
use kabao_core::{
    Sensitive, UserCardChange, UserCardKey,
    card_member::{
        Card, CardType, UserCard as WireUserCard, UserCardState, UserInformation,
        ValidDateInformation,
    },
    extra::Extra,
    field::FieldError,
    time::Time,
};

use crate::{refusal::Refusal, store::Workspace};

/// The longest code, in characters.
pub(crate) const CODE: usize = 32;

/// Whether a text can be a card's code: digits, Latin letters and half-width
/// punctuation.
pub(crate) fn is_code(text: &str) -> bool {
    (1..=CODE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What is told of a card as it was, unless it could never be told to a merchant.
///
/// # Errors
/// [`FieldError`] names a member whose form is not accepted, that is not known or
/// cannot be encrypted. What it says of a personal value is its length.
pub(crate) fn showable(told: UserCardChange) -> Result<UserCardChange, FieldError> {
    /// An RSA block of 2048 bits under OAEP with SHA-1.
    const LONGEST: usize = 214;
    let form = told.user_information.as_ref();
    if let Some(at) = form.and_then(|form| form.unknown_member("/user_information")) {
        return Err(FieldError::new(at, "", "there is no such member"));
    }
    told.check()?;
    told.try_map(|at, value| match value.expose().len() {
        0..=LONGEST => Ok(value),
        length => {
            let issue = format!("{length} bytes cannot be encrypted, {LONGEST} can");
            Err(FieldError::new(at, "", issue))
        }
    })
}

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

impl UserCardId {
    /// The name of a card that is still without a code: no code begins with a
    /// space, so none is ever taken for it.
    pub(crate) fn without_code(brand_id: &str, card_id: &str, unique: &str) -> Self {
        Self {
            brand_id: brand_id.to_owned(),
            card_id: card_id.to_owned(),
            user_card_code: format!(" {unique}"),
        }
    }

    fn has_code(&self) -> bool {
        !self.user_card_code.starts_with(' ')
    }
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
    /// A card as it is when it comes to be: what the template gives, and nothing
    /// else.
    pub(crate) fn from_template(
        template: &Card,
        id: UserCardId,
        openid: &str,
        state: StoredState,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            openid: openid.to_owned(),
            card_type: template.card_type.clone(),
            card_color: Some(template.card_color.clone()),
            card_picture_url: Some(template.card_picture_url.clone()),
            phone_number: None,
            level: template.init_level.clone(),
            valid_date_information: template.valid_date_information.clone(),
            pickup_time: Time::at(now),
            user_information: None,
            attach: None,
            state,
            invalid_reason: None,
            invalid_time: None,
            create_time: now,
            modify_time: now,
        }
    }

    /// Its code; `None` while the merchant that allocates codes has not
    /// confirmed it.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.id.has_code().then_some(&*self.id.user_card_code)
    }

    /// Whether it counts as its user's card of the template.
    pub(crate) fn is_live(&self) -> bool {
        self.state != StoredState::Invalid
    }

    /// Puts it in force if it waits for that; whether it did.
    pub(crate) fn activate(&mut self, now: Timestamp) -> bool {
        let waits = self.state == StoredState::Unactivated;
        if waits {
            self.state = StoredState::Effective;
            self.modify_time = now;
        }
        waits
    }

    /// Ends it for good; once is enough.
    pub(crate) fn invalidate(&mut self, reason: Option<String>, now: Timestamp) {
        if self.is_live() {
            self.state = StoredState::Invalid;
            self.invalid_reason = reason;
            self.invalid_time = Some(now);
            self.modify_time = now;
        }
    }

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
        let user_card_code = self.code().unwrap_or_default().to_owned();
        WireUserCard {
            user_card_code,
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
        if !self.is_live() {
            return Err(Refusal::invalid_request("会员卡已作废，不能修改"));
        }
        self.adjust(change, now);
        Ok(())
    }

    /// Applies a change whatever the state.
    pub(crate) fn adjust(&mut self, change: UserCardChange, now: Timestamp) {
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

/// The card that a request names: code, template and user must all fit.
pub(crate) fn known<'a>(
    workspace: &'a Workspace,
    key: &UserCardKey,
) -> Result<&'a UserCard, Refusal> {
    workspace
        .user_card(&key.card_id, &key.user_card_code)
        .filter(|card| card.openid == key.openid)
        .ok_or_else(unknown)
}

/// There is no card that fits.
pub(crate) fn unknown() -> Refusal {
    Refusal::not_exists("用户会员卡不存在，请核对user_card_code、card_id与openid")
}

/// The card that a request names, unless it is invalid.
pub(crate) fn live<'a>(
    workspace: &'a Workspace,
    key: &UserCardKey,
) -> Result<&'a UserCard, Refusal> {
    match known(workspace, key)? {
        card if card.is_live() => Ok(card),
        _ => Err(Refusal::invalid_request("会员卡已作废")),
    }
}

/// The one card that a user has of a template.
pub(crate) fn live_of<'a>(
    workspace: &'a Workspace,
    card_id: &'a str,
    openid: &'a str,
) -> Result<&'a UserCard, Refusal> {
    workspace
        .user_cards_of(card_id, openid)
        .find(|card| card.is_live())
        .ok_or_else(|| Refusal::not_exists("用户没有该模板的会员卡"))
}

/// The one card that a user has of a template, if it can be used.
pub(crate) fn in_force<'a>(
    workspace: &'a Workspace,
    card_id: &'a str,
    openid: &'a str,
    now: Timestamp,
) -> Result<&'a UserCard, Refusal> {
    let card = live_of(workspace, card_id, openid)?;
    match card.state_at(now) {
        UserCardState::Effective => Ok(card),
        state => Err(Refusal::invalid_request(format!(
            "会员卡状态为{state}，不能使用"
        ))),
    }
}

fn replace_text(member: &mut Option<String>, text: Option<String>) {
    if let Some(text) = text {
        *member = Some(text).filter(|text| !text.is_empty());
    }
}
