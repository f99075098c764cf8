use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use serde_json::json;

/// What a `notify_url` answers. The status alone decides; the body is for
/// people.
///
/// It becomes an [`http::Response`] with any body that is made from a `String`,
/// and with the feature `axum` a handler's answer.
///
/// ```
/// use kabao::notification::Ack;
///
/// assert_eq!(Ack::success().status(), 200);
/// assert_eq!(Ack::success().body(), r#"{"code":"SUCCESS","message":"OK"}"#);
/// let later: http::Response<String> = Ack::failure("the database is away").into();
/// assert_eq!(later.status(), 500);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "WeChat Pay posts again what is not acknowledged"]
pub struct Ack {
    status: StatusCode,
    body: String,
}

impl Ack {
    /// Taken: 200. Also for what was done before; the same notification comes
    /// more than once.
    pub fn success() -> Self {
        Self::new(StatusCode::OK, "SUCCESS", "OK")
    }

    /// Not taken: 500, so that it is posted again. The message goes out as it
    /// is.
    pub fn failure(message: impl AsRef<str>) -> Self {
        Self::refusal(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// Not taken, with a status that says why. One that would count as success
    /// becomes 500.
    pub fn refusal(status: StatusCode, message: impl AsRef<str>) -> Self {
        let fails = status.is_client_error() || status.is_server_error();
        let status = if fails {
            status
        } else {
            StatusCode::INTERNAL_SERVER_ERROR
        };
        Self::new(status, "FAIL", message.as_ref())
    }

    fn new(status: StatusCode, code: &str, message: &str) -> Self {
        let body = json!({ "code": code, "message": message }).to_string();
        Self { status, body }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body, JSON.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }
}

impl<B: From<String>> From<Ack> for Response<B> {
    fn from(ack: Ack) -> Self {
        let mut response = Self::new(B::from(ack.body));
        *response.status_mut() = ack.status;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }
}
