use serde::Serialize;

use super::{Listing, Page, UserCard, UserCardState, page::listing, request};
use crate::{
    call::{BuildError, Call, Method},
    field::{FieldError, one_of, required},
    operation::{Caller, Operation},
    sensitive::{Opener, Sealed, Sealer},
};

/// Lists a user's cards in a brand, a page at a time.
///
/// `GET …/user-cards`: page 4015336984 for the service provider, 4015582718 for
/// the brand. The user must be named: the API does not list all members of a
/// brand.
///
/// ```
/// use kabao_core::{card_member::ListUserCards, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let list = ListUserCards::of("obLatj");
/// let call = list.call(&Caller::Brand, wechatpay_public_key)?;
/// assert_eq!(call.reference, "brand/card-member/user-cards?openid=obLatj&offset=0&limit=20");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListUserCards {
    /// The user under the template's appid, at most 128 characters.
    pub openid: String,
    /// Only cards in this state.
    pub user_card_state: Option<UserCardState>,
    /// How many rows to pass over.
    pub offset: u64,
    /// How many rows to give, 1 to 20.
    pub limit: u64,
}

impl ListUserCards {
    /// The first page, as large as may be, of a user's cards in any state.
    pub fn of(openid: impl Into<String>) -> Self {
        Self {
            openid: openid.into(),
            user_card_state: None,
            offset: 0,
            limit: Page::<UserCard>::MAX_LIMIT,
        }
    }

    request::setters! {
        /// Lists only cards in this state.
        user_card_state: UserCardState;
    }
}

listing!(ListUserCards, UserCard);

impl Operation for ListUserCards {
    type Output = Page<UserCard>;

    fn check(&self) -> Result<(), FieldError> {
        required("openid", &self.openid, 128)?;
        if let Some(state) = &self.user_card_state {
            one_of("user_card_state", state.as_str(), UserCardState::KNOWN)?;
        }
        Self::Output::check_limit(self.limit)
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Query<'a> {
            brand_id: Option<&'a str>,
            openid: &'a str,
            user_card_state: Option<&'a str>,
            offset: u64,
            limit: u64,
        }
        Call::to(&caller.path("user-cards"))
            .query(&Query {
                brand_id: caller.brand_id(),
                openid: &self.openid,
                user_card_state: self.user_card_state.as_ref().map(UserCardState::as_str),
                offset: self.offset,
                limit: self.limit,
            })
            .build(Method::Get)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], open: &dyn Opener) -> Result<Page<UserCard>, serde_json::Error> {
        let page: Page<UserCard<Sealed>> = serde_json::from_slice(body)?;
        Ok(page.map(|card| card.open(open)))
    }
}
