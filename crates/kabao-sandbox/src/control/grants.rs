//! `/_sandbox/brands/{brand_id}/merchants`: who may manage a brand's members.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    routing::{get, put},
};
use serde_json::{Value, json};

use super::{Trouble, extract::Path};
use crate::{
    app::App,
    keys::{CallerKind, Keys, change},
};

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/_sandbox/brands/{brand_id}/merchants", get(list))
        .route(
            "/_sandbox/brands/{brand_id}/merchants/{mchid}",
            put(|State(app), Path(named)| set(app, named, true))
                .delete(|State(app), Path(named)| set(app, named, false)),
        )
}

async fn list(
    State(app): State<Arc<App>>,
    Path(brand_id): Path<String>,
) -> Result<Json<Value>, Trouble> {
    known(&app, CallerKind::Brand, &brand_id).await?;
    listed(&app, &brand_id).await
}

async fn set(
    app: Arc<App>,
    (brand_id, mchid): (String, String),
    granted: bool,
) -> Result<Json<Value>, Trouble> {
    known(&app, CallerKind::Brand, &brand_id).await?;
    known(&app, CallerKind::Merchant, &mchid).await?;
    app.store.set_grant(&mchid, &brand_id, granted).await?;
    listed(&app, &brand_id).await
}

async fn listed(app: &App, brand_id: &str) -> Result<Json<Value>, Trouble> {
    let grants = app.store.grants().await?;
    let data: Vec<Value> = grants
        .iter()
        .filter(|(_, brand)| brand == brand_id)
        .map(|(mchid, _)| json!({ "mchid": mchid }))
        .collect();
    Ok(Json(json!({ "data": data })))
}

async fn known(app: &App, kind: CallerKind, id: &str) -> Result<(), Trouble> {
    let is_known = |keys: &Keys| keys.caller(kind.scheme(), id).is_some();
    match is_known(&*app.current.keys_having(is_known).await?) {
        true => Ok(()),
        false => Err(change::unknown(kind, id).into()),
    }
}
