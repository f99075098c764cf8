//! The control plane of a sandbox, over HTTP.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use jiff::Timestamp;
use kabao::transport::{HyperTransport, Settings, Transport as _};
use serde_json::Value;
use tokio::time::timeout;

use crate::problem::Problem;

/// More than any list of the control plane has.
const LIMIT: usize = 64 << 20;

/// A sandbox that can be steered.
pub(crate) struct Control {
    transport: HyperTransport,
    base_url: String,
    host: String,
    authorization: Option<HeaderValue>,
}

impl Control {
    /// The sandbox at an address, and an authority to trust besides the
    /// system's.
    pub(crate) fn at(base_url: &str, root_certificate: Option<&[u8]>) -> Result<Self, Problem> {
        if is_production(base_url) {
            return Err(Self::of_production());
        }
        let mut settings = Settings::new(Duration::from_secs(5));
        if let Some(pem) = root_certificate {
            settings
                .add_roots(pem)
                .map_err(|error| Problem::new("root_certificate").caused_by(&error))?;
        }
        Ok(Self {
            transport: HyperTransport::new(settings),
            host: host(base_url)?,
            base_url: base_url.trim_end_matches('/').to_owned(),
            authorization: None,
        })
    }

    /// With the Authorization that its control plane may ask for.
    pub(crate) fn authorised(mut self, authorization: Option<HeaderValue>) -> Self {
        self.authorization = authorization;
        self
    }

    /// Why there is nothing to control.
    pub(crate) fn of_production() -> Problem {
        Problem::new("the profile calls production, which has no control plane").hint(
            "name a running sandbox with --url, KABAO_BASE_URL or base_url in the profile, or \
             choose --profile sandbox",
        )
    }

    /// Whether the sandbox runs on this machine.
    pub(crate) fn is_on_loopback(&self) -> bool {
        let address: Result<IpAddr, _> = self.host.trim_matches(['[', ']']).parse();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
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

    /// The sandbox's time, if it can be had soon.
    pub(crate) async fn now(&self) -> Option<Timestamp> {
        let clock = timeout(Duration::from_secs(2), self.get("clock")).await;
        clock.ok()?.ok()?.get("now")?.as_str()?.parse().ok()
    }

    /// What is answered there, as it is.
    pub(crate) async fn get_bytes(&self, path: &str) -> Result<Bytes, Problem> {
        let answer = self.exchange(Method::GET, path, Bytes::new()).await?;
        match answer.status().is_success() {
            true => Ok(answer.into_body()),
            false => Err(refusal(answer.status(), &json(&answer))),
        }
    }

    /// Sends what is JSON already.
    pub(crate) async fn put_bytes(&self, path: &str, body: Vec<u8>) -> Result<Value, Problem> {
        taken(&self.exchange(Method::PUT, path, body.into()).await?)
    }

    /// What is answered there, whatever it is. An error is no answer.
    pub(crate) async fn answer_of(&self, path: &str) -> Result<(StatusCode, Value), Problem> {
        let answer = self.exchange(Method::GET, path, Bytes::new()).await?;
        Ok((answer.status(), json(&answer)))
    }

    /// `path` is below `/_sandbox/`, its values percent-encoded.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Problem> {
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        taken(&self.exchange(method, path, body).await?)
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Response<Bytes>, Problem> {
        let url = format!("{}/_sandbox/{path}", self.base_url);
        let mut request = Request::builder()
            .method(method)
            .uri(&url)
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = &self.authorization {
            request = request.header(header::AUTHORIZATION, token);
        }
        let request = request
            .body(body)
            .map_err(|error| Problem::new(format!("`{url}` cannot be called")).caused_by(&error))?;
        let answer = self.transport.send(request, LIMIT).await;
        answer.map_err(|error| self.unanswered(&error.to_string()))
    }

    fn unanswered(&self, why: &str) -> Problem {
        let hint = if why.contains("UnknownIssuer") {
            "trust its authority, ca.pem of its --credentials folder: KABAO_ROOT_CERTIFICATE, or \
             root_certificate in the profile"
        } else if why.contains("invalid HTTP version") {
            "does it speak TLS? then its address begins with https://"
        } else {
            "start one with `kabao sandbox serve`"
        };
        Problem::new(format!("no answer from the sandbox at {}", self.base_url))
            .because(why)
            .hint(hint)
    }
}

/// What is answered: JSON, or a line of text, as whoever is turned away gets.
fn json(answer: &Response<Bytes>) -> Value {
    /// More is a page, and none of the sandbox's.
    const LINE: usize = 200;
    let body = answer.body();
    let line = || {
        let line = str::from_utf8(body).ok().map(str::trim);
        line.filter(|line| !line.is_empty() && line.len() <= LINE && !line.starts_with('<'))
            .into()
    };
    serde_json::from_slice(body).unwrap_or_else(|_| line())
}

/// What is answered to what was taken.
fn taken(answer: &Response<Bytes>) -> Result<Value, Problem> {
    match answer.status().is_success() {
        true => Ok(json(answer)),
        false => Err(refusal(answer.status(), &json(answer))),
    }
}

/// The host of an address that can be called.
fn host(base_url: &str) -> Result<String, Problem> {
    let address = base_url.parse::<Uri>().ok().filter(|address| {
        let scheme = address.scheme_str();
        matches!(scheme, Some("http" | "https"))
    });
    let host = address.as_ref().and_then(Uri::host);
    host.map(str::to_owned).ok_or_else(|| {
        Problem::new(format!("`{base_url}` is not the address of a sandbox"))
            .hint("write it as `kabao sandbox serve` prints it: http://127.0.0.1:8080")
    })
}

/// Whether an address is one of WeChat Pay's own.
pub(crate) fn is_production(url: &str) -> bool {
    const DOMAINS: [&str; 2] = ["weixin.qq.com", "wechatpay.cn"];
    let address = url.parse::<Uri>().ok();
    let host = address.as_ref().and_then(Uri::host).unwrap_or_default();
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    DOMAINS.into_iter().any(|domain| {
        let below = host.strip_suffix(domain);
        below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
    })
}

/// Why an answer is not what was asked for.
pub(crate) fn refusal(status: StatusCode, body: &Value) -> Problem {
    let word = |name: &str| body.get(name).and_then(Value::as_str);
    match (word("code"), word("message"), body) {
        (Some(code), Some(message), _) => Problem::refused(format!("{code}: {message}")),
        (_, _, Value::String(line)) if status != StatusCode::NOT_FOUND => {
            Problem::refused(format!("the sandbox answered {status}: {line}"))
        }
        _ => Problem::refused(format!("the sandbox answered {status}"))
            .hint("is this the address of a kabao sandbox?"),
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn a_line_of_text_is_told() {
        let answer = |text: &'static str| {
            let answer = Response::builder().status(StatusCode::PAYLOAD_TOO_LARGE);
            let answer = answer.body(Bytes::from(text)).expect("an answer");
            refusal(answer.status(), &json(&answer)).to_string()
        };
        let told = answer("the body is larger than 32 KiB\n");
        assert!(told.ends_with("the body is larger than 32 KiB"), "{told}");
        for page in ["<html>too large</html>", ""] {
            let told = answer(page);
            assert!(told.contains("413") && told.contains("hint:"), "{told}");
            assert!(!told.contains("html"), "{told}");
        }
    }

    #[test]
    fn a_loopback_address_is_known() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", true),
            ("https://localhost/", true),
            ("http://[::1]:80", true),
            ("http://sandbox.example:8080", false),
        ] {
            let control = Control::at(url, None);
            let control = control.unwrap_or_else(|problem| panic!("{url}: {problem}"));
            assert_eq!(control.is_on_loopback(), expected, "{url}");
        }
        for wrong in [
            "",
            "127.0.0.1:8080",
            "localhost",
            "ftp://localhost",
            "http://",
        ] {
            assert!(Control::at(wrong, None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn production_is_known_by_its_host() {
        for url in [
            "https://api.mch.weixin.qq.com",
            "https://API2.mch.Weixin.qq.com./",
            "https://apihk.mch.weixin.qq.com:443/hk",
            "https://api.wechatpay.cn",
            "https://api2.wechatpay.cn/",
        ] {
            assert!(is_production(url), "{url}");
            assert!(Control::at(url, None).is_err(), "{url}");
        }
        for url in [
            "http://127.0.0.1:8080/api.mch.weixin.qq.com",
            "https://api.mch.weixin.qq.com.test",
            "https://notwechatpay.cn",
            "",
        ] {
            assert!(!is_production(url), "{url}");
        }
    }
}
