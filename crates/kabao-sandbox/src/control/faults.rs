//! `/_sandbox/faults`: trouble, ordered and called off, for all sandboxes on one
//! store.

use std::sync::Arc;

use axum::{Json, Router, extract::State, routing::get};
use serde_json::{Value, json};

use super::{Trouble, extract::Body};
use crate::{app::App, faults::Fault};

pub(super) fn router() -> Router<Arc<App>> {
    let methods = get(list).post(arm).delete(clear);
    Router::new().route("/_sandbox/faults", methods)
}

async fn list(State(app): State<Arc<App>>) -> Result<Json<Value>, Trouble> {
    app.current.look().await?;
    Ok(Json(json!({"data": app.faults.ordered()})))
}

async fn arm(
    State(app): State<Arc<App>>,
    Body(order): Body<Value>,
) -> Result<Json<Value>, Trouble> {
    let fault = Fault::from_json(order).map_err(Trouble::param)?;
    let known = app.routes.names();
    if let Some(operation) = &fault.selector.operation
        && !known.contains(&operation.as_str())
    {
        let known = known.join(", ");
        return Err(Trouble::param(format!(
            "operation: `{operation}` is none of {known}"
        )));
    }
    app.faults.order(&fault).await?.map_err(Trouble::param)?;
    app.current.look().await?;
    Ok(Json(json!({"data": app.faults.ordered()})))
}

async fn clear(State(app): State<Arc<App>>) -> Result<Json<Value>, Trouble> {
    app.faults.clear().await?;
    app.current.look().await?;
    Ok(Json(json!({"data": []})))
}
