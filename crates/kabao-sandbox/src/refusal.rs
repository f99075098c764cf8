//! A request that is refused, in one type; [`Refusal::body`] is the one place
//! that turns it into the documented answer.

use std::fmt;

use http::StatusCode;
use kabao_core::{error_body::ErrorBody, field::FieldError};
use serde_json::{Value, json};

/// Status, code, message and detail of an error answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// The documented code.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// `field`, `value`, `issue`, `location`, if one member is to blame.
    pub detail: Option<Value>,
}

impl Refusal {
    /// A refusal without detail.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            detail: None,
        }
    }

    /// Adds the detail.
    #[must_use]
    pub fn with_detail(mut self, detail: Value) -> Self {
        self.detail = Some(detail);
        self
    }

    /// 400 `PARAM_ERROR`: a member is missing or malformed. `location` is
    /// `body`, `query` or `path`.
    #[must_use]
    pub fn param(location: &'static str, error: &FieldError) -> Self {
        let FieldError {
            field,
            value,
            issue,
        } = error;
        Self::new(
            StatusCode::BAD_REQUEST,
            "PARAM_ERROR",
            format!("参数错误：{field} {issue}"),
        )
        .with_detail(json!({
            "field": field, "value": value, "issue": issue, "location": location,
        }))
    }

    /// 400 `PARAM_ERROR`: what the protocol's own check finds in a body. Its words
    /// are English, and stand in the detail.
    #[must_use]
    pub fn unfit(error: &FieldError) -> Self {
        Self {
            message: format!("参数错误：{}不符合要求，详见detail.issue", error.field),
            ..Self::param("body", error)
        }
    }

    /// 400 `PARAM_ERROR`: a member of the body is missing.
    #[must_use]
    pub fn missing(name: &str) -> Self {
        Self::param(
            "body",
            &FieldError::new(format!("/{name}"), "", "必填参数缺失"),
        )
    }

    /// 400 `RESOURCE_ALREADY_EXISTS`.
    pub fn already_exists(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "RESOURCE_ALREADY_EXISTS", message)
    }

    /// 400 `INVALID_REQUEST`: breaks a rule of the protocol or of the business.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
    }

    /// 403 `NO_AUTH`.
    pub fn no_auth(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "NO_AUTH", message)
    }

    /// 404 `RESOURCE_NOT_EXISTS`.
    pub fn not_exists(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "RESOURCE_NOT_EXISTS", message)
    }

    /// 429 `FREQUENCY_LIMITED`.
    pub fn too_often(message: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "FREQUENCY_LIMITED", message)
    }

    /// 500 `SYSTEM_ERROR`; the cause goes to the log, not to the caller.
    #[must_use]
    pub fn system_error() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "SYSTEM_ERROR",
            "系统异常，请稍后重试",
        )
    }

    /// 503 `SERVICE_UNAVAILABLE`: for the moment; the answer says when to try again.
    #[must_use]
    pub fn unavailable() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: "SERVICE_UNAVAILABLE",
            ..Self::system_error()
        }
    }

    /// The documented body.
    #[must_use]
    pub fn body(&self) -> ErrorBody {
        ErrorBody {
            code: self.code.to_owned(),
            message: self.message.clone(),
            detail: self.detail.clone(),
        }
    }
}

/// What belongs where a value does not fit: the reader's own words quote the
/// value, which may be personal.
pub(crate) fn misfit(error: &serde_json::Error) -> String {
    let words = error.to_string();
    match words.rsplit_once(", expected ") {
        Some((_, expected)) => format!("the value does not fit, expected {expected}"),
        None => "the value does not fit".to_owned(),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}",
            self.status.as_u16(),
            self.code,
            self.message
        )
    }
}
