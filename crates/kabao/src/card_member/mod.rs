//! The member-card product, typed: plaintext in, plaintext out.
//!
//! | to | see |
//! |---|---|
//! | make and change the templates that cards are made from | [`Cards`] |
//! | give coupons to those who join | [`Activities`] |
//! | read, change, import, confirm and end the cards that users hold | [`UserCards`] |
//! | open the components that WeChat shows in your front end | [`Tokens`] |
//! | show points, and exchange them for coupons | [`Points`] |
//! | put news on a card | [`Feeds`] |
//! | upload the picture of a card | [`Images`] |
//! | carry out an [`Operation`] as a value | [`CardMember::send`] |
//! | hear of users who join, leave or spend points | [`notification`](crate::notification) |
//!
//! Service provider and brand have the same methods. A few are for service
//! providers alone; called by a brand they are [`ErrorKind::Request`].
//!
//! ```no_run
//! use kabao::{Client, card_member::{ListCards, UserCardImport, ValidDateInformation}};
//!
//! # async fn f(client: Client) -> kabao::Result<()> {
//! let members = client.card_member_for("1004");
//! // A list, followed to its end.
//! let mut cards = members.cards().stream(ListCards::new());
//! while let Some(card) = cards.next().await {
//!     let card = card?;
//!     println!("{} {}", card.card_id, card.card_title);
//! }
//!
//! // A member from elsewhere. What is sensitive leaves sealed.
//! let import = UserCardImport::new("pbLatjvWOibDc5-TBnbUk1pD12o0", "478515832665", ValidDateInformation::permanent())
//!     .phone_number("13800138000")
//!     .level("黄金会员");
//! let card = members.user_cards().import_by_openid("obLatjnx9gnqzS4myYGmLZ7LgLBA", import).await?;
//! println!("{}", card.user_card_state);
//! # Ok(()) }
//! ```
//!
//! # What is checked here
//!
//! Lengths, formats and members that need each other, as far as the pages have
//! them, and what cannot be meant, such as an end before its beginning: what
//! breaks one of these rules is [`ErrorKind::Request`], names the
//! member, and is not sent. `unchecked()`, on each resource and on
//! [`CardMember`], sends it all the same. Lengths count characters.
//!
//! # Errors
//!
//! Decide by [`Error::kind`](crate::Error::kind) and, for
//! [`ErrorKind::Refused`], by status before code: the pages of this product
//! list no codes of their own. These are common to all operations:
//!
//! | status | code | meaning |
//! |---|---|---|
//! | 400 | `PARAM_ERROR` | a member is missing or malformed |
//! | 400 | `INVALID_REQUEST` | a rule of the business is broken, such as a change of what was invalidated |
//! | 400 | `RESOURCE_ALREADY_EXISTS` * | a code or a member is there already |
//! | 401 | `SIGN_ERROR` | [`ErrorKind::SignatureRefused`] |
//! | 403 | `NO_AUTH` * | the brand did not grant the product |
//! | 404 | `RESOURCE_NOT_EXISTS` * | no such template, card, activity or exchange |
//! | 429 | `FREQUENCY_LIMITED` * | [`ErrorKind::RateLimited`] |
//! | 500 | `SYSTEM_ERROR` | [`ErrorKind::Server`] |
//!
//! \* known from other products of WeChat Pay, and what kabao's sandbox says.
//!
//! # Retries
//!
//! Every call here may be repeated, so each is retried as the client's
//! [`RetryPolicy`](crate::RetryPolicy) has it: reads, settings of values, and
//! what a request number or a card's own key makes one thing. When a call fails
//! with [`may_have_taken_effect`](crate::Error::may_have_taken_effect), repeat
//! it as it is, the same `out_request_no` included.
//!
//! # Rate limits
//!
//! Counted for each operation, by service provider or brand: 5 a second unless
//! a method says otherwise, also where the pages say nothing. See
//! [`ClientBuilder::rate_limit`](crate::ClientBuilder::rate_limit).

mod activities;
mod cards;
mod feeds;
mod images;
mod points;
mod resource;
mod rows;
mod sealing;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;
mod user_cards;

use std::sync::Arc;

use kabao_core::{
    answer::header::SERIAL,
    call::BuildError,
    operation::{Caller, Operation},
};

pub use self::{
    activities::Activities, cards::Cards, feeds::Feeds, images::Images, points::Points, rows::Rows,
    tokens::Tokens, user_cards::UserCards,
};
use self::{
    resource::resource,
    sealing::{Counting, NothingToSeal},
};
use crate::{
    client::Inner,
    error::{Error, ErrorKind, Result},
};

#[doc(inline)]
pub use kabao_core::card_member::*;

/// The member cards of one brand; see
/// [`Client::card_member_for`](crate::Client::card_member_for) and
/// [`Client::card_member`](crate::Client::card_member).
#[derive(Debug, Clone)]
pub struct CardMember {
    client: Arc<Inner>,
    caller: Arc<Caller>,
    check: bool,
}

impl CardMember {
    pub(crate) fn new(client: Arc<Inner>, caller: Caller) -> Self {
        Self {
            client,
            caller: Arc::new(caller),
            check: true,
        }
    }

    /// Sends values that are known to be refused, to hear it from the API: for
    /// rules that changed since this version, or to see its error.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.check = false;
        self
    }

    /// Card templates.
    #[must_use]
    pub fn cards(&self) -> Cards {
        Cards::new(self)
    }

    /// Activities that give coupons for joining. Service providers only.
    #[must_use]
    pub fn activities(&self) -> Activities {
        Activities::new(self)
    }

    /// The cards that users hold.
    #[must_use]
    pub fn user_cards(&self) -> UserCards {
        UserCards::new(self)
    }

    /// Tokens that open components in the front end.
    #[must_use]
    pub fn tokens(&self) -> Tokens {
        Tokens::new(self)
    }

    /// Points, and their exchange for coupons.
    #[must_use]
    pub fn points(&self) -> Points {
        Points::new(self)
    }

    /// News on members' cards.
    #[must_use]
    pub fn feeds(&self) -> Feeds {
        Feeds::new(self)
    }

    /// Pictures for cards.
    #[must_use]
    pub fn images(&self) -> Images {
        Images::new(self)
    }

    /// Carries out an operation: checks it, seals what has to be sealed, sends,
    /// verifies, opens.
    ///
    /// # Errors
    /// [`Error`]; decide by its kind. Calling as a brand with a merchant's
    /// credentials, or the reverse, is [`ErrorKind::Request`].
    pub async fn send<O: Operation>(&self, operation: &O) -> Result<O::Output> {
        self.check_caller()?;
        if self.check {
            self.caller.check().map_err(BuildError::from)?;
            operation.check().map_err(BuildError::from)?;
        }
        let deadline = self.client.deadline()?;
        let call = if operation.seals() {
            let key = self.client.sealing_key(deadline).await?;
            let mut call = operation.call(&self.caller, key.key())?;
            tracing::debug!(target: "kabao", key = %key.id(), "sealed");
            // Whatever happens to the ring until then, this key sealed them.
            call.headers.push((SERIAL.into(), key.id().as_str().into()));
            call
        } else {
            operation.call(&self.caller, &NothingToSeal)?
        };
        let answer = self.client.send(&call, deadline).await?;
        let opener = Counting::new(self.client.identity());
        let output = answer.decode(|body| operation.decode(body, &opener))?;
        opener.report();
        Ok(output)
    }

    fn check_caller(&self) -> Result<()> {
        let text = match (&*self.caller, self.client.identity().is_brand()) {
            (Caller::Brand, false) => {
                "card_member() needs a brand's credentials (Brand::new); \
                 a service provider calls card_member_for(brand_id)"
            }
            (Caller::Partner { .. }, true) => {
                "card_member_for(brand_id) needs a service provider's credentials \
                 (Merchant::new); a brand calls card_member()"
            }
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::Request, text))
    }
}
