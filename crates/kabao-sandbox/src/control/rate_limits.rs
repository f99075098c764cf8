//! `/_sandbox/rate-limits`: how often operations may be called, in this process.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Trouble;
use crate::{app::App, limits::RateLimits, operations};

pub(super) fn router() -> Router<Arc<App>> {
    Router::new().route("/_sandbox/rate-limits", get(show).put(set))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    limits: RateLimits,
}

async fn show(State(app): State<Arc<App>>) -> Json<Value> {
    Json(state(&app.limiter.limits()))
}

async fn set(
    State(app): State<Arc<App>>,
    change: Result<Json<Change>, JsonRejection>,
) -> Result<Json<Value>, Trouble> {
    let Json(Change { limits }) = change?;
    let answer = state(&limits);
    app.limiter.set(limits);
    Ok(Json(answer))
}

/// The limits as they were set, and what follows for each operation.
fn state(limits: &RateLimits) -> Value {
    let mut per_second: BTreeMap<&str, Value> = BTreeMap::new();
    for (operation, kind, documented) in operations::rates() {
        if let Some(rate) = limits.per_second(operation, kind, documented) {
            let rates = per_second.entry(operation).or_insert_with(|| json!({}));
            crate::credentials::add(rates, json!({ kind.name(): rate }));
        }
    }
    json!({"limits": limits, "per_second": per_second})
}
