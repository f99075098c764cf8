//! What the real merchant console hands out, as values and as a folder of files
//! under the same names.

mod keep;

use std::{
    fmt, fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use kabao_core::{keys::KeyError, signature::Scheme};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    folder::private_folder,
    keys::{Authority, Keys},
    sample,
    store::Contents,
    vault::system_error,
};

pub(crate) use keep::keep;

const IDS: &str = "credentials.json";

/// All that a program needs to call a sandbox: the sample merchant's and the
/// sample brand's keys, and the ids of the sample data.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// Where the sandbox listens.
    pub base_url: String,
    /// The service provider.
    pub merchant: MerchantCredentials,
    /// The brand that it serves.
    pub brand: BrandCredentials,
    /// The brand's template.
    pub card_id: String,
    /// The member.
    pub openid: String,
    /// The member's card.
    pub user_card_code: String,
    /// The authority to trust, with TLS.
    pub ca_pem: Option<String>,
}

/// A merchant's.
#[derive(Clone)]
pub struct MerchantCredentials {
    /// The merchant's number.
    pub mchid: String,
    /// Serial of its certificate.
    pub serial_no: String,
    /// `apiclient_key.pem`.
    pub private_key_pem: Zeroizing<String>,
    /// `apiclient_cert.pem`.
    pub certificate_pem: String,
    /// The APIv3 key.
    pub apiv3_key: Zeroizing<String>,
    /// `PUB_KEY_ID_…`.
    pub wechatpay_public_key_id: String,
    /// `pub_key.pem`.
    pub wechatpay_public_key_pem: String,
    /// Serial of the platform certificate.
    pub platform_serial_no: String,
    /// `wechatpay_cert.pem`.
    pub platform_certificate_pem: String,
}

/// A brand's.
#[derive(Clone)]
pub struct BrandCredentials {
    /// The brand's number.
    pub brand_id: String,
    /// Serial of its certificate.
    pub serial_no: String,
    /// `brand/apiclient_key.pem`.
    pub private_key_pem: Zeroizing<String>,
    /// `brand/apiclient_cert.pem`.
    pub certificate_pem: String,
    /// The brand's API key.
    pub api_key: Zeroizing<String>,
    /// `PUB_KEY_ID_…`.
    pub wechatpay_public_key_id: String,
    /// `brand/pub_key.pem`.
    pub wechatpay_public_key_pem: String,
}

impl Credentials {
    /// Those of the sample merchant and brand; `authority` if the sandbox
    /// speaks TLS.
    ///
    /// # Errors
    /// [`CredentialsError::Missing`] if the store lacks one of their keys.
    pub fn of(
        keys: &Keys,
        base_url: impl Into<String>,
        authority: Option<&Authority>,
    ) -> Result<Self, CredentialsError> {
        Ok(Self {
            base_url: base_url.into(),
            merchant: MerchantCredentials::of(keys, sample::MCHID)?,
            brand: BrandCredentials::of(keys, sample::BRAND_ID)?,
            card_id: sample::CARD_ID.into(),
            openid: sample::OPENID.into(),
            user_card_code: sample::USER_CARD_CODE.into(),
            ca_pem: authority.map(|authority| authority.certificate_pem().to_owned()),
        })
    }

    /// Names the first card of the sample brand among these, instead of the
    /// sample member's.
    pub(crate) fn name_card_of(&mut self, contents: &Contents) {
        let mut cards = contents.user_cards.iter();
        if let Some(card) = cards.find(|card| card.id.brand_id == self.brand.brand_id) {
            self.card_id.clone_from(&card.id.card_id);
            self.openid.clone_from(&card.openid);
            self.user_card_code.clone_from(&card.id.user_card_code);
        }
    }

    /// Writes them into a folder that only its owner can read. Each file is
    /// complete whenever it can be seen, and `credentials.json` comes last.
    ///
    /// What a sandbox wrote is replaced: its `credentials.json` names this
    /// merchant and this brand. Files of the same names without that are left
    /// alone, for they may be the keys of a real merchant.
    ///
    /// # Errors
    /// [`CredentialsError::Write`] and [`CredentialsError::Foreign`] name the file.
    pub fn write(&self, folder: &Path) -> Result<(), CredentialsError> {
        let brand_folder = folder.join("brand");
        let merchant = self.merchant.files();
        let merchant = merchant.map(|(name, text)| (folder, name, text));
        let brand = self.brand.files();
        let brand = brand.map(|(name, text)| (&*brand_folder, name, text));
        let authority = self.ca_pem.as_deref().map(|pem| (folder, "ca.pem", pem));
        let files = merchant.into_iter().chain(brand).chain(authority);
        let is_own = self.are_named_in(&folder.join(IDS));
        if !is_own {
            // Of a first start that was cut short the files are these.
            let mut names = files.clone().map(|(at, name, text)| (at.join(name), text));
            let other = names.find(|(path, text)| is_other(path, text));
            let other = other.map(|(path, _)| path);
            let ids = || Some(folder.join(IDS)).filter(|path| is_there(path));
            if let Some(path) = other.or_else(ids) {
                return Err(CredentialsError::Foreign { path });
            }
        }
        for path in [folder, &brand_folder] {
            private_folder(path).map_err(|source| CredentialsError::write(path, source))?;
        }
        for (at, name, text) in files {
            write_private(at, name, text)?;
        }
        if is_own && self.ca_pem.is_none() {
            remove(&folder.join("ca.pem"))?;
        }
        write_private(folder, IDS, &self.to_json())
    }

    fn are_named_in(&self, ids: &Path) -> bool {
        let text = fs::read(ids).map(Zeroizing::new).unwrap_or_default();
        let ids: Value = serde_json::from_slice(&text).unwrap_or_default();
        let is = |pointer, own: &str| ids.pointer(pointer).and_then(Value::as_str) == Some(own);
        is("/mchid", &self.merchant.mchid) && is("/brand/brand_id", &self.brand.brand_id)
    }

    fn to_json(&self) -> Zeroizing<String> {
        let mut json = json!({"base_url": self.base_url});
        add(&mut json, self.merchant.members());
        add(
            &mut json,
            json!({
                "brand_id": self.brand.brand_id,
                "card_id": self.card_id,
                "openid": self.openid,
                "brand": self.brand.members(),
            }),
        );
        Zeroizing::new(format!("{json:#}\n"))
    }
}

/// Puts an object's members behind those of another.
pub(crate) fn add(object: &mut Value, more: Value) {
    if let (Value::Object(object), Value::Object(more)) = (object, more) {
        object.extend(more);
    }
}

impl MerchantCredentials {
    /// Those of the merchant's newest certificate.
    ///
    /// # Errors
    /// [`CredentialsError::Missing`] if the store lacks one of its keys.
    pub(crate) fn of(keys: &Keys, mchid: &str) -> Result<Self, CredentialsError> {
        let parts = CallerParts::of(keys, Scheme::Wechatpay2Sha256Rsa2048, mchid)?;
        // Of the whole platform: the folder holds it even if the merchant is set
        // to do without.
        let platform = keys.platform_certificates().iter().find_map(|signer| {
            let (pem, _) = signer.certificate.as_ref()?;
            Some((signer.id.to_string(), pem.clone()))
        });
        let (platform_serial_no, platform_certificate_pem) =
            platform.ok_or_else(|| CredentialsError::missing(mchid, "platform certificate"))?;
        Ok(Self {
            mchid: mchid.into(),
            serial_no: parts.serial_no,
            private_key_pem: parts.private_key_pem,
            certificate_pem: parts.certificate_pem,
            apiv3_key: parts.secret,
            wechatpay_public_key_id: parts.public_key_id,
            wechatpay_public_key_pem: parts.public_key_pem,
            platform_serial_no,
            platform_certificate_pem,
        })
    }

    /// As `credentials.json` has them.
    pub(crate) fn members(&self) -> Value {
        json!({
            "mchid": self.mchid,
            "serial_no": self.serial_no,
            "apiv3_key": *self.apiv3_key,
            "wechatpay_public_key_id": self.wechatpay_public_key_id,
            "platform_serial_no": self.platform_serial_no,
        })
    }

    /// The files beside it, by name.
    pub(crate) fn files(&self) -> [(&'static str, &str); 4] {
        [
            ("apiclient_key.pem", &self.private_key_pem),
            ("apiclient_cert.pem", &self.certificate_pem),
            ("pub_key.pem", &self.wechatpay_public_key_pem),
            ("wechatpay_cert.pem", &self.platform_certificate_pem),
        ]
    }
}

impl BrandCredentials {
    /// Those of the brand's newest certificate.
    ///
    /// # Errors
    /// [`CredentialsError::Missing`] if the store lacks one of its keys.
    pub(crate) fn of(keys: &Keys, brand_id: &str) -> Result<Self, CredentialsError> {
        let parts = CallerParts::of(keys, Scheme::WechatpayBrandSha256Rsa2048, brand_id)?;
        Ok(Self {
            brand_id: brand_id.into(),
            serial_no: parts.serial_no,
            private_key_pem: parts.private_key_pem,
            certificate_pem: parts.certificate_pem,
            api_key: parts.secret,
            wechatpay_public_key_id: parts.public_key_id,
            wechatpay_public_key_pem: parts.public_key_pem,
        })
    }

    /// As `brand` of `credentials.json` has them.
    pub(crate) fn members(&self) -> Value {
        json!({
            "brand_id": self.brand_id,
            "serial_no": self.serial_no,
            "api_key": *self.api_key,
            "wechatpay_public_key_id": self.wechatpay_public_key_id,
        })
    }

    /// The files in `brand/`, by name.
    pub(crate) fn files(&self) -> [(&'static str, &str); 3] {
        [
            ("apiclient_key.pem", &self.private_key_pem),
            ("apiclient_cert.pem", &self.certificate_pem),
            ("pub_key.pem", &self.wechatpay_public_key_pem),
        ]
    }
}

impl fmt::Debug for MerchantCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MerchantCredentials")
            .field("mchid", &self.mchid)
            .field("serial_no", &self.serial_no)
            .field("wechatpay_public_key_id", &self.wechatpay_public_key_id)
            .field("platform_serial_no", &self.platform_serial_no)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BrandCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrandCredentials")
            .field("brand_id", &self.brand_id)
            .field("serial_no", &self.serial_no)
            .field("wechatpay_public_key_id", &self.wechatpay_public_key_id)
            .finish_non_exhaustive()
    }
}

/// Credentials could not be put together or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The store has no such key.
    #[error(
        "the store has no {what} for {identity}; it was made by something else, begin anew with another store"
    )]
    Missing {
        /// The mchid or brand id.
        identity: String,
        /// What is lacking.
        what: &'static str,
    },
    /// A key cannot be written as PEM.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file is there that no sandbox wrote for this merchant and brand.
    #[error(
        "{} is somebody else's and would be overwritten; choose another folder for the \
         credentials, or move that file away",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A file or folder could not be written.
    #[error("{} cannot be written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl CredentialsError {
    fn missing(identity: &str, what: &'static str) -> Self {
        Self::Missing {
            identity: identity.to_owned(),
            what,
        }
    }

    fn write(path: &Path, source: io::Error) -> Self {
        Self::Write {
            path: path.to_owned(),
            source,
        }
    }
}

/// What a merchant and a brand have in common.
struct CallerParts {
    serial_no: String,
    private_key_pem: Zeroizing<String>,
    certificate_pem: String,
    secret: Zeroizing<String>,
    public_key_id: String,
    public_key_pem: String,
}

impl CallerParts {
    fn of(keys: &Keys, scheme: Scheme, identity: &str) -> Result<Self, CredentialsError> {
        let missing = |what| CredentialsError::missing(identity, what);
        let caller = keys
            .caller(scheme, identity)
            .ok_or_else(|| missing("keys"))?;
        let mut certificates = caller.certificates.iter();
        let (certificate, private_key) = certificates
            .find_map(|own| Some((own, own.private_key.as_ref()?)))
            .ok_or_else(|| missing("certificate whose private key is here"))?;
        let public_key = caller
            .platform
            .iter()
            .find(|signer| signer.certificate.is_none())
            .ok_or_else(|| missing("WeChat Pay public key"))?;
        let secret = String::from_utf8_lossy(caller.secret.expose()).into_owned();
        Ok(Self {
            serial_no: certificate.serial_no.to_string(),
            private_key_pem: private_key.to_pkcs8_pem()?,
            certificate_pem: certificate.certificate_pem.clone(),
            secret: Zeroizing::new(secret),
            public_key_id: public_key.id.to_string(),
            public_key_pem: public_key.key.public_key().to_spki_pem(),
        })
    }
}

/// Writes a file that only its owner can read, whole or not at all.
///
/// # Errors
/// [`CredentialsError::Write`] names the file.
pub fn write_private(folder: &Path, name: &str, text: &str) -> Result<(), CredentialsError> {
    let path = folder.join(name);
    let write = || {
        // Mode 0600 from the beginning. Not synced to disk: the next start
        // writes it anew, and eight syncs would be most of the time it takes.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(&path)?;
        Ok(())
    };
    write().map_err(|source| CredentialsError::write(&path, system_error(source)))
}

/// Whether there is a file with another text, or one that cannot be read.
fn is_other(path: &Path, text: &str) -> bool {
    let found = || fs::read(path).ok().map(Zeroizing::new);
    is_there(path) && found().is_none_or(|found| *found != text.as_bytes())
}

fn is_there(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn remove(path: &Path) -> Result<(), CredentialsError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(CredentialsError::write(path, source))
        }
        _ => Ok(()),
    }
}
