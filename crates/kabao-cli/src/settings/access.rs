//! A caller's keys, read and checked against each other before anything is
//! sent.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use http::HeaderValue;
use kabao::{
    PrivateKey,
    core::{ApiV3Key, PublicKey, certificate::Certificate, keyring::KeyId},
};
use zeroize::Zeroizing;

use super::{
    permissions::readable_by_others,
    setting::Setting,
    sources::{Found, Sources},
};
use crate::problem::Problem;

/// All that it takes to call: whose name, which keys, which host.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) identity: Identity,
    pub(crate) serial_no: String,
    pub(crate) private_key: PrivateKey,
    pub(crate) wechatpay_public_key: Option<WechatpayPublicKey>,
    pub(crate) apiv3_key: Option<ApiV3Key>,
    pub(crate) base_url: Option<String>,
    pub(crate) root_certificate: Option<Vec<u8>>,
    /// Opens the control plane of a sandbox at that host.
    pub(crate) control_token: Option<HeaderValue>,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// A merchant or service provider, by its mchid.
    Merchant(String),
    /// A brand, by its brand_id.
    Brand(String),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Merchant(mchid) => write!(f, "merchant {mchid}"),
            Self::Brand(brand_id) => write!(f, "brand {brand_id}"),
        }
    }
}

/// WeChat Pay's public key with its id.
#[derive(Debug, Clone)]
pub(crate) struct WechatpayPublicKey {
    pub(crate) id: String,
    pub(crate) pem: String,
}

impl Access {
    /// Reads every setting of a caller.
    pub(crate) fn read(sources: &Sources<'_>, warnings: &mut Vec<String>) -> Result<Self, Problem> {
        let Some(identity) = caller(sources)? else {
            return Err(
                Problem::new("the caller is missing: neither mchid nor brand is set").hint(
                    format!(
                        "{}; or {} for a brand",
                        sources.how_to_set(Setting::MCHID),
                        Setting::BRAND.variable
                    ),
                ),
            );
        };
        let (private_key, key_file) = private_key(sources, warnings)?;
        let serial_no = serial_no(sources, &private_key, &key_file)?;
        let base_url = sources.find(Setting::BASE_URL).map(|found| found.text);
        let control_token = match &base_url {
            Some(url) => control_token(sources, url, warnings)?,
            None => None,
        };
        let access = Self {
            identity,
            serial_no,
            private_key,
            wechatpay_public_key: wechatpay_public_key(sources)?,
            apiv3_key: apiv3_key(sources, warnings)?,
            base_url,
            root_certificate: root_certificate(sources)?,
            control_token,
        };
        access.check_answers_can_be_verified(sources)?;
        Ok(access)
    }

    /// A merchant may download certificates with the APIv3 key; a brand has
    /// nothing but the public key.
    fn check_answers_can_be_verified(&self, sources: &Sources<'_>) -> Result<(), Problem> {
        let is_brand = matches!(self.identity, Identity::Brand(_));
        if self.wechatpay_public_key.is_some() || (self.apiv3_key.is_some() && !is_brand) {
            return Ok(());
        }
        let id = sources.how_to_set(Setting::WECHATPAY_PUBLIC_KEY_ID);
        let file = Setting::WECHATPAY_PUBLIC_KEY.variable;
        let other = if is_brand {
            String::new()
        } else {
            format!(
                ", or {} to download platform certificates",
                Setting::APIV3_KEY.variable
            )
        };
        Err(
            Problem::new("the WeChat Pay public key is missing: no answer could be verified")
                .hint(format!("{id}, with {file}{other}")),
        )
    }
}

/// The caller from one source: the environment's comes before the file's.
pub(super) fn caller(sources: &Sources<'_>) -> Result<Option<Identity>, Problem> {
    let in_environment = one_of(
        sources.in_environment(Setting::MCHID),
        sources.in_environment(Setting::BRAND),
    )?;
    match in_environment {
        Some(identity) => Ok(Some(identity)),
        None => caller_in_file(sources),
    }
}

pub(super) fn caller_in_file(sources: &Sources<'_>) -> Result<Option<Identity>, Problem> {
    one_of(
        sources.in_file(Setting::MCHID),
        sources.in_file(Setting::BRAND),
    )
}

fn one_of(mchid: Option<Found>, brand: Option<Found>) -> Result<Option<Identity>, Problem> {
    match (mchid, brand) {
        (Some(mchid), Some(brand)) => Err(Problem::new(format!(
            "two callers are set: {} and {}",
            mchid.origin, brand.origin
        ))
        .hint("a caller is a merchant (mchid) or a brand; keep the one whose keys these are")),
        (Some(mchid), None) => Ok(Some(Identity::Merchant(mchid.text))),
        (None, Some(brand)) => Ok(Some(Identity::Brand(brand.text))),
        (None, None) => Ok(None),
    }
}

/// The caller's key and the file it came from.
fn private_key(
    sources: &Sources<'_>,
    warnings: &mut Vec<String>,
) -> Result<(PrivateKey, PathBuf), Problem> {
    let found = sources.require(Setting::PRIVATE_KEY, "the caller's private key")?;
    let path = sources.path(&found);
    let pem = read(&path, "the private key", &found)?;
    let key = PrivateKey::from_pem(&pem)
        .map_err(|error| not_a_key(&path, &found, &error).hint(APICLIENT_KEY))?;
    warnings.extend(readable_by_others(&path));
    Ok((key, path))
}

/// The serial, checked against the caller's certificate if that is at hand.
fn serial_no(sources: &Sources<'_>, key: &PrivateKey, key_file: &Path) -> Result<String, Problem> {
    let given = sources.find(Setting::CERTIFICATE);
    let beside = key_file.with_file_name("apiclient_cert.pem");
    let path = match &given {
        Some(found) => sources.path(found),
        None => beside,
    };
    let certificate = match (std::fs::read(&path), &given) {
        (Ok(pem), Some(found)) => {
            Some(Certificate::from_pem(&pem).map_err(|error| not_a_key(&path, found, &error))?)
        }
        // Nobody asked for this file, so a damaged one says nothing.
        (Ok(pem), None) => Certificate::from_pem(&pem).ok(),
        (Err(error), Some(found)) => {
            return Err(Problem::unreadable("the certificate", &path, &error)
                .hint(format!("the path comes from {}", found.origin)));
        }
        (Err(_), None) => None,
    };
    let what = "the serial number of the caller's certificate";
    let serial_no =
        sources
            .require(Setting::SERIAL_NO, what)
            .map_err(|problem| match &certificate {
                Some(certificate) => problem.hint(format!(
                    "{}; the one of {} is {}",
                    sources.how_to_set(Setting::SERIAL_NO),
                    path.display(),
                    certificate.serial_no()
                )),
                None => problem,
            })?;
    if let Some(certificate) = certificate {
        check_fit(&serial_no, key, key_file, &certificate, &path)?;
    }
    Ok(serial_no.text)
}

fn check_fit(
    serial_no: &Found,
    key: &PrivateKey,
    key_file: &Path,
    certificate: &Certificate,
    path: &Path,
) -> Result<(), Problem> {
    if KeyId::new(&serial_no.text) != KeyId::new(certificate.serial_no()) {
        return Err(Problem::new(format!(
            "serial_no is {} ({}), but the certificate {} has {}",
            serial_no.text,
            serial_no.origin,
            path.display(),
            certificate.serial_no(),
        ))
        .hint("key, certificate and serial number come from one download of the API certificate"));
    }
    let certified = certificate.public_key();
    if certified.is_ok_and(|certified| certified == *key.public_key()) {
        return Ok(());
    }
    Err(Problem::new(format!(
        "the private key {} does not fit the certificate with serial {} ({})",
        key_file.display(),
        certificate.serial_no(),
        path.display(),
    ))
    .hint("take apiclient_key.pem and apiclient_cert.pem from the same download"))
}

fn wechatpay_public_key(sources: &Sources<'_>) -> Result<Option<WechatpayPublicKey>, Problem> {
    let id = sources.find(Setting::WECHATPAY_PUBLIC_KEY_ID);
    let file = sources.find(Setting::WECHATPAY_PUBLIC_KEY);
    match (id, file) {
        (None, None) => Ok(None),
        (Some(id), None) => Err(Problem::new(format!(
            "the WeChat Pay public key has an id ({}) but no file",
            id.origin
        ))
        .hint(sources.how_to_set(Setting::WECHATPAY_PUBLIC_KEY))),
        (None, Some(file)) => Err(Problem::new(format!(
            "the WeChat Pay public key has a file ({}) but no id",
            file.origin
        ))
        .hint(format!(
            "{}; the console shows it beside the key: PUB_KEY_ID_…",
            sources.how_to_set(Setting::WECHATPAY_PUBLIC_KEY_ID)
        ))),
        (Some(id), Some(file)) => {
            let path = sources.path(&file);
            let pem = read(&path, "the WeChat Pay public key", &file)?;
            PublicKey::from_pem(&pem)
                .map_err(|error| not_a_key(&path, &file, &error).hint(PUB_KEY))?;
            Ok(Some(WechatpayPublicKey {
                id: id.text,
                pem: pem.to_string(),
            }))
        }
    }
}

/// The environment holds the key itself, the file names one that holds it.
fn apiv3_key(
    sources: &Sources<'_>,
    warnings: &mut Vec<String>,
) -> Result<Option<ApiV3Key>, Problem> {
    let Some(found) = sources.find(Setting::APIV3_KEY) else {
        return Ok(None);
    };
    let key = if found.is_from_environment() {
        ApiV3Key::new(&found.text)
    } else {
        let path = sources.path(&found);
        let text = read(&path, "the APIv3 key", &found)?;
        warnings.extend(readable_by_others(&path));
        // Editors end a file with a newline; a key has none.
        ApiV3Key::new(text.trim_end_matches(['\r', '\n']))
    };
    key.map(Some).map_err(|error| {
        Problem::new(format!("the APIv3 key from {} is wrong", found.origin))
            .caused_by(&error)
            .hint("copy the 32 characters again as they were set in the merchant console")
    })
}

/// The Authorization that opens the control plane at an address, where one is
/// asked for. A profile's goes to the profile's own address and nowhere else.
pub(super) fn control_token(
    sources: &Sources<'_>,
    base_url: &str,
    warnings: &mut Vec<String>,
) -> Result<Option<HeaderValue>, Problem> {
    let in_file = || {
        let own = sources.in_file(Setting::BASE_URL)?;
        let is_own = own.text.trim_end_matches('/') == base_url.trim_end_matches('/');
        sources.in_file(Setting::CONTROL_TOKEN).filter(|_| is_own)
    };
    let in_environment = sources.in_environment(Setting::CONTROL_TOKEN);
    let Some(found) = in_environment.or_else(in_file) else {
        return Ok(None);
    };
    let origin = format!("it comes from {}", found.origin);
    let token = if found.is_from_environment() {
        Zeroizing::new(found.text)
    } else {
        let path = sources.path(&found);
        warnings.extend(readable_by_others(&path));
        read_token(&path).map_err(|problem| problem.hint(&*origin))?
    };
    let header = HeaderValue::try_from(format!("Bearer {}", &*token));
    let mut header = header.map_err(|_| {
        Problem::new("the control token has characters that no header holds").hint(&*origin)
    })?;
    header.set_sensitive(true);
    Ok(Some(header))
}

/// A control token from its file.
pub(crate) fn read_token(path: &Path) -> Result<Zeroizing<String>, Problem> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| Problem::unreadable("the control token", path, &error))?;
    // Editors end a file with a newline; a token has none.
    Ok(Zeroizing::new(
        text.trim_end_matches(['\r', '\n']).to_owned(),
    ))
}

pub(super) fn root_certificate(sources: &Sources<'_>) -> Result<Option<Vec<u8>>, Problem> {
    let Some(found) = sources.find(Setting::ROOT_CERTIFICATE) else {
        return Ok(None);
    };
    let path = sources.path(&found);
    let pem = read(&path, "the root certificate", &found)?;
    Certificate::from_pem(&pem).map_err(|error| not_a_key(&path, &found, &error))?;
    Ok(Some(pem.as_bytes().to_vec()))
}

fn read(path: &Path, what: &str, found: &Found) -> Result<Zeroizing<String>, Problem> {
    let bytes = std::fs::read(path).map_err(|error| {
        Problem::unreadable(what, path, &error)
            .hint(format!("the path comes from {}", found.origin))
    })?;
    // What is not text holds no PEM either, and whoever parses it says so.
    Ok(Zeroizing::new(String::from_utf8(bytes).unwrap_or_default()))
}

fn not_a_key(path: &Path, found: &Found, error: &dyn std::error::Error) -> Problem {
    Problem::new(format!(
        "{} ({}) cannot be used",
        path.display(),
        found.origin
    ))
    .caused_by(error)
}

const APICLIENT_KEY: &str = "the file is called apiclient_key.pem in the merchant's download";
const PUB_KEY: &str = "the file is called pub_key.pem in the merchant's download";
