//! The keys of everybody in the sandbox, parsed once.

mod authority;
mod generate;
mod load;

use std::{collections::HashMap, sync::Arc};

use kabao_core::{
    ApiV3Key, PrivateKey, PublicKey, certificate::Certificate, keyring::KeyId, signature::Scheme,
};

pub(crate) use authority::put_in_force;
pub use authority::{Authority, IssueError, IssuedCertificate};
pub use generate::first_keys;
pub use load::{KeysError, Unusable};

/// The owner of the keys that belong to no caller.
const PLATFORM: &str = "platform";

/// A snapshot of all keys. A change makes a new one.
#[derive(Debug, Default)]
pub struct Keys {
    callers: HashMap<(Scheme, String), Arc<CallerKeys>>,
    authority: Option<Authority>,
}

/// The keys of one caller and those that WeChat Pay uses towards it.
#[derive(Debug)]
pub struct CallerKeys {
    /// How it signs: as a merchant or as a brand.
    pub scheme: Scheme,
    /// The mchid or brand id.
    pub identity: String,
    /// The caller's own certificates, newest first.
    pub certificates: Vec<CallerCertificate>,
    /// The APIv3 key, or the brand's API key.
    pub secret: ApiV3Key,
    /// What answers can be signed with and requests sealed for, the default
    /// first.
    pub platform: Vec<PlatformSigner>,
}

/// One certificate of a caller.
#[derive(Debug)]
pub struct CallerCertificate {
    /// Its serial.
    pub serial_no: KeyId,
    /// The certificate itself.
    pub certificate_pem: String,
    /// Checks the caller's signatures and seals answers.
    pub public_key: PublicKey,
    /// The caller's private key, which only a sandbox knows.
    pub private_key: PrivateKey,
}

/// One key of WeChat Pay.
#[derive(Debug, Clone)]
pub struct PlatformSigner {
    /// Certificate serial or public key id.
    pub id: KeyId,
    /// Signs answers and opens requests.
    pub key: PrivateKey,
    /// PEM and parsed form, unless it is a bare public key.
    pub certificate: Option<(String, Certificate)>,
}

impl Keys {
    /// A snapshot of these callers.
    #[must_use]
    pub fn new(callers: impl IntoIterator<Item = CallerKeys>) -> Self {
        let callers = callers
            .into_iter()
            .map(|caller| ((caller.scheme, caller.identity.clone()), Arc::new(caller)))
            .collect();
        Self {
            callers,
            authority: None,
        }
    }

    /// The caller of that name.
    #[must_use]
    pub fn caller(&self, scheme: Scheme, identity: &str) -> Option<&Arc<CallerKeys>> {
        self.callers.get(&(scheme, identity.to_owned()))
    }

    /// Every caller, in no particular order.
    pub fn callers(&self) -> impl Iterator<Item = &Arc<CallerKeys>> {
        self.callers.values()
    }
}

impl CallerKeys {
    /// Whether `Wechatpay-Serial` must be on every request: brands have to name
    /// the public key that is tied to them.
    #[must_use]
    pub fn needs_serial(&self) -> bool {
        self.scheme == Scheme::WechatpayBrandSha256Rsa2048
    }

    /// The caller's certificate of that serial.
    #[must_use]
    pub fn certificate(&self, serial_no: &KeyId) -> Option<&CallerCertificate> {
        self.certificates
            .iter()
            .find(|certificate| certificate.serial_no == *serial_no)
    }

    /// WeChat Pay's key of that name; the default if no name is given.
    #[must_use]
    pub fn platform_signer(&self, wanted: Option<&KeyId>) -> Option<&PlatformSigner> {
        match wanted {
            None => self.platform.first(),
            Some(id) => self.platform.iter().find(|signer| signer.id == *id),
        }
    }
}
