//! What a new certificate of a caller is to be about: a key pair made here, or a
//! public key whose other half the caller keeps to itself.

use kabao_core::{PrivateKey, PublicKey, keys::KeyError, signature::Verifier as _};
use rustls_pki_types::pem::{SectionKind, from_buf};
use x509_cert::{
    der::{Decode as _, Encode as _, Error as DerError},
    request::CertReq,
};

/// How long one sealed value may be under a 2048-bit key.
const SEAL_LIMIT: usize = 214;

/// The key that is certified.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) public_key: PublicKey,
    /// `None` if only the caller has it.
    pub(crate) private_key: Option<PrivateKey>,
}

impl From<&PrivateKey> for Subject {
    fn from(key: &PrivateKey) -> Self {
        Self {
            public_key: key.public_key().clone(),
            private_key: Some(key.clone()),
        }
    }
}

impl Subject {
    /// Reads a request for a certificate (PKCS#10, `BEGIN CERTIFICATE REQUEST`),
    /// as `openssl req -new` writes it. What it says beside the key is not taken
    /// over: the certificate is about the caller.
    pub(crate) fn from_csr(pem: &str) -> Result<Self, SubjectError> {
        let request = match from_buf(&mut pem.as_bytes()) {
            Ok(Some((SectionKind::Csr, der))) => CertReq::from_der(&der)?,
            _ => return Err(SubjectError::NoRequest),
        };
        let public_key = PublicKey::from_der(&request.info.public_key.to_der()?)?;
        let message = request.info.to_der()?;
        let signature = request.signature.raw_bytes();
        if !public_key.verifies(&message, signature) {
            return Err(SubjectError::Signature);
        }
        Self::of(public_key)
    }

    /// Reads a public key (SPKI or PKCS#1).
    pub(crate) fn from_public_key(pem: &str) -> Result<Self, SubjectError> {
        Self::of(PublicKey::from_pem(pem)?)
    }

    fn of(public_key: PublicKey) -> Result<Self, SubjectError> {
        if public_key.seal_limit() != SEAL_LIMIT {
            return Err(SubjectError::Length);
        }
        Ok(Self {
            public_key,
            private_key: None,
        })
    }
}

/// A key cannot be certified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubjectError {
    #[error("it is not a certificate request, expected a PEM section `BEGIN CERTIFICATE REQUEST`")]
    NoRequest,
    #[error("the certificate request is damaged: {0}")]
    Damaged(#[from] DerError),
    #[error(
        "the certificate request is not signed with its own key by RSA PKCS#1 v1.5 with SHA-256"
    )]
    Signature,
    #[error("the protocol takes RSA keys of 2048 bits, and this one has another length")]
    Length,
    #[error(transparent)]
    Key(#[from] KeyError),
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, PKCS_RSA_SHA512};

    use super::*;

    fn request(key: &PrivateKey, algorithm: &'static rcgen::SignatureAlgorithm) -> String {
        let pem = key.to_pkcs8_pem().expect("PEM");
        let pair = KeyPair::from_pkcs8_pem_and_sign_algo(&pem, algorithm).expect("a pair");
        let request = CertificateParams::default().serialize_request(&pair);
        request
            .and_then(|request| request.pem())
            .expect("a request")
    }

    #[test]
    fn the_key_of_a_request_is_taken_if_it_has_signed_it() {
        let key = PrivateKey::generate().expect("a key");
        let csr = request(&key, &PKCS_RSA_SHA256);
        let subject = Subject::from_csr(&csr).expect("a subject");
        assert_eq!(&subject.public_key, key.public_key());
        assert!(subject.private_key.is_none());

        let other = request(&key, &PKCS_RSA_SHA512);
        let error = Subject::from_csr(&other).expect_err("another digest");
        assert!(error.to_string().contains("SHA-256"), "{error}");
        for wrong in [
            "",
            "-----BEGIN CERTIFICATE REQUEST-----\n",
            &*key.public_key().to_spki_pem(),
        ] {
            let error = Subject::from_csr(wrong).expect_err(wrong).to_string();
            assert!(error.contains("BEGIN CERTIFICATE REQUEST"), "{error}");
        }
    }

    #[test]
    fn a_bare_public_key_is_taken_if_it_fits_the_protocol() {
        let key = PrivateKey::generate().expect("a key");
        let pem = key.public_key().to_spki_pem();
        let subject = Subject::from_public_key(&pem).expect("a subject");
        assert_eq!(&subject.public_key, key.public_key());
        assert!(Subject::from_public_key("none").is_err());
        let long = Subject::from_public_key(RSA_3072).expect_err("too long");
        assert!(long.to_string().contains("2048"), "{long}");
    }

    const RSA_3072: &str = "-----BEGIN PUBLIC KEY-----
MIIBojANBgkqhkiG9w0BAQEFAAOCAY8AMIIBigKCAYEAqQzAluGnjH95+mow00RF
+/8j9Tw+EzPBf8j0d0wRhrgQEQnt5Yavz9wJ84DBZnHmkF/h0ieMww17GWRBW1gE
ZNpt0sEahLO4L+HNmMHM8je0LT95dePGDFWXSeg5mAtvt7jF8a8RJTyDCEphetCF
101uNtFY7bCOi/wsD5tUE9DIDYArzo0nKLQ8GzyF3EdRYxTzxqxizHnm19jORdDT
UnEiq9JbXhR4v2pyLhm+uDpvGT8SSVMySWkYBL7Q9FXX7mhCRFc18IcL2A8QJfmu
dBy5idle04k+oyNRRqro1fwHyZ7iOHTo0BEJiuJ9ew2gZqROSJlxCs0L4r2E2sUd
TXzmBBNRMfteHiaMEJVZVEam5OHZsuyn5dmKwjCd+sWB11R0edlqImdFjPFh98YU
p1jXrbtpYisr8syckrg6Btaf/U5ZKilqCcTJj1i1E3huZ5M0j29zMNOIrjOGWgv2
0W8Kd+4gb2U/A6OUhgSSwwrcvEys3S+6yKT/F7PeR5e5AgMBAAE=
-----END PUBLIC KEY-----
";
}
