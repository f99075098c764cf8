//! The control plane under `/_sandbox`: what only a sandbox can do.

mod body;
mod callers;
mod clock;
mod faults;
mod grants;
mod keys;
mod media;
mod notifications;
mod rate_limits;
mod stage;
mod users;

use std::{net::IpAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{Query, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{app::App, refusal::Refusal, sample, store::StoreError};

/// Every address of the control plane begins with this.
pub(crate) const PREFIX: &str = "/_sandbox";

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/_sandbox/health", get(health))
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
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(same_machine))
        .with_state(app)
}

/// A page somewhere on the web must not steer the sandbox of whoever reads it.
async fn same_machine(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN);
    let host = request.headers().get(header::HOST);
    let foreign = origin.is_some_and(|origin| !origin.to_str().is_ok_and(is_loopback_origin))
        || host.is_some_and(|host| !host.to_str().is_ok_and(is_own_host));
    if foreign {
        return Trouble::new(
            StatusCode::FORBIDDEN,
            "FORBIDDEN",
            "the control plane answers no page of another origin",
        )
        .into_response();
    }
    next.run(request).await
}

fn is_loopback_origin(origin: &str) -> bool {
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    matches!(host_name(host), "localhost" | "127.0.0.1" | "[::1]")
}

/// A name of somebody else's domain that points to this machine must not reach
/// the sandbox either: the page behind it would have that name as its origin.
fn is_own_host(host: &str) -> bool {
    let name = host_name(host);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    // A name without a dot is nobody's domain.
    !name.contains('.') || name.ends_with(".weixin.qq.com") || bare.parse::<IpAddr>().is_ok()
}

fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

async fn health(State(app): State<Arc<App>>) -> Result<Json<Value>, Trouble> {
    app.store.clock().await?;
    Ok(Json(
        json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}),
    ))
}

/// What the API's side serves, for tools that read OpenAPI.
async fn openapi() -> impl IntoResponse {
    const SPEC: &str = include_str!("../../spec/openapi.json");
    ([(header::CONTENT_TYPE, "application/json")], SPEC)
}

async fn reset(State(app): State<Arc<App>>) -> Result<Json<Value>, Trouble> {
    app.store.reset(&sample::contents()).await?;
    app.faults.clear();
    app.limiter.reset();
    app.replays.reset();
    app.journal.clear();
    Ok(Json(json!({"status": "reset"})))
}

#[derive(Deserialize)]
struct Wanted {
    limit: Option<usize>,
}

async fn requests(
    State(app): State<Arc<App>>,
    wanted: Result<Query<Wanted>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Value>, Trouble> {
    let Query(wanted) = wanted.map_err(|error| Trouble::param(error.body_text()))?;
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

    fn param(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "PARAM_ERROR", message)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let body = json!({"code": self.code, "message": self.message});
        let mut answer = (self.status, Json(body)).into_response();
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
        Self::new(
            refusal.status,
            refusal.code,
            "the store failed, see the log",
        )
    }
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status, refusal.code, refusal.message)
    }
}

impl From<axum::extract::rejection::JsonRejection> for Trouble {
    fn from(rejection: axum::extract::rejection::JsonRejection) -> Self {
        let text = rejection.body_text();
        Self::param(body::misfit(&rejection).unwrap_or(text))
    }
}
