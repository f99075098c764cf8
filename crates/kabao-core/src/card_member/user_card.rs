use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{UserInformation, ValidDateInformation};
use crate::{
    call::{BuildError, Call, Method},
    extra::{Extra, none},
    field::{FieldError, required, user_card_code},
    open_enum::open_enum,
    operation::{Caller, Operation},
    sensitive::{Opener, Revealed, Sealed, Sealer, Sensitive},
    time::Time,
};

open_enum! {
    /// The kind of a card.
    pub enum CardType {
        /// An ordinary card, the only kind that can be created today.
        Normal = "NORMAL",
        /// A paid membership.
        Purchase = "PURCHASE",
        /// A stored-value membership.
        Balance = "BALANCE",
    }
}

open_enum! {
    /// Where a user's card stands.
    pub enum UserCardState {
        /// Taken by the user, not yet confirmed by the merchant.
        Unactivated = "UNACTIVATED",
        /// Usable.
        Effective = "EFFECTIVE",
        /// Past its validity.
        Expired = "EXPIRED",
        /// Invalidated, for good.
        Invalid = "INVALID",
    }
}

/// Which card: its code, its template, its user.
///
/// A code is unique within a template only, and the API wants the user too.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UserCardKey {
    /// The member card's code: at most 32 digits, Latin letters and half-width
    /// punctuation.
    pub user_card_code: String,
    /// The template, at most 32 characters.
    pub card_id: String,
    /// The user under the template's appid, at most 128 characters.
    pub openid: String,
}

impl UserCardKey {
    /// Names a card.
    pub fn new(
        user_card_code: impl Into<String>,
        card_id: impl Into<String>,
        openid: impl Into<String>,
    ) -> Self {
        Self {
            user_card_code: user_card_code.into(),
            card_id: card_id.into(),
            openid: openid.into(),
        }
    }

    /// Whether each of the three has a form that is accepted.
    ///
    /// # Errors
    /// [`FieldError`] names the first that has not, by its bare name: one call
    /// has it in the path, another in the query, a third in the body.
    pub fn check(&self) -> Result<(), FieldError> {
        user_card_code("user_card_code", &self.user_card_code)?;
        required("card_id", &self.card_id, 32)?;
        required("openid", &self.openid, 128)
    }
}

/// A user's card, as the query and the change answer it.
///
/// The documentation's introduction speaks of points and a stored balance; the
/// answer has neither. Should they come, they are in [`extra`](Self::extra).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
pub struct UserCard<S = Sensitive> {
    /// The member card's code.
    pub user_card_code: String,
    /// The template.
    pub card_id: String,
    /// The user under the template's appid.
    pub openid: String,
    /// Background colour, `#RRGGBB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_color: Option<String>,
    /// Background picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_picture_url: Option<String>,
    /// The brand.
    pub brand_id: String,
    /// The kind of card.
    pub card_type: CardType,
    /// The user's phone number, sealed on the wire.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<S>,
    /// Display text, at most 10 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// From when to when the card serves.
    pub valid_date_information: ValidDateInformation,
    /// When the user took the card.
    pub pickup_time: Time,
    /// What the user filled in when joining.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub user_information: Option<UserInformation<S>>,
    /// The merchant's own data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attach: Option<String>,
    /// Where the card stands.
    pub user_card_state: UserCardState,
    /// Why it was invalidated.
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

impl<S> UserCard<S> {
    /// Which card, for the calls that follow.
    #[must_use]
    pub fn key(&self) -> UserCardKey {
        UserCardKey::new(&*self.user_card_code, &*self.card_id, &*self.openid)
    }

    /// When the card ends; `None` if it does not (or does not say).
    #[must_use]
    pub fn end(&self) -> Option<Timestamp> {
        self.valid_date_information.end(self.pickup_time.instant()?)
    }

    /// Whether the card's validity is over at `now`, whatever its state says.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.end().is_some_and(|end| end <= now)
    }

    /// Turns every sensitive value into another form; `convert` also gets the
    /// JSON Pointer of the value.
    ///
    /// # Errors
    /// The first that `convert` gives.
    pub fn try_map<T, E>(
        self,
        mut convert: impl FnMut(&str, S) -> Result<T, E>,
    ) -> Result<UserCard<T>, E> {
        Ok(UserCard {
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
            card_color: self.card_color,
            card_picture_url: self.card_picture_url,
            brand_id: self.brand_id,
            card_type: self.card_type,
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

    fn map<T>(self, mut convert: impl FnMut(S) -> T) -> UserCard<T> {
        let Ok(card) = self.try_map(|_, value| Ok::<_, std::convert::Infallible>(convert(value)));
        card
    }
}

impl UserCard<Sealed> {
    /// Opens every sensitive value; one that does not open is kept as it came
    /// ([`Sensitive::is_opened`]).
    #[must_use]
    pub fn open(self, opener: &dyn Opener) -> UserCard {
        self.map(|sealed| {
            opener
                .open(&sealed)
                .unwrap_or_else(|_| Sensitive::unopened(sealed))
        })
    }
}

impl UserCard<Sensitive> {
    /// The card in a form that serialises, plaintext values included, for
    /// showing it on purpose.
    #[must_use]
    pub fn reveal(&self) -> UserCard<Revealed> {
        self.clone().map(|value| value.reveal())
    }

    /// How many values did not open.
    #[must_use]
    pub fn unopened(&self) -> usize {
        let mut count = 0;
        self.clone()
            .map(|value| count += usize::from(!value.is_opened()));
        count
    }
}

/// Reads one card.
///
/// `GET …/user-cards/{user_card_code}`: page 4015336980 for the service
/// provider, 4015582716 for the brand. All of the key must fit, or the answer
/// is 404.
///
/// ```
/// use kabao_core::{card_member::GetUserCard, operation::{Caller, Operation}, PrivateKey, UserCardKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let get = GetUserCard { key: UserCardKey::new("478515832665", "pbLatj", "obLatj") };
/// let call = get.call(&Caller::Brand, wechatpay_public_key)?;
/// assert_eq!(call.reference, "brand/card-member/user-cards/478515832665?card_id=pbLatj&openid=obLatj");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetUserCard {
    /// Which card.
    pub key: UserCardKey,
}

impl Operation for GetUserCard {
    type Output = UserCard;

    fn check(&self) -> Result<(), FieldError> {
        self.key.check()
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Query<'a> {
            brand_id: Option<&'a str>,
            card_id: &'a str,
            openid: &'a str,
        }
        Call::to(&caller.path("user-cards/{user_card_code}"))
            .param("user_card_code", &self.key.user_card_code)
            .query(&Query {
                brand_id: caller.brand_id(),
                card_id: &self.key.card_id,
                openid: &self.key.openid,
            })
            .build(Method::Get)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], open: &dyn Opener) -> Result<UserCard, serde_json::Error> {
        serde_json::from_slice::<UserCard<Sealed>>(body).map(|card| card.open(open))
    }
}
