//! `/_sandbox/rate-limits`: how often operations may be called, for all
//! sandboxes on one store.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Json, Router, extract::State, routing::get};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Trouble, extract::Body};
use crate::{app::App, limits::RateLimits, operations};

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/_sandbox/rate-limits", get(show).put(set))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// `null` lets each sandbox go by what it was started with.
    #[serde(deserialize_with = "Option::deserialize")]
    limits: Option<RateLimits>,
}

async fn show(State(app): State<Arc<App>>) -> Result<Json<Value>, Trouble> {
    app.current.look().await?;
    Ok(Json(state(&app)))
}

async fn set(
    State(app): State<Arc<App>>,
    Body(Change { limits }): Body<Change>,
) -> Result<Json<Value>, Trouble> {
    app.limiter.set(limits).await?;
    Ok(Json(state(&app)))
}

/// The limits that are kept, whether they were set for all, and what follows for each operation.
fn state(app: &App) -> Value {
    let (limits, set) = app.limiter.limits();
    let mut per_second: BTreeMap<&str, Value> = BTreeMap::new();
    for (operation, kind, documented) in operations::rates() {
        if let Some(rate) = limits.per_second(operation, kind, documented) {
            let rates = per_second.entry(operation).or_insert_with(|| json!({}));
            crate::credentials::add(rates, json!({ kind.name(): rate }));
        }
    }
    json!({"limits": limits, "set": set, "per_second": per_second})
}
