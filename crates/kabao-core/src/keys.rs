//! RSA keys, parsed once: signing and opening with the private half, verifying
//! and sealing with the public one.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::{
        KeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
        PrivateDecryptingKey, PublicEncryptingKey, PublicKey as RsaPublicKey,
    },
    signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustls_pki_types::pem::SectionKind;
use zeroize::Zeroizing;

use crate::{
    certificate::{Certificate, CertificateError},
    signature::{SignError, Signer, Signing, Suite, Verifier},
};

/// An RSA private key: a caller's, or in the sandbox the platform's.
///
/// `Debug` shows nothing of it, and the parsed key is wiped when the last clone
/// is dropped. Cloning is cheap.
///
/// ```
/// use kabao_core::PrivateKey;
///
/// let error = PrivateKey::from_pem("-----BEGIN CERTIFICATE-----\n").unwrap_err();
/// assert!(error.to_string().contains("BEGIN PRIVATE KEY"), "{error}");
/// ```
#[derive(Clone)]
pub struct PrivateKey(Arc<PrivateParts>);

struct PrivateParts {
    signing: KeyPair,
    opening: OaepPrivateDecryptingKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads `apiclient_key.pem`: PKCS#8 (`BEGIN PRIVATE KEY`) or PKCS#1
    /// (`BEGIN RSA PRIVATE KEY`).
    ///
    /// # Errors
    /// [`KeyError`] says what the text is instead, or why the key was refused.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        const WANTED: &str = "a private key (`BEGIN PRIVATE KEY` or `BEGIN RSA PRIVATE KEY`)";
        let (kind, der) = section(pem.as_ref(), WANTED)?;
        let pair = match kind {
            SectionKind::PrivateKey => KeyPair::from_pkcs8(&der),
            SectionKind::RsaPrivateKey => KeyPair::from_der(&der),
            other => return Err(KeyError::wrong_kind(other, WANTED)),
        };
        Self::from_pair(pair.map_err(|rejected| KeyError::Rejected {
            reason: rejected.to_string(),
        })?)
    }

    /// Makes a new 2048-bit key.
    ///
    /// # Errors
    /// [`KeyError::Rejected`] if the system gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        Self::from_pair(KeyPair::generate(KeySize::Rsa2048).map_err(KeyError::unspecified)?)
    }

    /// The key as PKCS#8 PEM, the form of `apiclient_key.pem`.
    ///
    /// # Errors
    /// [`KeyError::Rejected`] if it cannot be encoded.
    pub fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let der =
            AsDer::<Pkcs8V1Der<'_>>::as_der(&self.0.signing).map_err(KeyError::unspecified)?;
        Ok(pem_text("PRIVATE KEY", der.as_ref()))
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }

    /// Signs in place: RSA PKCS#1 v1.5 with SHA-256, about 0.3 ms of one core.
    ///
    /// # Errors
    /// [`SignError`] if the cryptographic library refuses.
    pub fn sign_now(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let pair = &self.0.signing;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )
        .map_err(|_| SignError::new("the RSA key could not sign"))?;
        Ok(signature)
    }

    /// Opens one RSA-OAEP block; `None` if it was not made for this key.
    pub(crate) fn open_block(&self, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let key = &self.0.opening;
        let mut room = Zeroizing::new(vec![0; key.min_output_size()]);
        let length = key
            .decrypt(&OAEP_SHA1_MGF1SHA1, ciphertext, &mut room, None)
            .ok()?
            .len();
        room.truncate(length);
        Some(room)
    }

    fn from_pair(signing: KeyPair) -> Result<Self, KeyError> {
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&signing).map_err(KeyError::unspecified)?;
        let opening = PrivateDecryptingKey::from_pkcs8(der.as_ref())
            .map_err(|rejected| KeyError::Rejected {
                reason: rejected.to_string(),
            })
            .and_then(|key| OaepPrivateDecryptingKey::new(key).map_err(KeyError::unspecified))?;
        let public = PublicKey::from_rsa(signing.public_key())?;
        Ok(Self(Arc::new(PrivateParts {
            signing,
            opening,
            public,
        })))
    }
}

impl Signer for PrivateKey {
    fn suite(&self) -> Suite {
        Suite::Rsa2048Sha256
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> Signing<'a> {
        Box::pin(std::future::ready(self.sign_now(message)))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// An RSA public key: WeChat Pay's, or in the sandbox a caller's.
#[derive(Clone)]
pub struct PublicKey(Arc<PublicParts>);

struct PublicParts {
    spki: Vec<u8>,
    verifying: ParsedPublicKey,
    sealing: OaepPublicEncryptingKey,
}

impl PublicKey {
    /// Reads `pub_key.pem`: SPKI (`BEGIN PUBLIC KEY`), PKCS#1
    /// (`BEGIN RSA PUBLIC KEY`), or the key inside a certificate.
    ///
    /// # Errors
    /// [`KeyError`] says what the text is instead, or why the key was refused.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        const WANTED: &str = "a public key (`BEGIN PUBLIC KEY`) or a certificate";
        let pem = pem.as_ref();
        if let Some(der) = labelled(pem, "RSA PUBLIC KEY")? {
            return Self::from_der(&der);
        }
        let (kind, der) = section(pem, WANTED)?;
        match kind {
            SectionKind::PublicKey => Self::from_der(&der),
            SectionKind::Certificate => Ok(Certificate::from_der(&der)?.public_key()?),
            other => Err(KeyError::wrong_kind(other, WANTED)),
        }
    }

    /// Reads a DER-encoded `SubjectPublicKeyInfo` or PKCS#1 `RSAPublicKey`.
    ///
    /// # Errors
    /// [`KeyError::Rejected`] if it is not an RSA key of 2048 to 8192 bits.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let key = RsaPublicKey::from_der(der).map_err(|rejected| KeyError::Rejected {
            reason: rejected.to_string(),
        })?;
        Self::from_rsa(&key)
    }

    /// The key as SPKI PEM, the form of `pub_key.pem`.
    #[must_use]
    pub fn to_spki_pem(&self) -> String {
        pem_text("PUBLIC KEY", &self.0.spki).to_string()
    }

    /// The key as DER-encoded `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki
    }

    /// How many bytes one sealed value may hold: 214 for a 2048-bit key.
    #[must_use]
    pub fn seal_limit(&self) -> usize {
        self.0.sealing.max_plaintext_size(&OAEP_SHA1_MGF1SHA1)
    }

    /// One RSA-OAEP block; `None` if `plaintext` is longer than
    /// [`seal_limit`](Self::seal_limit).
    pub(crate) fn seal_block(&self, plaintext: &[u8]) -> Option<Vec<u8>> {
        let key = &self.0.sealing;
        let mut block = vec![0; key.ciphertext_size()];
        key.encrypt(&OAEP_SHA1_MGF1SHA1, plaintext, &mut block, None)
            .ok()?;
        Some(block)
    }

    fn from_rsa(key: &RsaPublicKey) -> Result<Self, KeyError> {
        let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(key)
            .map_err(KeyError::unspecified)?
            .as_ref()
            .to_vec();
        let rejected = |reason: aws_lc_rs::error::KeyRejected| KeyError::Rejected {
            reason: reason.to_string(),
        };
        let verifying =
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &spki).map_err(rejected)?;
        let sealing = PublicEncryptingKey::from_der(&spki)
            .map_err(rejected)
            .and_then(|key| OaepPublicEncryptingKey::new(key).map_err(KeyError::unspecified))?;
        Ok(Self(Arc::new(PublicParts {
            spki,
            verifying,
            sealing,
        })))
    }
}

impl Verifier for PublicKey {
    fn suite(&self) -> Suite {
        Suite::Rsa2048Sha256
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verifying.verify_sig(message, signature).is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey(RSA, {} bytes of SPKI)", self.0.spki.len())
    }
}

/// A key could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no PEM section at all; perhaps the path is another file's.
    #[error("no PEM section found, expected {wanted}")]
    NotPem {
        /// What would have been right.
        wanted: &'static str,
    },
    /// The PEM section is cut short or its base64 is damaged.
    #[error("damaged PEM, expected {wanted}")]
    BadPem {
        /// What would have been right.
        wanted: &'static str,
    },
    /// The PEM section holds something else.
    #[error("this is {found}, expected {wanted}")]
    WrongKind {
        /// What the section holds.
        found: &'static str,
        /// What would have been right.
        wanted: &'static str,
    },
    /// The key needs a password, which kabao does not ask for.
    #[error(
        "the private key is encrypted; decrypt it first, for example with `openssl pkcs8 -in KEY -out PLAIN_KEY`"
    )]
    Encrypted,
    /// The bytes are not an RSA key of 2048 to 8192 bits.
    #[error("not a usable RSA key, which has 2048 to 8192 bits: {reason}")]
    Rejected {
        /// The cryptographic library's word for it.
        reason: String,
    },
    /// The certificate around the key could not be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl KeyError {
    fn wrong_kind(found: SectionKind, wanted: &'static str) -> Self {
        let found = match found {
            SectionKind::Certificate => "a certificate",
            SectionKind::PublicKey => "a public key",
            SectionKind::RsaPrivateKey | SectionKind::PrivateKey => "a private key",
            SectionKind::EcPrivateKey => "an elliptic-curve private key",
            _ => "something else",
        };
        Self::WrongKind { found, wanted }
    }

    fn unspecified(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Rejected {
            reason: "refused by the cryptographic library".into(),
        }
    }
}

/// The first PEM section that is a key or a certificate.
pub(crate) fn section(
    pem: &[u8],
    wanted: &'static str,
) -> Result<(SectionKind, Zeroizing<Vec<u8>>), KeyError> {
    // Some editors put a byte order mark in front.
    let pem = pem.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(pem);
    let text = String::from_utf8_lossy(pem);
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    let mut rest = pem;
    match rustls_pki_types::pem::from_buf(&mut rest) {
        Ok(Some((kind, der))) => Ok((kind, Zeroizing::new(der))),
        Ok(None) if text.contains("-----BEGIN") => Err(KeyError::BadPem { wanted }),
        Ok(None) => Err(KeyError::NotPem { wanted }),
        Err(_) => Err(KeyError::BadPem { wanted }),
    }
}

/// The body of a section whose label the PEM reader does not know.
fn labelled(pem: &[u8], label: &str) -> Result<Option<Vec<u8>>, KeyError> {
    let Ok(text) = std::str::from_utf8(pem) else {
        return Ok(None);
    };
    let Some((_, rest)) = text.split_once(&format!("-----BEGIN {label}-----")) else {
        return Ok(None);
    };
    let body: Option<String> = rest
        .split_once(&format!("-----END {label}-----"))
        .map(|(body, _)| body.split_whitespace().collect());
    body.and_then(|body| STANDARD.decode(body).ok())
        .map(Some)
        .ok_or(KeyError::BadPem {
            wanted: "a public key (`BEGIN RSA PUBLIC KEY`)",
        })
}

/// PEM text of a DER block, lines of 64 characters.
fn pem_text(label: &str, der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(body.len() * 66 / 64 + 80));
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, tail) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = tail;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}
