//! What happens in WeChat, which a sandbox plays on request.

use std::time::Duration;

use bytes::Bytes;
use kabao::transport::{HyperTransport, Settings, Transport as _};
use serde_json::{Value, json};

use crate::{Outcome, credentials::Credentials};

/// The sandbox's control plane.
pub struct WeChat {
    transport: HyperTransport,
    base_url: String,
    brand_id: String,
}

impl WeChat {
    pub fn of(credentials: &Credentials) -> Self {
        Self {
            transport: HyperTransport::new(Settings::new(Duration::from_secs(5))),
            base_url: credentials.base_url.clone(),
            brand_id: credentials.brand_id.clone(),
        }
    }

    /// A user does something with a card of this template.
    pub async fn user(
        &self,
        openid: &str,
        action: &str,
        card_id: &str,
        more: Value,
    ) -> Outcome<Value> {
        let mut body = json!({"brand_id": self.brand_id, "card_id": card_id});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.call("POST", &format!("users/{openid}/{action}"), &body)
            .await
    }

    /// A user pays an order with this attach.
    pub async fn pay(&self, openid: &str, attach: &str) -> Outcome<Value> {
        let body = json!({"brand_id": self.brand_id, "attach": attach});
        self.call("POST", &format!("users/{openid}/pay"), &body)
            .await
    }

    /// Lets so many days pass; 0 is today again.
    pub async fn be_in_days(&self, days: i64) -> Outcome {
        let body = json!({"offset_seconds": days * 24 * 60 * 60});
        self.call("PUT", "clock", &body).await.map(drop)
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Outcome<Value> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}/_sandbox/{path}", self.base_url))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))?;
        let answer = self.transport.send(request, 1 << 20).await?;
        let value: Value = serde_json::from_slice(answer.body())?;
        match answer.status().is_success() {
            true => Ok(value),
            false => Err(format!("{path}: {value}").into()),
        }
    }
}
