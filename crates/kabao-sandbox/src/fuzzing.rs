//! Ways in for the fuzz targets (`fuzz/`), past the sockets. Built under
//! `--cfg fuzzing` alone, which cargo-fuzz and `fuzz/run` set.

#![allow(missing_docs, reason = "of no one's API")]
#![allow(clippy::missing_panics_doc, reason = "a broken harness should stop")]

use std::sync::Arc;

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::BodyExt as _;
use kabao_core::{keyring::KeyId, signature::Scheme};
use serde_json::Value;
use tokio::runtime::{self, Runtime};
use tower::ServiceExt as _;

use crate::{
    Credentials, NotificationSettings, RateLimits, Switches,
    app::App,
    authenticate::{Admitted, authenticate},
    clock::real_now,
    control,
    faults::Fault,
    gate::{self, Received},
    keys::Keys,
    multipart,
    notify::Notifier,
    sample, store,
    vault::MasterKey,
};

/// The boundary of a multipart body.
pub fn boundary(content_type: &str) -> Option<String> {
    multipart::boundary(content_type)
}

/// One part of a multipart body.
pub fn part<'a>(body: &'a [u8], boundary: &str, name: &str) -> Option<&'a [u8]> {
    multipart::part(body, boundary, name)
}

/// An order of a fault, as it is shown again.
pub fn fault(order: Value) -> Result<Value, String> {
    Fault::from_json(order).map(|fault| fault.to_json())
}

/// A sandbox that listens nowhere, sends nothing and forgets everything.
pub struct Server {
    runtime: Runtime,
    app: Arc<App>,
    control: Router,
    credentials: Credentials,
}

impl Default for Server {
    fn default() -> Self {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let (app, credentials) = runtime.block_on(async {
            let master_key = MasterKey::generate().expect("a master key");
            let store = store::open("memory", &master_key).expect("a store in memory");
            let keys = Keys::load_or_create(&*store).await.expect("keys");
            let base_url = "http://127.0.0.1:1".to_owned();
            let credentials = Credentials::of(&keys, base_url.clone(), None).expect("credentials");
            let notifier = Notifier::new(NotificationSettings::default(), None);
            let (limits, switches) = (RateLimits::Off, Switches::default());
            let app = App::new(
                store,
                keys,
                sample::contents(),
                limits,
                switches,
                notifier,
                base_url,
            );
            (Arc::new(app), credentials)
        });
        Self {
            control: control::router(Arc::clone(&app)),
            runtime,
            app,
            credentials,
        }
    }
}

impl Server {
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// What an operation answers, as if the signature had been checked.
    pub fn answer(
        &self,
        method: &str,
        target: &str,
        content_type: &str,
        body: &[u8],
    ) -> Option<(u16, Bytes)> {
        let mut request = received(method, target, body)?;
        let content_type = HeaderValue::try_from(content_type).ok()?;
        request.headers.insert(header::CONTENT_TYPE, content_type);
        request.boundary = multipart::boundary_in(&request.headers);
        let any = HeaderValue::from_static("*/*");
        request.headers.insert(header::ACCEPT, any.clone());
        request.headers.insert(header::USER_AGENT, any);
        let (scheme, identity) = match request.path().starts_with("/brand/") {
            true => (
                Scheme::WechatpayBrandSha256Rsa2048,
                &self.credentials.brand.brand_id,
            ),
            false => (
                Scheme::Wechatpay2Sha256Rsa2048,
                &self.credentials.merchant.mchid,
            ),
        };
        let keys = self.app.keys();
        let caller = Arc::clone(keys.caller(scheme, identity)?);
        let serial_no = caller.certificates.first()?.serial_no.clone();
        let admitted = Admitted {
            caller,
            serial_no,
            replayed: false,
            unsure: None,
        };
        self.runtime.block_on(async {
            let (found, _) = gate::find(&self.app, &request);
            let mut rate = None;
            let outcome = gate::process(&self.app, &admitted, &request, found, &mut rate).await;
            let reply = outcome.unwrap_or_else(|refusal| gate::reply_of(&refusal));
            Some((reply.status.as_u16(), reply.body))
        })
    }

    /// Who a signature is from, or why it is refused.
    pub fn authenticate(
        &self,
        method: &str,
        target: &str,
        authorization: &str,
        body: &[u8],
    ) -> Option<Result<KeyId, String>> {
        let mut request = received(method, target, body)?;
        let authorization = HeaderValue::try_from(authorization).ok()?;
        request.headers.insert(header::AUTHORIZATION, authorization);
        let now = real_now().as_second();
        let outcome = self
            .runtime
            .block_on(authenticate(&self.app, &request, now, 0, None));
        Some(match outcome {
            Ok(admitted) => Ok(admitted.serial_no),
            Err(rejected) => Err(rejected.verdict.reason),
        })
    }

    /// What the control plane answers.
    pub fn control(&self, method: &str, target: &str, body: &[u8]) -> Option<(u16, Bytes)> {
        let request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_vec()))
            .ok()?;
        self.runtime.block_on(async {
            let Ok(answer) = self.control.clone().oneshot(request).await;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.ok()?.to_bytes();
            Some((status, body))
        })
    }
}

fn received(method: &str, target: &str, body: &[u8]) -> Option<Received> {
    // What hyper takes for a target in its origin form.
    let target: http::uri::PathAndQuery = target.parse().ok()?;
    target.as_str().starts_with('/').then(|| Received {
        method: Method::from_bytes(method.as_bytes()).unwrap_or_default(),
        target: target.as_str().to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body),
        boundary: None,
    })
}
