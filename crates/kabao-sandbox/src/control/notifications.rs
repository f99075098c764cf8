//! `/_sandbox/notifications`: what callers were told, and how that went.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use kabao_core::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Trouble,
    extract::{Path, Query},
};
use crate::{
    app::App,
    clock::{business_time, real_now},
    notify::for_people,
    store::{Attempt, Owed, OwedState},
};

/// How many of the latest a list has unless it is told otherwise, and at most.
const LISTED: usize = 100;
const MOST: usize = 1000;

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/_sandbox/notifications", get(list))
        .route("/_sandbox/notifications/{id}", get(show))
        .route("/_sandbox/notifications/{id}/redeliver", post(redeliver))
}

/// A notification without its content.
#[derive(Serialize)]
struct Summary<'a> {
    id: &'a str,
    create_time: Time,
    event_type: &'a str,
    state: OwedState,
    notify_url: &'a str,
    /// Who is told: a mchid or a brand id.
    receiver: &'a str,
    brand_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_id: Option<&'a str>,
    /// When it is tried next, by the sandbox's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt: Option<Time>,
    attempts: &'a [Attempt],
}

impl<'a> From<&'a Owed> for Summary<'a> {
    fn from(owed: &'a Owed) -> Self {
        Self {
            id: &owed.id,
            create_time: Time::at(owed.create_time),
            event_type: &owed.event_type,
            state: owed.state,
            notify_url: &owed.notify_url,
            receiver: &owed.identity,
            brand_id: &owed.brand_id,
            card_id: owed.card_id.as_deref(),
            next_attempt: owed.next_attempt.map(Time::at),
            attempts: &owed.attempts,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    limit: Option<usize>,
    /// `PENDING`, `DELIVERED` or `FAILED`.
    state: Option<String>,
    /// The whole name, or its end such as `USER_CARD.CREATE`.
    event_type: Option<String>,
}

impl Wanted {
    fn state(&self) -> Result<Option<OwedState>, Trouble> {
        let parse = |name: &String| {
            OwedState::from_name(name).ok_or_else(|| {
                Trouble::param(format!(
                    "state: `{name}` is none of PENDING, DELIVERED, FAILED"
                ))
            })
        };
        self.state.as_ref().map(parse).transpose()
    }

    fn is_event(&self, owed: &Owed) -> bool {
        let wanted = self.event_type.as_deref();
        wanted.is_none_or(|name| owed.event_type.ends_with(name))
    }
}

/// The latest that are wanted, and as `more` whether there may be older ones that
/// are not told.
async fn list(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, Trouble> {
    let state = wanted.state()?;
    let limit = wanted.limit.unwrap_or(LISTED).min(MOST);
    // A filter looks at all that can be listed.
    let filters = state.is_some() || wanted.event_type.is_some();
    let looked_at = if filters { MOST } else { limit };
    // One beyond that tells whether there is more.
    let latest = app.store.notifications(looked_at + 1).await?;
    let mut data: Vec<Summary<'_>> = latest
        .iter()
        .take(looked_at)
        .filter(|owed| state.is_none_or(|state| owed.state == state))
        .filter(|owed| wanted.is_event(owed))
        .map(Summary::from)
        .collect();
    let more = data.len() > limit || latest.len() > looked_at;
    data.truncate(limit);
    Ok(Json(json!({ "data": data, "more": more })))
}

async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Value>, Trouble> {
    let found = app.store.notification(&id).await?;
    let owed = found.ok_or_else(|| nothing_named(&id))?;
    Ok(Json(whole(&app, &owed)))
}

async fn redeliver(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Trouble> {
    let now = business_time(app.store.clock().await?, real_now());
    let found = app.store.redeliver(&id, now).await?;
    let owed = found.ok_or_else(|| nothing_named(&id))?;
    app.notifier.wake();
    Ok(Json(whole(&app, &owed)))
}

/// With the resource decrypted, and the body as it is posted.
fn whole(app: &App, owed: &Owed) -> Value {
    let keys = app.keys();
    let receiver = keys.caller(owed.scheme, &owed.identity);
    let mut value = json!(Summary::from(owed));
    value["resource"] = for_people(receiver.map(AsRef::as_ref), &owed.body);
    value["body"] = json!(String::from_utf8_lossy(&owed.body));
    value
}

fn nothing_named(id: &str) -> Trouble {
    let message = format!("there is no notification {id}");
    Trouble::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
}
