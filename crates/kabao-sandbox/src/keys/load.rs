//! From stored keys to parsed ones.

use std::collections::HashMap;

use kabao_core::{
    ApiV3Key, PrivateKey,
    certificate::{Certificate, CertificateError},
    keyring::KeyId,
    keys::KeyError,
    secret::ApiV3KeyError,
    signature::Scheme,
};

use super::{
    Authority, CallerCertificate, CallerKeys, Keys, PLATFORM, PlatformSigner,
    authority::IssueError, generate::first_keys,
};
use crate::{
    clock::real_now,
    sample,
    store::{KeyPurpose, Store, StoreError, StoredKey},
};

impl Keys {
    /// Reads every key of the store.
    ///
    /// # Errors
    /// [`KeysError`] names the key that cannot be used.
    pub async fn load(store: &dyn Store) -> Result<Self, KeysError> {
        Self::parse(&store.keys().await?)
    }

    /// Reads every key of the store; a new store first gets its first keys and
    /// the sample data. Of several processes that start at once, all read the
    /// keys of the one that came first.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn load_or_create(store: &dyn Store) -> Result<Self, KeysError> {
        let mut stored = store.keys().await?;
        if stored.is_empty() {
            let made = tokio::task::spawn_blocking(|| first_keys(real_now())).await;
            let made = made.map_err(|_| KeysError::Interrupted)??;
            store.initialise(&made, &sample::contents()).await?;
            stored = store.keys().await?;
        }
        Self::parse(&stored)
    }

    /// The authority behind `--tls`.
    ///
    /// # Errors
    /// [`KeysError::Missing`] if the store has none.
    pub fn tls_authority(&self) -> Result<Authority, KeysError> {
        self.authority.clone().ok_or_else(|| KeysError::Missing {
            owner: PLATFORM.into(),
            what: "certificate authority",
        })
    }

    fn parse(stored: &[StoredKey]) -> Result<Self, KeysError> {
        let mut found = Found::default();
        for key in stored {
            found
                .take(key)
                .map_err(|reason| KeysError::unusable(key, reason))?;
        }
        found.into_keys()
    }
}

/// What has been read so far. The newest of a kind comes last in the store and
/// first in the snapshot.
#[derive(Default)]
struct Found {
    callers: HashMap<(Scheme, String), Parts>,
    platform_certificates: Vec<PlatformSigner>,
    authority: Option<Authority>,
}

#[derive(Default)]
struct Parts {
    certificates: Vec<CallerCertificate>,
    secret: Option<ApiV3Key>,
    public_keys: Vec<PlatformSigner>,
}

impl Found {
    fn take(&mut self, stored: &StoredKey) -> Result<(), Unusable> {
        let secret = stored.secret.as_bytes();
        match stored.purpose {
            KeyPurpose::MerchantApi | KeyPurpose::BrandApi => {
                let certificate = caller_certificate(stored)?;
                self.caller(stored).certificates.insert(0, certificate);
            }
            KeyPurpose::MerchantApiV3 | KeyPurpose::BrandApiKey => {
                self.caller(stored).secret = Some(ApiV3Key::new(secret)?);
            }
            KeyPurpose::WechatpayPublicKey | KeyPurpose::BrandPublicKey => {
                let signer = PlatformSigner {
                    id: KeyId::new(&*stored.id),
                    key: PrivateKey::from_pem(secret)?,
                    certificate: None,
                };
                self.caller(stored).public_keys.insert(0, signer);
            }
            KeyPurpose::PlatformCertificate => {
                let (pem, certificate) = certificate(stored)?;
                let signer = PlatformSigner {
                    id: KeyId::new(certificate.serial_no()),
                    key: PrivateKey::from_pem(secret)?,
                    certificate: Some((pem, certificate)),
                };
                self.platform_certificates.insert(0, signer);
            }
            KeyPurpose::TlsAuthority => {
                let (pem, _) = certificate(stored)?;
                self.authority = Some(Authority::stored(pem, PrivateKey::from_pem(secret)?));
            }
        }
        Ok(())
    }

    fn caller(&mut self, stored: &StoredKey) -> &mut Parts {
        let scheme = match stored.purpose {
            KeyPurpose::BrandApi | KeyPurpose::BrandApiKey | KeyPurpose::BrandPublicKey => {
                Scheme::WechatpayBrandSha256Rsa2048
            }
            _ => Scheme::Wechatpay2Sha256Rsa2048,
        };
        let name = (scheme, stored.owner.clone());
        self.callers.entry(name).or_default()
    }

    fn into_keys(self) -> Result<Keys, KeysError> {
        let certificates = self.platform_certificates;
        let callers = self.callers.into_iter().map(|((scheme, identity), parts)| {
            let mut platform = parts.public_keys;
            if scheme != Scheme::WechatpayBrandSha256Rsa2048 {
                platform.extend(certificates.iter().cloned());
            }
            Ok(CallerKeys {
                scheme,
                secret: parts.secret.ok_or_else(|| KeysError::Missing {
                    owner: identity.clone(),
                    what: "API key",
                })?,
                identity,
                certificates: parts.certificates,
                platform,
            })
        });
        let mut keys = Keys::new(callers.collect::<Result<Vec<_>, KeysError>>()?);
        keys.authority = self.authority;
        Ok(keys)
    }
}

fn caller_certificate(stored: &StoredKey) -> Result<CallerCertificate, Unusable> {
    let (certificate_pem, certificate) = certificate(stored)?;
    let private_key = PrivateKey::from_pem(stored.secret.as_bytes())?;
    Ok(CallerCertificate {
        serial_no: KeyId::new(certificate.serial_no()),
        certificate_pem,
        public_key: private_key.public_key().clone(),
        private_key,
    })
}

fn certificate(stored: &StoredKey) -> Result<(String, Certificate), Unusable> {
    let pem = stored
        .certificate_pem
        .clone()
        .ok_or(Unusable::NoCertificate)?;
    let certificate = Certificate::from_pem(&pem)?;
    Ok((pem, certificate))
}

/// Keys could not be read or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// New keys could not be made.
    #[error("the first keys could not be made")]
    Issue(#[from] IssueError),
    /// The runtime was shut down in the middle of it.
    #[error("making the first keys was interrupted")]
    Interrupted,
    /// A stored key does not parse.
    #[error("the store's key {id} ({purpose} of {owner}) cannot be used")]
    Unusable {
        /// Whose.
        owner: String,
        /// What it is for.
        purpose: &'static str,
        /// Its name.
        id: String,
        /// Why.
        source: Unusable,
    },
    /// There is no key of a kind that is needed.
    #[error("the store has no {what} for {owner}")]
    Missing {
        /// Whose it would be.
        owner: String,
        /// What is lacking.
        what: &'static str,
    },
}

impl KeysError {
    fn unusable(key: &StoredKey, source: Unusable) -> Self {
        Self::Unusable {
            owner: key.owner.clone(),
            purpose: key.purpose.as_str(),
            id: key.id.clone(),
            source,
        }
    }
}

/// Why a stored key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// Its private key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Its certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A symmetric key of another length.
    #[error(transparent)]
    ApiV3Key(#[from] ApiV3KeyError),
    /// A certified key without its certificate.
    #[error("its certificate is missing")]
    NoCertificate,
}
