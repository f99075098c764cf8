//! The sandbox's certificate authority: it certifies the keys of callers and of
//! the platform, and the name of the TLS server.

use std::time::Duration;

use aws_lc_rs::rand;
use jiff::Timestamp;
use kabao_core::{
    PrivateKey, PublicKey,
    certificate::{Certificate, CertificateError},
    keys::KeyError,
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_RSA_SHA256, PublicKeyData, SerialNumber, SignatureAlgorithm,
    date_time_ymd,
};
use x509_cert::{
    der::Decode as _,
    spki::{self, SubjectPublicKeyInfoOwned},
};
use zeroize::Zeroizing;

const DAY: u64 = 24 * 60 * 60;

/// How long certificates of callers and the platform are in force.
pub(super) const FIVE_YEARS: Duration = Duration::from_secs((5 * 365 + 1) * DAY);
/// The authority outlives what it certifies.
const TEN_YEARS: Duration = Duration::from_secs((10 * 365 + 2) * DAY);

/// The authority of one sandbox. Its certificate is `ca.pem` of the credentials.
#[derive(Debug, Clone)]
pub struct Authority {
    certificate_pem: String,
    key: PrivateKey,
}

impl Authority {
    /// Makes a new authority around a key.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn new(key: PrivateKey, now: Timestamp) -> Result<Self, IssueError> {
        let signing = rcgen_pair(&key)?;
        let mut params = authority_params();
        put_in_force(&mut params, now, later(now, TEN_YEARS));
        params.serial_number = Some(serial()?);
        let certificate = params.self_signed(&signing)?;
        Ok(Self {
            certificate_pem: certificate.pem(),
            key,
        })
    }

    /// The authority as it was stored.
    #[must_use]
    pub fn stored(certificate_pem: String, key: PrivateKey) -> Self {
        Self {
            certificate_pem,
            key,
        }
    }

    /// Its own certificate.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Its private key.
    #[must_use]
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// Certifies a key under `common_name`, with a serial of 40 hexadecimal
    /// digits, from real time `now` on until five years after the later of that
    /// and `clock`, the sandbox's own: clients go by the one, the sandbox by the
    /// other.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn certify(
        &self,
        key: &PublicKey,
        common_name: &str,
        organization: &str,
        now: Timestamp,
        clock: Timestamp,
    ) -> Result<IssuedCertificate, IssueError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = name(common_name, organization);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::DataEncipherment,
        ];
        put_in_force(&mut params, now, later(now.max(clock), FIVE_YEARS));
        let pem = self.sign(params, &Certified::new(key)?)?.pem();
        let certificate = Certificate::from_pem(&pem)?;
        Ok(IssuedCertificate { pem, certificate })
    }

    /// Issues what `params` ask for, with a serial of its own.
    pub(crate) fn sign(
        &self,
        mut params: CertificateParams,
        key: &impl PublicKeyData,
    ) -> Result<rcgen::Certificate, IssueError> {
        params.serial_number = Some(serial()?);
        params.use_authority_key_identifier_extension = true;
        let issuer = Issuer::new(authority_params(), rcgen_pair(&self.key)?);
        Ok(params.signed_by(key, &issuer)?)
    }
}

/// A certificate, and what it says.
#[derive(Debug, Clone)]
pub struct IssuedCertificate {
    /// `BEGIN CERTIFICATE`.
    pub pem: String,
    /// Serial and validity.
    pub certificate: Certificate,
}

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The key to certify or to sign with was refused.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The certificate could not be encoded or signed.
    #[error("a certificate could not be made")]
    Certificate(#[from] rcgen::Error),
    /// The key to certify is not laid out as keys are.
    #[error("the key to certify cannot be read")]
    Spki(#[from] spki::Error),
    /// What was made does not read back.
    #[error(transparent)]
    Unreadable(#[from] CertificateError),
    /// No serial could be drawn.
    #[error("the system gives no randomness for a serial number")]
    NoRandomness,
}

/// Puts a certificate in force.
pub(crate) fn put_in_force(params: &mut CertificateParams, begin: Timestamp, end: Timestamp) {
    let at = |time: Timestamp| {
        let since_1970 = u64::try_from(time.as_second()).unwrap_or_default();
        date_time_ymd(1970, 1, 1) + Duration::from_secs(since_1970)
    };
    (params.not_before, params.not_after) = (at(begin), at(end));
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// A public key as rcgen takes it.
struct Certified(SubjectPublicKeyInfoOwned);

impl Certified {
    fn new(key: &PublicKey) -> Result<Self, IssueError> {
        let info = SubjectPublicKeyInfoOwned::from_der(key.spki_der());
        Ok(Self(info.map_err(spki::Error::from)?))
    }
}

impl PublicKeyData for Certified {
    fn der_bytes(&self) -> &[u8] {
        self.0.subject_public_key.raw_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name("kabao sandbox local authority", "kabao sandbox");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn name(common_name: &str, organization: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, "CN");
    name.push(DnType::OrganizationName, organization);
    name.push(DnType::CommonName, common_name);
    name
}

/// 20 bytes whose first digit is 1 to 7: software that drops leading zeros, or
/// puts a zero byte before a set top bit, then still writes 40 digits.
fn serial() -> Result<SerialNumber, IssueError> {
    let mut bytes = [0; 20];
    rand::fill(&mut bytes).map_err(|_| IssueError::NoRandomness)?;
    bytes[0] = 0x10 + bytes[0] % 0x70;
    Ok(SerialNumber::from_slice(&bytes))
}

fn rcgen_pair(key: &PrivateKey) -> Result<KeyPair, IssueError> {
    let pem: Zeroizing<String> = key.to_pkcs8_pem()?;
    Ok(KeyPair::from_pkcs8_pem_and_sign_algo(
        &pem,
        &PKCS_RSA_SHA256,
    )?)
}
