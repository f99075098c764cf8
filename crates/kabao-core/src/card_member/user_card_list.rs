use serde::Serialize;

use super::{Page, UserCard, UserCardState};
use crate::{
    call::{BuildError, Call, Method},
    operation::{Caller, Operation},
    sensitive::{Opener, Sealed, Sealer, Sensitive},
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
    /// How many rows to give, 1 to [`MAX_LIMIT`](Self::MAX_LIMIT).
    pub limit: u64,
}

impl ListUserCards {
    /// The most rows that a page may have.
    pub const MAX_LIMIT: u64 = 20;

    /// The first page, as large as may be, of a user's cards in any state.
    pub fn of(openid: impl Into<String>) -> Self {
        Self {
            openid: openid.into(),
            user_card_state: None,
            offset: 0,
            limit: Self::MAX_LIMIT,
        }
    }
}

/// One page of a user's cards.
pub type UserCardPage<S = Sensitive> = Page<UserCard<S>>;

impl Operation for ListUserCards {
    type Output = UserCardPage;

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

    fn decode(&self, body: &[u8], open: &dyn Opener) -> Result<UserCardPage, serde_json::Error> {
        let page: UserCardPage<Sealed> = serde_json::from_slice(body)?;
        Ok(page.map(|card| card.open(open)))
    }
}
