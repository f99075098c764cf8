//! From stored keys to parsed ones.

use std::collections::HashMap;

use jiff::Timestamp;
use kabao_core::{
    ApiV3Key, PrivateKey,
    certificate::{Certificate, CertificateError},
    keyring::KeyId,
    keys::KeyError,
    secret::ApiV3KeyError,
    signature::Scheme,
};

use super::{
    Authority, CallerCertificate, CallerKeys, CallerKind, Keys, Migration, PLATFORM,
    PlatformSigner, authority::IssueError, change::has_come, generate::first_keys_with,
};
use crate::{
    clock::{business_time, real_now},
    sample,
    seed::{Described, Opened},
    store::{Everything, KeyBook, KeyPurpose, KeySettings, Store, StoreError, StoredKey},
};

impl Keys {
    /// Reads every key of the store that is in force by the sandbox's clock.
    ///
    /// # Errors
    /// [`KeysError`] names the key that cannot be used.
    pub async fn load(store: &dyn Store) -> Result<Self, KeysError> {
        let book = store.key_book().await?;
        Self::parse(&book, now(store).await?)
    }

    /// Reads every key of the store; a new store first gets its first keys and
    /// the sample data. Of several processes that start at once, all read the
    /// keys of the one that came first.
    ///
    /// # Errors
    /// [`KeysError`].
    pub async fn load_or_create(store: &dyn Store) -> Result<Self, KeysError> {
        let described = Described {
            contents: sample::contents(),
            ..Described::default()
        };
        Self::load_or_sow(store, &Opened::Described(Box::new(described))).await
    }

    /// The same, with another seed than the sample data.
    pub(crate) async fn load_or_sow(store: &dyn Store, seed: &Opened) -> Result<Self, KeysError> {
        let book = store.key_book().await?;
        if !book.keys.is_empty() {
            return Self::parse(&book, now(store).await?);
        }
        // Of several that start at once, one is taken.
        match seed {
            Opened::Described(seed) => {
                let (merchants, brands) = (seed.merchants.clone(), seed.brands.clone());
                let making = move || first_keys_with(&merchants, &brands, real_now());
                let made = tokio::task::spawn_blocking(making).await;
                let keys = made.map_err(|_| KeysError::Interrupted)??;
                let everything = Everything {
                    contents: seed.contents.clone(),
                    key_book: KeyBook {
                        keys,
                        settings: KeySettings::default(),
                    },
                };
                store.initialise(&everything).await?;
            }
            Opened::Snapshot(everything) => {
                store.initialise(everything).await?;
            }
        }
        Self::load(store).await
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

    fn parse(book: &KeyBook, now: Timestamp) -> Result<Self, KeysError> {
        let settings = &book.settings;
        let mut found = Found::default();
        let is_in_force = |key: &&StoredKey| !has_come(settings.retiring.get(&key.id), now);
        for key in book.keys.iter().filter(is_in_force) {
            found
                .take(key, settings, now)
                .map_err(|reason| KeysError::unusable(key, reason))?;
        }
        found.let_expired_go(now);
        let ends = std::mem::take(&mut found.ends);
        let mut keys = found.into_keys(settings)?;
        let planned = settings.retiring.values().copied().chain(ends);
        let (past, future): (Vec<_>, Vec<_>) = planned.partition(|at| has_come(Some(at), now));
        keys.span = (past.into_iter().max(), future.into_iter().min());
        Ok(keys)
    }
}

/// The sandbox's clock.
async fn now(store: &dyn Store) -> Result<Timestamp, StoreError> {
    Ok(business_time(store.clock().await?, real_now()))
}

/// What has been read so far. The newest of a kind comes last in the store and
/// first in the snapshot.
#[derive(Default)]
struct Found {
    /// When certificates end of themselves, in milliseconds.
    ends: Vec<i64>,
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
    fn take(
        &mut self,
        stored: &StoredKey,
        settings: &KeySettings,
        now: Timestamp,
    ) -> Result<(), Unusable> {
        let secret = stored.secret.as_bytes();
        match stored.purpose {
            KeyPurpose::MerchantApi | KeyPurpose::BrandApi => {
                let (pem, certificate) = certificate(stored)?;
                let end = certificate.not_after();
                self.ends.push(end.as_millisecond());
                let expired = (end <= now).then_some(end);
                let certificate = caller_certificate(stored, pem, &certificate, expired)?;
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
                    takes_over: None,
                    retires: None,
                };
                self.caller(stored).public_keys.insert(0, signer);
            }
            KeyPurpose::PlatformCertificate => {
                let (pem, certificate) = certificate(stored)?;
                self.ends.push(certificate.not_after().as_millisecond());
                let signer = PlatformSigner {
                    id: KeyId::new(certificate.serial_no()),
                    key: PrivateKey::from_pem(secret)?,
                    certificate: Some((pem, certificate)),
                    takes_over: settings
                        .takeover_ms(&stored.id)
                        .filter(|begin| !has_come(Some(begin), now))
                        .and_then(|begin| Timestamp::from_millisecond(begin).ok()),
                    retires: settings
                        .retiring
                        .get(&stored.id)
                        .and_then(|end| Timestamp::from_millisecond(*end).ok()),
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

    /// Lets platform certificates go that have expired, but never the last: somebody
    /// has to sign until another is made.
    fn let_expired_go(&mut self, now: Timestamp) {
        let serves = |signer: &PlatformSigner| {
            let certificate = signer.certificate.as_ref();
            certificate.is_none_or(|(_, own)| own.not_after() > now)
        };
        match self.platform_certificates.iter().any(serves) {
            true => self.platform_certificates.retain(serves),
            false => self.platform_certificates.truncate(1),
        }
    }

    fn caller(&mut self, stored: &StoredKey) -> &mut Parts {
        let kind = match stored.purpose {
            KeyPurpose::BrandApi | KeyPurpose::BrandApiKey | KeyPurpose::BrandPublicKey => {
                CallerKind::Brand
            }
            _ => CallerKind::Merchant,
        };
        let name = (kind.scheme(), stored.owner.clone());
        self.callers.entry(name).or_default()
    }

    fn into_keys(self, settings: &KeySettings) -> Result<Keys, KeysError> {
        let mut certificates = self.platform_certificates;
        certificates.sort_by_key(|signer| signer.takes_over.is_some());
        let callers = self.callers.into_iter().map(|((scheme, identity), parts)| {
            let mut platform = parts.public_keys;
            let mut migration = Migration::finished();
            if CallerKind::of(scheme) == CallerKind::Merchant
                && !settings.public_key_only.contains(&identity)
            {
                platform.extend(certificates.iter().cloned());
                if let Some(thousandths) = settings.migrations.get(&identity) {
                    migration = Migration::at(*thousandths);
                }
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
                migration,
            })
        });
        let mut keys = Keys::new(callers.collect::<Result<Vec<_>, KeysError>>()?);
        keys.certificates = certificates;
        keys.authority = self.authority;
        keys.version = settings.version;
        Ok(keys)
    }
}

fn caller_certificate(
    stored: &StoredKey,
    certificate_pem: String,
    certificate: &Certificate,
    expired: Option<Timestamp>,
) -> Result<CallerCertificate, Unusable> {
    let private_key = match stored.secret.is_empty() {
        true => None,
        false => Some(PrivateKey::from_pem(stored.secret.as_bytes())?),
    };
    Ok(CallerCertificate {
        serial_no: KeyId::new(certificate.serial_no()),
        certificate_pem,
        public_key: match &private_key {
            Some(key) => key.public_key().clone(),
            None => certificate.public_key()?,
        },
        private_key,
        expired,
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
    #[error("new keys could not be made")]
    Issue(#[from] IssueError),
    /// The runtime was shut down in the middle of it.
    #[error("making new keys was interrupted")]
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
