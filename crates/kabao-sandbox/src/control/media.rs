//! `/_sandbox/media/{owner}/{id}`: pictures that were uploaded, for browsers.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::{Trouble, extract::Path};
use crate::{app::App, aside::Places, domain::picture::Picture, store::Needs};

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/_sandbox/media/{owner}/{id}", get(show))
}

/// Anybody may ask for pictures, and they take long: one after another, so that
/// calls come in between.
static READING: Places = Places::new(1, Duration::from_secs(5));

async fn show(
    State(app): State<Arc<App>>,
    Path((owner, id)): Path<(String, String)>,
) -> Result<Response, Trouble> {
    let Some(_turn) = READING.take().await else {
        return Err(Trouble::busy("too many ask for pictures at once"));
    };
    let found = app
        .store
        .load(&Needs::of(owner).record::<Picture>(&*id))
        .await?;
    let picture = found.record::<Picture>(&id)?.ok_or_else(|| {
        Trouble::new(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "there is no such picture",
        )
    })?;
    let headers = [
        (header::CONTENT_TYPE, &*picture.content_type),
        // The name is a digest of the content.
        (header::CACHE_CONTROL, "max-age=31536000, immutable"),
        // It came from somebody: whatever it holds is a picture or nothing.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, picture.bytes()).into_response())
}
