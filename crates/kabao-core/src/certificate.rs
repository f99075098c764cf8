//! X.509 certificates, as far as the protocol reads them: serial, validity, key.

use std::fmt;

use jiff::Timestamp;
use rustls_pki_types::pem::SectionKind;
use x509_cert::{
    certificate::{CertificateInner, Raw},
    der::{Decode, Encode},
};

use crate::keys::{KeyError, PublicKey, section};

/// A merchant's, a brand's or the platform's certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    serial_no: String,
    not_before: Timestamp,
    not_after: Timestamp,
    spki: Vec<u8>,
}

impl Certificate {
    /// Reads `apiclient_cert.pem` or a downloaded platform certificate.
    ///
    /// # Errors
    /// [`CertificateError`] if the text holds no certificate or a damaged one.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, CertificateError> {
        match section(pem.as_ref(), "a certificate") {
            Ok((SectionKind::Certificate, der)) => Self::from_der(&der),
            Ok(_) | Err(_) => Err(CertificateError::NotACertificate),
        }
    }

    /// Reads a DER-encoded certificate.
    ///
    /// # Errors
    /// [`CertificateError::Damaged`] if it does not parse.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        // The `Raw` profile takes serials that RFC 5280 forbids (too long,
        // negative), which exist in the field.
        let damaged = |error: x509_cert::der::Error| CertificateError::Damaged {
            reason: error.to_string(),
        };
        let certificate = CertificateInner::<Raw>::from_der(der).map_err(damaged)?;
        let fields = certificate.tbs_certificate();
        let instant = |time: x509_cert::time::Time| {
            i64::try_from(time.to_unix_duration().as_secs())
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok())
                .ok_or_else(|| CertificateError::Damaged {
                    reason: "a date is out of range".into(),
                })
        };
        Ok(Self {
            serial_no: hex_serial(fields.serial_number().as_bytes()),
            not_before: instant(fields.validity().not_before)?,
            not_after: instant(fields.validity().not_after)?,
            spki: fields.subject_public_key_info().to_der().map_err(damaged)?,
        })
    }

    /// The serial as the API writes it: upper-case hex, whole bytes, no colons.
    /// A leading zero digit stays; the zero byte that DER puts before a set top
    /// bit is not part of it.
    #[must_use]
    pub fn serial_no(&self) -> &str {
        &self.serial_no
    }

    /// Since when the certificate is in force.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Until when.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The certified key.
    ///
    /// # Errors
    /// [`KeyError`] if it is not RSA.
    pub fn public_key(&self) -> Result<PublicKey, KeyError> {
        PublicKey::from_der(&self.spki)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("serial_no", &self.serial_no)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// A certificate could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// There is no intact `BEGIN CERTIFICATE` section.
    #[error("no certificate found, expected a PEM section `BEGIN CERTIFICATE`")]
    NotACertificate,
    /// The section does not hold a certificate that parses.
    #[error("damaged certificate: {reason}")]
    Damaged {
        /// Where parsing stopped.
        reason: String,
    },
}

fn hex_serial(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let significant = match bytes {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    significant.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02X}");
        hex
    })
}
