//! `/_sandbox/snapshot`: all that the store holds, as one file.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use serde_json::{Value, json};

use super::Trouble;
use crate::{
    app::App,
    aside::Places,
    bounds,
    refusal::Refusal,
    store::snapshot::{self, SnapshotError},
};

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/_sandbox/snapshot", get(save).put(load))
}

/// Each takes several times its size until it is written: one after another.
static SAVING: Places = Places::new(1, Duration::from_secs(5));

async fn save(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Trouble> {
    // What cannot be sent is not read into memory.
    if app.store.stored_bytes().await? > bounds::CONTROL as u64 {
        return Err(too_large());
    }
    let Some(place) = SAVING.take().await else {
        return Err(Trouble::busy("another snapshot is being written"));
    };
    let everything = app.store.everything().await?;
    let store = Arc::clone(&app.store);
    let written = place.aside(move || snapshot::write(&everything, store.vault()));
    let text = written.await.map_err(broken)??;
    if text.len() > bounds::CONTROL {
        return Err(too_large());
    }
    Ok(([(header::CONTENT_TYPE, "application/json")], text))
}

fn too_large() -> Trouble {
    let most = bounds::CONTROL >> 20;
    let message = format!("a snapshot may have {most} MiB, this would have more; copy the store");
    Trouble::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
}

/// Nothing is touched unless all of it can be read.
async fn load(State(app): State<Arc<App>>, text: Bytes) -> Result<Json<Value>, Trouble> {
    let store = Arc::clone(&app.store);
    let read = tokio::task::spawn_blocking(move || snapshot::read(&text, store.vault()));
    let everything = read.await.map_err(broken)??;
    let before = app.store.key_book().await?.keys;
    app.store.restore(&everything).await?;
    app.begin_anew().await?;
    let keys = &everything.key_book.keys;
    let are_others = before.len() != keys.len()
        || before
            .iter()
            .zip(keys)
            .any(|(one, other)| !one.is(other) || one.secret != other.secret);
    Ok(Json(json!({
        "status": "loaded",
        "keys_changed": are_others,
        "user_cards": everything.contents.user_cards.len(),
        "notifications": everything.contents.notifications.len(),
    })))
}

fn broken(error: tokio::task::JoinError) -> Refusal {
    tracing::error!(%error, "a snapshot could not be worked on");
    Refusal::system_error()
}

impl From<SnapshotError> for Trouble {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Unwritable(error) => {
                tracing::error!(%error, "a snapshot cannot be written");
                Refusal::system_error().into()
            }
            refused => Self::new(
                StatusCode::BAD_REQUEST,
                "INVALID_REQUEST",
                format!("{refused}; nothing was changed"),
            ),
        }
    }
}
