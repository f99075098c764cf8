//! What the requests of several operations share.

use jiff::Timestamp;
use serde::Serialize;

use super::UserInformation;
use crate::{
    call::BuildError,
    field::FieldError,
    operation::Caller,
    sensitive::{Sealed, Sealer, Sensitive},
    time::Time,
};

/// Setters for members, which take whatever becomes the member's type.
macro_rules! setters {
    ($($(#[$doc:meta])+ $name:ident: $type:ty;)+) => {$(
        $(#[$doc])+
        #[must_use]
        pub fn $name(mut self, value: impl Into<$type>) -> Self {
            let value: $type = value.into();
            self.$name = value.into();
            self
        }
    )+};
}

pub(super) use setters;

/// A body with the brand in front, if a service provider calls.
#[derive(Serialize)]
pub(super) struct WithBrand<'a, T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) brand_id: Option<&'a str>,
    #[serde(flatten)]
    pub(super) members: T,
}

impl<'a, T> WithBrand<'a, T> {
    pub(super) fn new(caller: &'a Caller, members: T) -> Self {
        Self {
            brand_id: caller.brand_id(),
            members,
        }
    }
}

/// The brand in a query, if a service provider calls.
#[derive(Serialize)]
pub(super) struct BrandQuery<'a> {
    pub(super) brand_id: Option<&'a str>,
}

/// Refuses to call for a brand itself what only service providers have.
pub(super) fn partner_only(caller: &Caller, operation: &'static str) -> Result<(), BuildError> {
    match caller {
        Caller::Partner { .. } => Ok(()),
        Caller::Brand => Err(BuildError::PartnerOnly { operation }),
    }
}

/// Seals one value, and says which if that fails.
pub(super) fn seal_with<'s>(
    sealer: &'s dyn Sealer,
) -> impl FnMut(&str, Sensitive) -> Result<Sealed, BuildError> + use<'s> {
    move |field, value| {
        sealer.seal(&value).map_err(|source| BuildError::Seal {
            field: field.to_owned(),
            source,
        })
    }
}

/// Refuses a member of the form that nobody knows: it would leave in plaintext.
pub(super) fn refuse_unsealed(form: Option<&UserInformation>) -> Result<(), FieldError> {
    match form.and_then(|form| form.unknown_member("/user_information")) {
        None => Ok(()),
        Some(field) => {
            let issue = "not a member of the form; it would be sent unsealed";
            Err(FieldError::new(field, "", issue))
        }
    }
}

/// Whether there is anything to seal.
pub(super) fn any_sensitive<S>(phone: Option<&S>, form: Option<&UserInformation<S>>) -> bool {
    let common = form.and_then(|form| form.common_field_list.as_ref());
    let custom = form.and_then(|form| form.custom_field_list.as_ref());
    phone.is_some()
        || common.is_some_and(|fields| fields.iter().any(|field| field.value.is_some()))
        || custom.is_some_and(|fields| {
            fields
                .iter()
                .filter_map(|field| field.user_chosen_values.as_ref())
                .any(|values| !values.is_empty())
        })
}

/// An instant in RFC 3339.
pub(super) fn instant(field: &str, time: &Time) -> Result<Timestamp, FieldError> {
    time.instant().ok_or_else(|| {
        let issue = "RFC 3339, such as 2020-05-20T13:29:35.120+08:00";
        FieldError::new(field, time.as_str(), issue)
    })
}
