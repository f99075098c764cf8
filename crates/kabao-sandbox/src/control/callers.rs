//! `/_sandbox/merchants` and `/_sandbox/brands`: who may call, and with which
//! certificates.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    routing::{delete, get, post, put},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Trouble, decimal,
    extract::{Body, Path},
    keys::making,
};
use crate::{
    app::App,
    clock::real_now,
    credentials::{BrandCredentials, CredentialsError, MerchantCredentials, add},
    keys::{CallerKeys, CallerKind, Keys, Mint, Subject, change, random_digits, rsa_keys},
    refusal::Refusal,
};

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/_sandbox/merchants",
            get(|State(app)| list(app, CallerKind::Merchant)).post(add_merchant),
        )
        .route("/_sandbox/merchants/{mchid}", put(set_merchant))
        .route(
            "/_sandbox/brands",
            get(|State(app)| list(app, CallerKind::Brand)).post(add_brand),
        )
        .merge(certificates(CallerKind::Merchant, "/_sandbox/merchants"))
        .merge(certificates(CallerKind::Brand, "/_sandbox/brands"))
}

fn certificates(kind: CallerKind, base: &str) -> Router<Arc<App>> {
    // Addresses that begin alike must name what follows alike.
    let item = kind.item();
    Router::new()
        .route(
            &format!("{base}/{{{item}}}/certificates"),
            post(move |State(app), Path(id), Body(brought)| {
                add_certificate(app, kind, id, brought)
            }),
        )
        .route(
            &format!("{base}/{{{item}}}/certificates/{{serial_no}}"),
            delete(move |State(app), Path(named)| revoke_certificate(app, kind, named)),
        )
}

async fn list(app: Arc<App>, kind: CallerKind) -> Result<Json<Value>, Trouble> {
    let keys = app.current.keys().await?;
    listed(&app, &keys, kind).await
}

/// Every merchant or brand by number, without a secret.
pub(super) async fn listed(
    app: &App,
    keys: &Keys,
    kind: CallerKind,
) -> Result<Json<Value>, Trouble> {
    let grants = app.store.grants().await?;
    let mut callers: Vec<&CallerKeys> = keys
        .callers()
        .filter(|caller| CallerKind::of(caller.scheme) == kind)
        .map(AsRef::as_ref)
        .collect();
    callers.sort_by_key(|caller| &caller.identity);
    let data: Vec<Value> = callers
        .into_iter()
        .map(|caller| row(caller, &grants))
        .collect();
    Ok(Json(json!({ "data": data })))
}

fn row(caller: &CallerKeys, grants: &[(String, String)]) -> Value {
    let kind = CallerKind::of(caller.scheme);
    let own = &caller.identity;
    let serials = caller.certificates.iter();
    let serials = serials.filter(|own| own.expired.is_none());
    let serials: Vec<&str> = serials.map(|own| own.serial_no.as_str()).collect();
    let mut signers = caller.platform.iter();
    let public_key = signers.find(|signer| signer.certificate.is_none());
    let mut row = json!({
        kind.item(): own,
        "serial_nos": serials,
        "wechatpay_public_key_id": public_key.map(|signer| signer.id.as_str()),
    });
    let others: Vec<&str> = grants
        .iter()
        .filter_map(|(mchid, brand_id)| match kind {
            CallerKind::Merchant => (mchid == own).then_some(&**brand_id),
            CallerKind::Brand => (brand_id == own).then_some(&**mchid),
        })
        .collect();
    match kind {
        CallerKind::Merchant => add(
            &mut row,
            json!({
                "public_key_percent": decimal(caller.migration.percent()),
                "public_key_only": caller.is_public_key_only(),
                "brand_ids": others,
            }),
        ),
        CallerKind::Brand => add(&mut row, json!({"mchids": others})),
    }
    row
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewMerchant {
    /// Up to 32 digits; drawn if it is not given.
    mchid: Option<String>,
    /// Whether it has no platform certificates, as merchants that join today.
    #[serde(default)]
    public_key_only: bool,
}

async fn add_merchant(
    State(app): State<Arc<App>>,
    Body(wanted): Body<NewMerchant>,
) -> Result<Json<Value>, Trouble> {
    let mchid = number(CallerKind::Merchant, wanted.mchid)?;
    let keys = add_caller(&app, CallerKind::Merchant, &mchid, wanted.public_key_only).await?;
    Ok(Json(handed_out(&app, &keys, CallerKind::Merchant, &mchid)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBrand {
    /// Up to 32 digits; drawn if it is not given.
    brand_id: Option<String>,
}

async fn add_brand(
    State(app): State<Arc<App>>,
    Body(wanted): Body<NewBrand>,
) -> Result<Json<Value>, Trouble> {
    let brand_id = number(CallerKind::Brand, wanted.brand_id)?;
    let keys = add_caller(&app, CallerKind::Brand, &brand_id, false).await?;
    Ok(Json(handed_out(&app, &keys, CallerKind::Brand, &brand_id)?))
}

async fn add_caller(
    app: &App,
    kind: CallerKind,
    id: &str,
    public_key_only: bool,
) -> Result<Arc<Keys>, Trouble> {
    if app.keys().caller(kind.scheme(), id).is_some() {
        // Said before a second of work; the rule has the last word.
        return Err(change::taken(kind, id).into());
    }
    let (now, clock) = (real_now(), app.now().await?);
    let authority = app.keys().tls_authority()?;
    let owner = id.to_owned();
    let made = making(move || {
        let pair = rsa_keys()?;
        let authority = &authority;
        let mint = Mint {
            authority,
            now,
            clock,
        };
        mint.caller(kind, &owner, &pair)
    });
    let (made, id) = (made.await?, id.to_owned());
    let rule = move |book: &mut _| {
        change::add_caller(book, kind, &id, &made)?;
        match public_key_only {
            true => change::set_public_key_only(book, &id, true),
            false => Ok(()),
        }
    };
    Ok(app.current.change_keys(rule).await??)
}

/// What a merchant console would hand out: the members of `credentials.json`,
/// and the files under their names.
fn handed_out(app: &App, keys: &Keys, kind: CallerKind, id: &str) -> Result<Value, Trouble> {
    let mut answer = json!({"base_url": app.base_url});
    let mut put = |members: Value, files: &[(&'static str, &str)]| {
        add(&mut answer, members);
        for (name, text) in files {
            add(&mut answer, json!({ *name: text }));
        }
    };
    match kind {
        CallerKind::Merchant => {
            let own = MerchantCredentials::of(keys, id)?;
            put(own.members(), &own.files());
        }
        CallerKind::Brand => {
            let own = BrandCredentials::of(keys, id)?;
            put(own.members(), &own.files());
        }
    }
    if keys
        .caller(kind.scheme(), id)
        .is_some_and(|caller| caller.is_public_key_only())
        && let Some(members) = answer.as_object_mut()
    {
        members.retain(|name, _| !matches!(&**name, "platform_serial_no" | "wechatpay_cert.pem"));
    }
    if app.base_url.starts_with("https:") {
        let authority = keys.tls_authority()?;
        add(&mut answer, json!({"ca.pem": authority.certificate_pem()}));
    }
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MerchantSettings {
    public_key_only: bool,
}

async fn set_merchant(
    State(app): State<Arc<App>>,
    Path(mchid): Path<String>,
    Body(MerchantSettings { public_key_only }): Body<MerchantSettings>,
) -> Result<Json<Value>, Trouble> {
    let kind = CallerKind::Merchant;
    let id = mchid.clone();
    let rule = move |book: &mut _| change::set_public_key_only(book, &id, public_key_only);
    let keys = app.current.change_keys(rule).await??;
    shown(&app, &keys, kind, &mchid).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCertificate {
    /// A request (PKCS#10) for the caller's own key.
    csr: Option<String>,
    /// The caller's own public key.
    public_key: Option<String>,
}

impl NewCertificate {
    /// The key that was brought; `None` if one is to be made.
    fn subject(&self) -> Result<Option<Subject>, Trouble> {
        let (member, subject) = match (&self.csr, &self.public_key) {
            (None, None) => return Ok(None),
            (Some(pem), None) => ("csr", Subject::from_csr(pem)),
            (None, Some(pem)) => ("public_key", Subject::from_public_key(pem)),
            (Some(_), Some(_)) => {
                return Err(Trouble::param("csr: give it or public_key, not both"));
            }
        };
        subject
            .map(Some)
            .map_err(|error| Trouble::param(format!("{member}: {error}")))
    }
}

async fn add_certificate(
    app: Arc<App>,
    kind: CallerKind,
    id: String,
    brought: NewCertificate,
) -> Result<Json<Value>, Trouble> {
    let brought = brought.subject()?;
    let is_known = |keys: &Keys| keys.caller(kind.scheme(), &id).is_some();
    let keys = app.current.keys_having(is_known).await?;
    if !is_known(&keys) {
        return Err(change::unknown(kind, &id).into());
    }
    let (now, clock) = (real_now(), app.now().await?);
    let authority = keys.tls_authority()?;
    let owner = id.clone();
    let made = making(move || {
        let subject = match brought {
            Some(subject) => subject,
            None => {
                let [key] = rsa_keys()?;
                Subject::from(&key)
            }
        };
        let authority = &authority;
        let mint = Mint {
            authority,
            now,
            clock,
        };
        mint.api_certificate(kind, &owner, &subject)
    });
    let made = made.await?;
    let (owner, new) = (id.clone(), made.clone());
    let rule = move |book: &mut _| change::add_certificate(book, kind, &owner, new.clone());
    let keys = app.current.change_keys(rule).await??;
    let mut answer = match made.secret.is_empty() {
        true => json!({ kind.item(): id }),
        // Where a seed named the caller, or the first answer was lost, nobody
        // has its other keys.
        false => {
            let mut all = handed_out(&app, &keys, kind, &id)?;
            add(&mut all, json!({"apiclient_key.pem": *made.secret}));
            all
        }
    };
    let certificate = json!({
        "serial_no": made.id,
        "apiclient_cert.pem": made.certificate_pem,
    });
    add(&mut answer, certificate);
    Ok(Json(answer))
}

async fn revoke_certificate(
    app: Arc<App>,
    kind: CallerKind,
    (id, serial_no): (String, String),
) -> Result<Json<Value>, Trouble> {
    let owner = id.clone();
    let rule = move |book: &mut _| change::revoke_certificate(book, kind, &owner, &serial_no);
    let keys = app.current.change_keys(rule).await??;
    shown(&app, &keys, kind, &id).await
}

/// One row of the list.
async fn shown(app: &App, keys: &Keys, kind: CallerKind, id: &str) -> Result<Json<Value>, Trouble> {
    let caller = keys
        .caller(kind.scheme(), id)
        .ok_or_else(|| change::unknown(kind, id))?;
    Ok(Json(row(caller, &app.store.grants().await?)))
}

/// The number that was given, or one of ten digits.
fn number(kind: CallerKind, given: Option<String>) -> Result<String, Trouble> {
    let Some(id) = given else {
        let digits = random_digits(8).map_err(crate::keys::KeysError::from)?;
        return Ok(format!("19{digits}"));
    };
    let checked = CallerKind::check_number(&id);
    checked.map_err(|issue| Trouble::param(format!("{}: {issue}", kind.item())))?;
    Ok(id)
}

impl From<CredentialsError> for Trouble {
    fn from(error: CredentialsError) -> Self {
        tracing::error!(%error, "credentials could not be handed out");
        Refusal::system_error().into()
    }
}
