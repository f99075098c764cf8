//! Bodies that may be left out, and what is said of one that does not fit.

use std::{error::Error, iter};

use axum::extract::rejection::JsonRejection;
use serde::de::DeserializeOwned;

use super::Trouble;
use crate::refusal;

/// What tells of a person.
const PERSONAL: [&str; 2] = ["phone_number", "user_information"];

/// A JSON body; none stands for an empty object.
pub(super) fn optional<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    let body = match body.trim_ascii() {
        b"" => b"{}",
        body => body,
    };
    serde_json::from_slice(body).map_err(|error| Trouble::param(format!("the body: {error}")))
}

/// What does not fit in a personal member: its place and what belongs there, for
/// the reader's own words quote the value. `None` if it is another member, or no
/// JSON at all.
pub(super) fn misfit(rejection: &JsonRejection) -> Option<String> {
    type Misfit = serde_path_to_error::Error<serde_json::Error>;
    let mut causes = iter::successors(Some(rejection as &(dyn Error + 'static)), |error| {
        (*error).source()
    });
    let misfit = causes.find_map(|cause| cause.downcast_ref::<Misfit>())?;
    let at = misfit.path().to_string();
    let member = at.split(['.', '[']).next().unwrap_or_default();
    if !PERSONAL.contains(&member) {
        return None;
    }
    Some(format!("{at}: {}", refusal::misfit(misfit.inner())))
}
