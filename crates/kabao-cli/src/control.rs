//! The control plane of a sandbox, over HTTP.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use kabao::transport::{HyperTransport, Settings, Transport as _};
use serde_json::Value;

use crate::{problem::Problem, session::Session};

/// More than any list of the control plane has.
const LIMIT: usize = 64 << 20;

/// A sandbox that can be steered.
pub(crate) struct Control {
    transport: HyperTransport,
    base_url: String,
}

impl Control {
    /// The sandbox that the session calls.
    pub(crate) fn of(session: &Session) -> Result<Self, Problem> {
        let Some(base_url) = session
            .base_url
            .as_deref()
            .filter(|url| !is_production(url))
        else {
            return Err(
                Problem::new("the profile calls production, which has no control plane").hint(
                    "name a running sandbox with KABAO_BASE_URL or in the profile, or choose \
                     --profile sandbox",
                ),
            );
        };
        let mut settings = Settings::new(Duration::from_secs(5));
        if let Some(pem) = &session.root_certificate {
            settings
                .add_roots(pem)
                .map_err(|error| Problem::new("root_certificate").caused_by(&error))?;
        }
        Ok(Self {
            transport: HyperTransport::new(settings),
            base_url: base_url.trim_end_matches('/').to_owned(),
        })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Problem> {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, Problem> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value, Problem> {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<Value, Problem> {
        self.call(Method::DELETE, path, None).await
    }

    /// `path` is below `/_sandbox/`, its values percent-encoded.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Problem> {
        let url = format!("{}/_sandbox/{path}", self.base_url);
        let request = Request::builder()
            .method(method)
            .uri(&url)
            .header("content-type", "application/json")
            .body(body.map_or_else(Bytes::new, |body| body.to_string().into()))
            .map_err(|error| Problem::new(format!("`{url}` cannot be called")).caused_by(&error))?;
        let answer = self.transport.send(request, LIMIT).await.map_err(|error| {
            Problem::new(format!("no answer from the sandbox at {}", self.base_url))
                .caused_by(&error)
                .hint("start one with `kabao sandbox serve`")
        })?;
        let value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        match answer.status().is_success() {
            true => Ok(value),
            false => Err(refusal(answer.status(), &value)),
        }
    }
}

fn is_production(url: &str) -> bool {
    url.contains(".weixin.qq.com")
}

fn refusal(status: http::StatusCode, body: &Value) -> Problem {
    let word = |name: &str| body.get(name).and_then(Value::as_str);
    match (word("code"), word("message")) {
        (Some(code), Some(message)) => Problem::refused(format!("{code}: {message}")),
        _ => Problem::refused(format!("the sandbox answered {status}"))
            .hint("is this the address of a kabao sandbox?"),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_keeps_code_and_words() {
        let body = json!({"code": "INVALID_REQUEST", "message": "已作废"});
        let problem = refusal(StatusCode::BAD_REQUEST, &body);
        assert_eq!(problem.message, "INVALID_REQUEST: 已作废");
        let problem = refusal(StatusCode::BAD_GATEWAY, &Value::Null);
        assert!(problem.message.contains("502"), "{problem}");
    }
}
