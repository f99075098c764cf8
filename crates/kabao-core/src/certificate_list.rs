//! The answer of `GET /v3/certificates`.

use serde::{Deserialize, Serialize};

use crate::{
    certificate::{Certificate, CertificateError},
    resource::{AEAD_AES_256_GCM, EncryptedResource, ResourceError},
    secret::ApiV3Key,
};

/// Path of the certificate download.
pub const PATH: &str = "/v3/certificates";

/// What the encrypted certificates are bound to.
pub const ASSOCIATED_DATA: &str = "certificate";

/// The platform certificates, each encrypted with the merchant's APIv3 key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificateList {
    /// One certificate, two during a rotation.
    pub data: Vec<ListedCertificate>,
}

/// One entry of the list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ListedCertificate {
    /// Upper-case hex.
    pub serial_no: String,
    /// RFC 3339. For people: the certificate itself says when it is in force.
    #[serde(default)]
    pub effective_time: String,
    /// RFC 3339; see `effective_time`.
    #[serde(default)]
    pub expire_time: String,
    /// A PEM certificate inside.
    pub encrypt_certificate: EncryptedResource,
}

impl CertificateList {
    /// Opens every certificate of the list; entries of another suite than RSA
    /// are passed over.
    ///
    /// This is what gives trust in the first download: only WeChat Pay knows the
    /// key. The answer's own signature is then checked with what was inside.
    ///
    /// # Errors
    /// [`CertificateListError`] names the entry that failed.
    pub fn open(&self, key: &ApiV3Key) -> Result<Vec<Certificate>, CertificateListError> {
        self.data
            .iter()
            .filter(|entry| entry.encrypt_certificate.algorithm == AEAD_AES_256_GCM)
            .map(|entry| entry.open(key))
            .collect()
    }
}

impl ListedCertificate {
    fn open(&self, key: &ApiV3Key) -> Result<Certificate, CertificateListError> {
        let serial_no = || self.serial_no.clone();
        let pem =
            self.encrypt_certificate
                .open(key)
                .map_err(|source| CertificateListError::Sealed {
                    serial_no: serial_no(),
                    source,
                })?;
        Certificate::from_pem(&*pem).map_err(|source| CertificateListError::Certificate {
            serial_no: serial_no(),
            source,
        })
    }
}

/// A certificate of the list could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateListError {
    /// It does not open; most often the APIv3 key is not the merchant's.
    #[error("certificate {serial_no} of the list does not open")]
    Sealed {
        /// The entry.
        serial_no: String,
        /// Why.
        source: ResourceError,
    },
    /// It opens to something that is not a certificate.
    #[error("entry {serial_no} of the list is not a certificate")]
    Certificate {
        /// The entry.
        serial_no: String,
        /// Why.
        source: CertificateError,
    },
}
