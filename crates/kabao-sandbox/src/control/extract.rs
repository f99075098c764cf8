//! What a control call says in its path, its query and its body. What does not
//! fit is refused as everything here is.

use axum::{
    body::Bytes,
    extract::{self, FromRequest, FromRequestParts, Request},
    http::request::Parts,
};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::Trouble;
use crate::refusal;

/// Parameters of the path.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Trouble> {
        let read = extract::Path::from_request_parts(parts, state).await;
        let extract::Path(read) = read.map_err(|error| Trouble::param(error.body_text()))?;
        Ok(Self(read))
    }
}

/// Parameters of the query.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Trouble> {
        let read = extract::Query::from_request_parts(parts, state).await;
        let extract::Query(read) = read.map_err(|error| {
            let words = error.body_text();
            let issue = words.strip_prefix("Failed to deserialize query string: ");
            Trouble::param(format!("the query: {}", issue.unwrap_or(&words)))
        })?;
        Ok(Self(read))
    }
}

/// A JSON body, whatever its type is said to be; none stands for an empty object.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Trouble;

    async fn from_request(request: Request, state: &S) -> Result<Self, Trouble> {
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|error| Trouble::param(error.body_text()))?;
        read(&body).map(Self)
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Trouble> {
    let body = match body.trim_ascii() {
        b"" => b"{}",
        body => body,
    };
    if !body.starts_with(b"{") && serde_json::from_slice::<IgnoredAny>(body).is_ok() {
        return Err(Trouble::param("the body: it is not a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| misfit(&error))?;
    match reader.end() {
        Ok(()) => Ok(value),
        Err(error) => Err(Trouble::param(format!("the body: {error}"))),
    }
}

/// What does not fit. Of a personal member its place and what belongs there, for
/// the reader's own words quote the value.
fn misfit(error: &serde_path_to_error::Error<serde_json::Error>) -> Trouble {
    /// What tells of a person.
    const PERSONAL: [&str; 2] = ["phone_number", "user_information"];
    let at = error.path().to_string();
    let member = at.split(['.', '[']).next().unwrap_or_default();
    Trouble::param(match PERSONAL.contains(&member) {
        true => format!("{at}: {}", refusal::misfit(error.inner())),
        false => format!("the body: {error}"),
    })
}
