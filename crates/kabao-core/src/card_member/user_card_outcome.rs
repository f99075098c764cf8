use serde::Serialize;

use super::{
    UserCard, UserCardChange, UserCardKey,
    request::{WithBrand, any_sensitive, refuse_unsealed, seal_with},
};
use crate::{
    call::{BuildError, Call, Method},
    field::{FieldError, at_most, one_of},
    open_enum::open_enum,
    operation::{Caller, Operation},
    sensitive::{Opener, Sealed, Sealer},
};

open_enum! {
    /// How opening a membership ended on the merchant's side.
    pub enum ConfirmState {
        /// It was opened.
        Success = "CREATE_CARD_SUCCESS",
        /// It could not be opened.
        Fail = "CREATE_CARD_FAIL",
        /// The user is a member already.
        AlreadyExists = "CREATE_CARD_ALREADY_EXISTS",
    }
}

/// Reports how opening a membership ended. Whoever joins through the component
/// or the business card is a member only then.
///
/// `POST …/user-cards/{user_card_code}/confirm`: page 4015336979 for the service
/// provider, 5 a second; 4015582750 for the brand. Where the merchant allocates
/// codes, the code of the key is the one that the card gets. Repeating the same
/// outcome changes nothing; confirming a card that is invalid is refused (400
/// `INVALID_REQUEST`).
///
/// ```
/// use kabao_core::{card_member::{ConfirmState, ConfirmUserCard}, operation::{Caller, Operation},
///     PrivateKey, UserCardChange, UserCardKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let confirm = ConfirmUserCard {
///     key: UserCardKey::new("478515832665", "pbLatj", "obLatj"),
///     state: ConfirmState::Success,
///     change: UserCardChange::new().level("白银会员"),
/// };
/// let call = confirm.call(&Caller::Brand, wechatpay_public_key)?;
/// assert_eq!(call.reference, "brand/card-member/user-cards/478515832665/confirm");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ConfirmUserCard {
    /// Which card.
    pub key: UserCardKey,
    /// How it ended.
    pub state: ConfirmState,
    /// What to change on the card at the same time, all but the time of pickup.
    pub change: UserCardChange,
}

impl Operation for ConfirmUserCard {
    type Output = UserCard;

    fn check(&self) -> Result<(), FieldError> {
        self.key.check()?;
        let state = self.state.as_str();
        one_of("/user_card_confirm_state", state, ConfirmState::KNOWN)?;
        // It would be ignored, and so lost.
        if let Some(time) = &self.change.pickup_time {
            let issue = "a confirmation has no such member; change the card afterwards";
            return Err(FieldError::new("/pickup_time", time.as_str(), issue));
        }
        self.change.check()
    }

    fn call(&self, caller: &Caller, seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Body<'a> {
            card_id: &'a str,
            openid: &'a str,
            #[serde(flatten)]
            change: UserCardChange<Sealed>,
            user_card_confirm_state: &'a ConfirmState,
        }
        refuse_unsealed(self.change.user_information.as_ref())?;
        let body = Body {
            card_id: &self.key.card_id,
            openid: &self.key.openid,
            change: self.change.clone().try_map(seal_with(seal))?,
            user_card_confirm_state: &self.state,
        };
        Call::to(&caller.path("user-cards/{user_card_code}/confirm"))
            .param("user_card_code", &self.key.user_card_code)
            .json(&WithBrand::new(caller, body))
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        let change = &self.change;
        any_sensitive(
            change.phone_number.as_ref(),
            change.user_information.as_ref(),
        )
    }

    fn decode(&self, body: &[u8], open: &dyn Opener) -> Result<UserCard, serde_json::Error> {
        serde_json::from_slice::<UserCard<Sealed>>(body).map(|card| card.open(open))
    }
}

/// Invalidates a user's card, for good. Tell the user first and have consent.
///
/// `POST …/user-cards/{user_card_code}/invalidate`: page 4015336983 for the
/// service provider, 4015582726 for the brand, 5 a second. `card_id` goes into
/// the query for the service provider and into the body for the brand.
/// Repeating it changes nothing.
///
/// ```
/// use kabao_core::{card_member::InvalidateUserCard, operation::{Caller, Operation},
///     PrivateKey, UserCardKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let invalidate = InvalidateUserCard {
///     key: UserCardKey::new("478515832665", "pbLatj", "obLatj"),
///     invalid_reason: Some("用户注销".into()),
/// };
/// let caller = Caller::Partner { brand_id: "1004".into() };
/// let call = invalidate.call(&caller, wechatpay_public_key)?;
/// assert!(call.reference.ends_with("478515832665/invalidate?brand_id=1004&card_id=pbLatj"));
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidateUserCard {
    /// Which card.
    pub key: UserCardKey,
    /// Why, at most 32 characters.
    pub invalid_reason: Option<String>,
}

impl Operation for InvalidateUserCard {
    type Output = UserCard;

    fn check(&self) -> Result<(), FieldError> {
        self.key.check()?;
        let reason = self.invalid_reason.as_deref().unwrap_or_default();
        at_most("/invalid_reason", reason, 32)
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Query<'a> {
            brand_id: Option<&'a str>,
            card_id: Option<&'a str>,
        }
        #[derive(Serialize)]
        struct Body<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            card_id: Option<&'a str>,
            openid: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            invalid_reason: Option<&'a str>,
        }
        let card_id = self.key.card_id.as_str();
        let is_partner = matches!(caller, Caller::Partner { .. });
        Call::to(&caller.path("user-cards/{user_card_code}/invalidate"))
            .param("user_card_code", &self.key.user_card_code)
            .query(&Query {
                brand_id: caller.brand_id(),
                card_id: is_partner.then_some(card_id),
            })
            .json(&Body {
                card_id: (!is_partner).then_some(card_id),
                openid: &self.key.openid,
                invalid_reason: self.invalid_reason.as_deref(),
            })
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], open: &dyn Opener) -> Result<UserCard, serde_json::Error> {
        serde_json::from_slice::<UserCard<Sealed>>(body).map(|card| card.open(open))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_does_not_carry_what_it_has_no_member_for() {
        let confirm = ConfirmUserCard {
            key: UserCardKey::new("1", "p", "o"),
            state: ConfirmState::Success,
            change: UserCardChange::new().pickup_time("2026-01-01T00:00:00+08:00"),
        };
        let error = confirm.check().expect_err("it has a pickup time");
        assert_eq!(error.field, "/pickup_time");
    }
}
