//! The member-card product, typed: plaintext in, plaintext out.

mod user_cards;

use std::{cell::Cell, sync::Arc};

use kabao_core::{
    Sealed, Sensitive,
    answer::header::SERIAL,
    call::BuildError,
    operation::{Caller, Operation},
    sensitive::{OpenError, Opener, SealError, Sealer},
};

pub use self::user_cards::UserCards;
use crate::{
    auth::Identity,
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

    /// The cards that users hold.
    #[must_use]
    pub fn user_cards(&self) -> UserCards {
        UserCards::new(self.clone())
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
        let opener = Counting {
            opener: self.client.identity(),
            opened: Cell::new(0),
            unopened: Cell::new(0),
        };
        let output = answer.decode(|body| operation.decode(body, &opener))?;
        tracing::debug!(
            target: "kabao",
            opened = opener.opened.get(),
            unopened = opener.unopened.get(),
            "opened",
        );
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

/// For operations that say they have nothing to seal.
struct NothingToSeal;

impl Sealer for NothingToSeal {
    fn seal(&self, _: &Sensitive) -> Result<Sealed, SealError> {
        Err(SealError::Unopened)
    }
}

/// Opens with the caller's key and counts.
struct Counting<'a> {
    opener: &'a Identity,
    opened: Cell<u32>,
    unopened: Cell<u32>,
}

impl Opener for Counting<'_> {
    fn open(&self, sealed: &Sealed) -> Result<Sensitive, OpenError> {
        let outcome = self.opener.open(sealed);
        let count = match outcome {
            Ok(_) => &self.opened,
            Err(_) => &self.unopened,
        };
        count.set(count.get() + 1);
        outcome
    }
}
