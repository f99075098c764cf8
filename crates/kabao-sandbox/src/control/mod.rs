//! The control plane under `/_sandbox`: what only a sandbox can do.

mod access;
mod callers;
mod clock;
mod extract;
mod faults;
mod grants;
mod keys;
mod media;
mod notifications;
mod rate_limits;
mod snapshot;
mod stage;
mod users;

use std::sync::{Arc, atomic::Ordering};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{app::App, metrics::CONTENT_TYPE, refusal::Refusal, store::StoreError};

pub use access::ControlTokenError;
pub(crate) use access::{ControlToken, Guard, is_open};
use extract::Query;

/// Every address of the control plane begins with this.
pub(crate) const PREFIX: &str = "/_sandbox";

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/_sandbox/health", get(health))
        .route("/_sandbox/ready", get(ready))
        .route("/_sandbox/metrics", get(metrics))
        .route("/_sandbox/openapi.json", get(openapi))
        .route("/_sandbox/reset", post(reset))
        .route("/_sandbox/requests", get(requests))
        .merge(clock::router())
        .merge(faults::router())
        .merge(notifications::router())
        .merge(users::router())
        .merge(media::router())
        .merge(keys::router())
        .merge(callers::router())
        .merge(grants::router())
        .merge(rate_limits::router())
        .merge(snapshot::router())
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        // Bodies are bounded before they come here.
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
}

async fn health(State(app): State<Arc<App>>) -> Result<Json<Value>, Trouble> {
    app.current.look().await?;
    Ok(Json(
        json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}),
    ))
}

/// Whether a balancer should send it work: as `health`, and no longer once it is
/// about to stop.
async fn ready(State(app): State<Arc<App>>) -> Result<Json<Value>, Trouble> {
    if app.is_draining.load(Ordering::Acquire) {
        return Err(Trouble::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "DRAINING",
            "the sandbox is about to stop",
        ));
    }
    app.current.look().await?;
    Ok(Json(json!({"status": "ready"})))
}

/// For Prometheus.
async fn metrics(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Trouble> {
    let text = app.metrics.text(&*app.store).await.map_err(|error| {
        tracing::error!(%error, "the metrics cannot be written");
        Refusal::system_error()
    })?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text))
}

/// What the API's side serves, for tools that read OpenAPI.
async fn openapi() -> impl IntoResponse {
    const SPEC: &str = include_str!("../../spec/openapi.json");
    ([(header::CONTENT_TYPE, "application/json")], SPEC)
}

async fn reset(State(app): State<Arc<App>>) -> Result<Json<Value>, Trouble> {
    app.store.reset(&app.initial).await?;
    app.begin_anew().await?;
    Ok(Json(json!({"status": "reset"})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    limit: Option<usize>,
}

async fn requests(
    State(app): State<Arc<App>>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Value>, Trouble> {
    let entries = app.journal.latest(wanted.limit.unwrap_or(usize::MAX));
    let data: Vec<&crate::journal::Entry> = entries.iter().map(AsRef::as_ref).collect();
    Ok(Json(json!({"data": data})))
}

async fn nothing_here(request: Request) -> Trouble {
    let message = format!("the control plane has no {}", request.uri().path());
    Trouble::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
}

async fn wrong_method(request: Request) -> Trouble {
    let message = format!(
        "{} does not take {}",
        request.uri().path(),
        request.method()
    );
    Trouble::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "METHOD_NOT_ALLOWED",
        message,
    )
}

/// Without `.0`, as it was most likely given.
fn decimal(number: f64) -> Value {
    match number.fract() == 0.0 {
        true => json!(number as i64),
        false => json!(number),
    }
}

/// A refused control call: `{"code","message"}`.
#[derive(Debug)]
struct Trouble {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Trouble {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// Too much of one kind is going on.
    fn busy(what: &str) -> Self {
        let message = format!("{what}; try again");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "SERVICE_UNAVAILABLE",
            message,
        )
    }

    fn param(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "PARAM_ERROR", message)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let body = json!({"code": self.code, "message": self.message});
        let mut answer = (self.status, Json(body)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            answer
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = answer.headers_mut();
            headers.insert(header::RETRY_AFTER, crate::gate::RETRY_AFTER);
        }
        answer
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        let refusal = crate::app::failed(&error);
        let message = match refusal.status {
            StatusCode::SERVICE_UNAVAILABLE => {
                "the store cannot be used at the moment, the log says why; try again"
            }
            _ => "the store failed, see the log",
        };
        Self::new(refusal.status, refusal.code, message)
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status, refusal.code, refusal.message)
    }
}
