//! A typed call: one value that can describe its request and read its answer.

use crate::{
    call::{BuildError, Call},
    field::{FieldError, required},
    sensitive::{Opener, Sealer},
};

/// Who calls the member-card API. The twins differ in address and in where ids
/// go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A service provider, for one of the brands it serves
    /// (`/v3/brand/partner/card-member/…`).
    Partner {
        /// The brand.
        brand_id: String,
    },
    /// A brand itself (`/brand/card-member/…`); its id is never in the request.
    Brand,
}

impl Caller {
    /// The brand id that goes into the request, if one does.
    #[must_use]
    pub fn brand_id(&self) -> Option<&str> {
        match self {
            Self::Partner { brand_id } => Some(brand_id),
            Self::Brand => None,
        }
    }

    /// Whether the brand's id has a form that is accepted: 1 to 32 characters.
    ///
    /// # Errors
    /// [`FieldError`] names it.
    pub fn check(&self) -> Result<(), FieldError> {
        self.brand_id()
            .map_or(Ok(()), |brand_id| required("brand_id", brand_id, 32))
    }

    /// The full path of a member-card path such as
    /// `user-cards/{user_card_code}`.
    #[must_use]
    pub fn path(&self, tail: &str) -> String {
        let prefix = match self {
            Self::Partner { .. } => "v3/brand/partner/card-member",
            Self::Brand => "brand/card-member",
        };
        format!("{prefix}/{tail}")
    }
}

/// An operation with its arguments. It holds no clock, no key and no socket, so
/// one assertion on [`call`](Self::call) tests it.
pub trait Operation {
    /// What the answer holds, opened.
    type Output;

    /// Whether every member has a form that is accepted: lengths, formats, and
    /// members that need each other, as far as the documentation has them.
    ///
    /// [`call`](Self::call) does not ask this, so that whoever wants to hear it
    /// from the API can leave it out.
    ///
    /// # Errors
    /// [`FieldError`] names the first member that has not.
    fn check(&self) -> Result<(), FieldError> {
        Ok(())
    }

    /// Describes the request; sensitive values go through `seal`.
    ///
    /// # Errors
    /// [`BuildError`] if the caller has no such operation, a path value is
    /// empty, or a value cannot be sealed or would leave unsealed.
    fn call(&self, caller: &Caller, seal: &dyn Sealer) -> Result<Call, BuildError>;

    /// Whether the request has values to seal, so that a key must be at hand.
    fn seals(&self) -> bool;

    /// Reads the answer; sensitive values go through `open`, and one that does
    /// not open is kept as it came.
    ///
    /// # Errors
    /// [`serde_json::Error`] if the answer is not what the documentation says.
    fn decode(&self, body: &[u8], open: &dyn Opener) -> Result<Self::Output, serde_json::Error>;
}
