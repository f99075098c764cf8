//! `/_sandbox/keys`: WeChat Pay's own keys, and which of them signs.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post, put},
};
use kabao_core::time::Time;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Trouble, callers, extract::Body};
use crate::{
    app::App,
    clock::real_now,
    keys::{
        CallerKind, Keys, KeysError, Migration, Mint, PlatformSigner,
        change::{self, Rotation},
        rsa_keys,
    },
};

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/_sandbox/keys", get(show))
        .route("/_sandbox/keys/rotate-certificate", post(rotate))
        .route("/_sandbox/keys/migration", put(migrate))
}

async fn show(State(app): State<Arc<App>>) -> Result<Json<Value>, Trouble> {
    let keys = app.current.keys().await?;
    Ok(Json(json!({"platform_certificates": certificates(&keys)})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RotationOrder {
    /// How long the new certificate is listed before it signs, by the sandbox's
    /// clock. Default: it signs at once.
    #[serde(default)]
    notice_seconds: u64,
    /// How long the old certificate stays from then on. Default: the documented
    /// 24 hours.
    #[serde(default = "a_day")]
    overlap_seconds: u64,
}

const fn a_day() -> u64 {
    24 * 60 * 60
}

async fn rotate(
    State(app): State<Arc<App>>,
    Body(order): Body<RotationOrder>,
) -> Result<Json<Value>, Trouble> {
    let rotation = Rotation {
        notice: Duration::from_secs(order.notice_seconds),
        overlap: Duration::from_secs(order.overlap_seconds),
    };
    let now = app.now().await?;
    let authority = app.keys().tls_authority()?;
    let made = making(move || {
        let [key] = rsa_keys()?;
        let mint = Mint {
            authority: &authority,
            now: real_now(),
            clock: now,
        };
        mint.platform_certificate(&key)
    });
    let certificate = made.await?;
    let serial_no = certificate.id.clone();
    let pem = certificate.certificate_pem.clone();
    let rule = move |book: &mut _| change::rotate(book, certificate.clone(), now, rotation);
    let keys = app.current.change_keys(rule).await??;
    Ok(Json(json!({
        "platform_serial_no": serial_no,
        "wechatpay_cert.pem": pem,
        "platform_certificates": certificates(&keys),
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    public_key_percent: f64,
    /// Without it, every merchant that has certificates.
    mchid: Option<String>,
}

async fn migrate(
    State(app): State<Arc<App>>,
    Body(wanted): Body<Move>,
) -> Result<Json<Value>, Trouble> {
    let Move {
        public_key_percent: percent,
        mchid,
    } = wanted;
    let thousandths = Migration::thousandths_of(percent).ok_or_else(|| {
        Trouble::param(format!(
            "public_key_percent: {percent} is not from 0 to 100 with at most one decimal"
        ))
    })?;
    let rule = move |book: &mut _| change::migrate(book, mchid.as_deref(), thousandths);
    let keys = app.current.change_keys(rule).await??;
    callers::listed(&app, &keys, CallerKind::Merchant).await
}

/// Those in force: those that sign, newest first, and after them those that do
/// not yet, which say from when on they will.
fn certificates(keys: &Keys) -> Vec<Value> {
    let row = |signer: &PlatformSigner| {
        let (_, certificate) = signer.certificate.as_ref()?;
        let expires = signer.retires.unwrap_or(certificate.not_after());
        let mut row = json!({
            "serial_no": signer.id.as_str(),
            "effective_time": Time::seconds(certificate.not_before()),
            "expire_time": Time::seconds(expires),
        });
        if let Some(begin) = signer.takes_over {
            row["takeover_time"] = json!(Time::seconds(begin));
        }
        Some(row)
    };
    keys.platform_certificates()
        .iter()
        .filter_map(row)
        .collect()
}

/// Makes keys where that holds up no connection.
pub(super) async fn making<T, E>(
    make: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, KeysError>
where
    T: Send + 'static,
    E: Send + 'static,
    KeysError: From<E>,
{
    let made = tokio::task::spawn_blocking(make).await;
    Ok(made.map_err(|_| KeysError::Interrupted)??)
}

impl From<KeysError> for Trouble {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Store(error) => error.into(),
            error => {
                tracing::error!(%error, "keys failed");
                let refusal = crate::refusal::Refusal::system_error();
                Self::new(refusal.status, refusal.code, error.to_string())
            }
        }
    }
}
