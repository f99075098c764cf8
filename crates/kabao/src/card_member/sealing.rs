//! What seals and opens the values of one call.

use std::cell::Cell;

use kabao_core::{
    Sealed, Sensitive,
    sensitive::{OpenError, Opener, SealError, Sealer},
};

use crate::auth::Identity;

/// For operations that say they have nothing to seal.
pub(super) struct NothingToSeal;

impl Sealer for NothingToSeal {
    fn seal(&self, _: &Sensitive) -> Result<Sealed, SealError> {
        Err(SealError::Unopened)
    }
}

/// Opens with the caller's key and counts.
pub(super) struct Counting<'a> {
    opener: &'a Identity,
    opened: Cell<u32>,
    unopened: Cell<u32>,
}

impl<'a> Counting<'a> {
    pub(super) fn new(opener: &'a Identity) -> Self {
        Self {
            opener,
            opened: Cell::new(0),
            unopened: Cell::new(0),
        }
    }

    /// Tells the log.
    pub(super) fn report(&self) {
        tracing::debug!(
            target: "kabao",
            opened = self.opened.get(),
            unopened = self.unopened.get(),
            "opened",
        );
    }
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
