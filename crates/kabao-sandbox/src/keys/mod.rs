//! The keys of everybody in the sandbox, parsed once.

mod authority;
pub(crate) mod change;
mod generate;
mod kind;
mod load;
mod migration;
mod request;

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use kabao_core::{
    ApiV3Key, PrivateKey, PublicKey, certificate::Certificate, keyring::KeyId, signature::Scheme,
};

pub(crate) use authority::put_in_force;
pub use authority::{Authority, IssueError, IssuedCertificate};
pub use generate::first_keys;
pub(crate) use generate::{Mint, random_digits, rsa_keys};
pub(crate) use kind::CallerKind;
pub use load::{KeysError, Unusable};
pub use migration::Migration;
pub(crate) use request::Subject;

/// The owner of the keys that belong to no caller.
const PLATFORM: &str = "platform";

/// A snapshot of all keys. A change makes a new one.
#[derive(Debug, Default)]
pub struct Keys {
    callers: HashMap<(Scheme, String), Arc<CallerKeys>>,
    /// Platform certificates: those that sign, newest first, and after them those
    /// that do not yet.
    certificates: Vec<PlatformSigner>,
    authority: Option<Authority>,
    /// Of the key book that it was read from.
    version: u64,
    /// For which time of the sandbox's clock it holds: no certificate goes, or
    /// begins to sign, between these, in milliseconds.
    span: Span,
}

/// Since when and until when, if there is an end to it.
pub(crate) type Span = (Option<i64>, Option<i64>);

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
    /// What answers can be signed with and requests sealed for: public keys, and
    /// after them certificates, as [`Keys::platform_certificates`] has them.
    pub platform: Vec<PlatformSigner>,
    /// Which of them signs notifications, and answers to what names no key.
    pub migration: Migration,
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
    /// The caller's private key, which only a sandbox knows; `None` if the caller
    /// made it and keeps it.
    pub private_key: Option<PrivateKey>,
    /// When it ended, if by the sandbox's clock it has.
    pub expired: Option<Timestamp>,
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
    /// When it begins to sign what names no key, by the sandbox's clock; `None` if
    /// it does so.
    pub takes_over: Option<Timestamp>,
    /// When it gives way to a newer certificate, by the sandbox's clock; `None`
    /// if that is not planned.
    pub retires: Option<Timestamp>,
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
            ..Self::default()
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

    /// The platform certificates in force: those that sign, newest first, and
    /// after them those that were only given notice of.
    #[must_use]
    pub fn platform_certificates(&self) -> &[PlatformSigner] {
        &self.certificates
    }

    /// Which version of the key book this was read from.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// What names this snapshot: another has other keys, or uses them otherwise.
    pub(crate) fn edition(&self) -> (u64, Span) {
        (self.version, self.span)
    }

    /// Whether it holds at that time of the sandbox's clock.
    pub(crate) fn holds_at(&self, now: Timestamp) -> bool {
        let (since, until) = self.span;
        let now = now.as_millisecond();
        since.is_none_or(|since| since <= now) && until.is_none_or(|until| now < until)
    }
}

impl CallerKeys {
    /// Whether `Wechatpay-Serial` must be on every request: brands have to name
    /// the public key that is tied to them.
    #[must_use]
    pub fn needs_serial(&self) -> bool {
        self.scheme == Scheme::WechatpayBrandSha256Rsa2048
    }

    /// Whether it has no platform certificates, as all brands, and merchants that
    /// join today.
    pub(crate) fn is_public_key_only(&self) -> bool {
        let mut signers = self.platform.iter();
        signers.all(|signer| signer.certificate.is_none())
    }

    /// The caller's certificate of that serial, unless it has expired.
    #[must_use]
    pub fn certificate(&self, serial_no: &KeyId) -> Option<&CallerCertificate> {
        self.certificates
            .iter()
            .find(|own| own.serial_no == *serial_no && own.expired.is_none())
    }

    /// WeChat Pay's key of that name.
    #[must_use]
    pub fn platform_key(&self, id: &KeyId) -> Option<&PlatformSigner> {
        self.platform.iter().find(|signer| signer.id == *id)
    }

    /// What an answer is signed with: the key that the request names, `None` if
    /// there is no such key. One that names none is answered by certificate until
    /// the migration is over; before it has begun, so is one that names the public
    /// key.
    #[must_use]
    pub fn answer_signer(&self, named: Option<&KeyId>) -> Option<&PlatformSigner> {
        match named {
            None => self.signer(!self.migration.is_over()),
            Some(id) => {
                let named = self.platform_key(id)?;
                match named.certificate.is_none() && self.migration.is_ahead() {
                    true => self.signer(true),
                    false => Some(named),
                }
            }
        }
    }

    /// What the next notification is signed with. During a migration they take
    /// turns.
    #[must_use]
    pub fn notification_signer(&self) -> Option<&PlatformSigner> {
        self.signer(!self.migration.takes_public_key())
    }

    /// The first of the kind, or whatever there is.
    fn signer(&self, by_certificate: bool) -> Option<&PlatformSigner> {
        let mut signers = self.platform.iter();
        signers
            .find(|signer| signer.certificate.is_some() == by_certificate)
            .or(self.platform.first())
    }
}
