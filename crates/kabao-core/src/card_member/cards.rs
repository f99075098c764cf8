use serde::Serialize;

use super::{
    Card, CardState, Listing, Page,
    page::listing,
    request::{self, BrandQuery, WithBrand, partner_only},
};
use crate::{
    call::{BuildError, Call, Method},
    field::{FieldError, one_of, required},
    operation::{Caller, Operation},
    sensitive::{Opener, Sealer},
};

/// Lists the card templates of a brand, a page at a time.
///
/// `GET …/cards`: page 4015336976 for the service provider, 4015582712 for the
/// brand; 5 a second.
///
/// ```
/// use kabao_core::{card_member::ListCards, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let call = ListCards::new().call(&Caller::Brand, wechatpay_public_key)?;
/// assert_eq!(call.reference, "brand/card-member/cards?offset=0&limit=20");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListCards {
    /// Only templates in this state.
    pub state: Option<CardState>,
    /// How many rows to pass over.
    pub offset: u64,
    /// How many rows to give, 1 to 20.
    pub limit: u64,
}

impl ListCards {
    /// The first page, as large as may be, of templates in any state.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: None,
            offset: 0,
            limit: Page::<Card>::MAX_LIMIT,
        }
    }

    request::setters! {
        /// Lists only templates in this state.
        state: CardState;
    }
}

listing!(ListCards, Card);

impl Default for ListCards {
    fn default() -> Self {
        Self::new()
    }
}

impl Operation for ListCards {
    type Output = Page<Card>;

    fn check(&self) -> Result<(), FieldError> {
        if let Some(state) = &self.state {
            one_of("state", state.as_str(), CardState::KNOWN)?;
        }
        Self::Output::check_limit(self.limit)
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Query<'a> {
            brand_id: Option<&'a str>,
            state: Option<&'a str>,
            offset: u64,
            limit: u64,
        }
        Call::to(&caller.path("cards"))
            .query(&Query {
                brand_id: caller.brand_id(),
                state: self.state.as_ref().map(CardState::as_str),
                offset: self.offset,
                limit: self.limit,
            })
            .build(Method::Get)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Page<Card>, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

/// Invalidates a card template: it can no longer be given out. Cards that users
/// hold stay as they are. There is no way back.
///
/// `POST …/cards/{card_id}/invalidate`: page 4015336972 for the service
/// provider, 10 a second; 4015582724 for the brand. Repeating it changes
/// nothing.
///
/// ```
/// use kabao_core::{card_member::InvalidateCard, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let invalidate = InvalidateCard { card_id: "pbLatj".into() };
/// let caller = Caller::Partner { brand_id: "1004".into() };
/// let call = invalidate.call(&caller, wechatpay_public_key)?;
/// assert_eq!(call.body.unwrap().bytes, r#"{"brand_id":"1004"}"#);
/// // A brand sends no body at all.
/// assert!(invalidate.call(&Caller::Brand, wechatpay_public_key)?.body.is_none());
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidateCard {
    /// The template's id, at most 32 characters.
    pub card_id: String,
}

impl Operation for InvalidateCard {
    type Output = Card;

    fn check(&self) -> Result<(), FieldError> {
        required("card_id", &self.card_id, 32)
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Nothing {}
        let call = Call::to(&caller.path("cards/{card_id}/invalidate"))
            .param("card_id", &self.card_id)
            .repeatable(true);
        match caller {
            Caller::Partner { .. } => call.json(&WithBrand::new(caller, Nothing {})),
            Caller::Brand => call,
        }
        .build(Method::Post)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Card, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

/// Deletes a card template; [`InvalidateCard`] has taken its place. Only older
/// pages have it, for service providers.
///
/// `DELETE …/cards/{card_id}`. Repeating it changes nothing.
///
/// ```
/// use kabao_core::{card_member::DeleteCard, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let caller = Caller::Partner { brand_id: "1004".into() };
/// let call = DeleteCard { card_id: "pbLatj".into() }.call(&caller, wechatpay_public_key)?;
/// assert_eq!(call.reference, "v3/brand/partner/card-member/cards/pbLatj?brand_id=1004");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteCard {
    /// The template's id, at most 32 characters.
    pub card_id: String,
}

impl Operation for DeleteCard {
    type Output = Card;

    fn check(&self) -> Result<(), FieldError> {
        required("card_id", &self.card_id, 32)
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        partner_only(caller, "delete_card")?;
        Call::to(&caller.path("cards/{card_id}"))
            .param("card_id", &self.card_id)
            .query(&BrandQuery {
                brand_id: caller.brand_id(),
            })
            .build(Method::Delete)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Card, serde_json::Error> {
        serde_json::from_slice(body)
    }
}
