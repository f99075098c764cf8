use std::{fmt, sync::Arc};

use kabao_core::{
    PrivateKey, PublicKey,
    certificate::Certificate,
    keyring::KeyId,
    sensitive::{OpenError, Opener, Sealed, Sensitive},
    signature::{Scheme, Signer},
};

use crate::error::{Error, ErrorKind, Result};

/// A merchant or a service provider: calls `/v3/…`.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kabao::{Merchant, PrivateKey};
///
/// let key = PrivateKey::from_pem(std::fs::read("apiclient_key.pem")?)?;
/// let merchant = Merchant::new("1900000001", "5157F09EFDC096DE15EBE81A47057A7232F1B8E1", key)
///     .certificate(std::fs::read("apiclient_cert.pem")?); // optional: checked to fit
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Merchant(Identity);

impl Merchant {
    /// `serial_no` is that of the merchant's API certificate, `key` belongs to
    /// it (`apiclient_key.pem`). The key also opens sealed values.
    pub fn new(mchid: impl Into<String>, serial_no: impl Into<String>, key: PrivateKey) -> Self {
        Self(Identity::local(
            MERCHANT,
            mchid.into(),
            serial_no.into(),
            key,
        ))
    }

    /// For a key that lives elsewhere, such as in an HSM. Sealed values stay
    /// unopened unless an [`opener`](Self::opener) is given.
    pub fn with_signer(
        mchid: impl Into<String>,
        serial_no: impl Into<String>,
        signer: Arc<dyn Signer>,
    ) -> Self {
        Self(Identity::remote(
            MERCHANT,
            mchid.into(),
            serial_no.into(),
            signer,
        ))
    }

    /// Opens sealed values in answers.
    #[must_use]
    pub fn opener(mut self, opener: Arc<dyn Opener + Send + Sync>) -> Self {
        self.0.opener = Some(opener);
        self
    }

    /// The merchant's API certificate (`apiclient_cert.pem`): building the
    /// client then fails if serial number or key do not belong to it.
    #[must_use]
    pub fn certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.0.certificate = Some(pem.as_ref().to_vec());
        self
    }
}

/// A brand that calls by itself: `/brand/…`, with a scheme, keys and limits of
/// its own. WeChat Pay's key is always a public key then.
#[derive(Debug, Clone)]
pub struct Brand(Identity);

impl Brand {
    /// `serial_no` is that of the brand's API certificate, `key` belongs to it.
    /// The key also opens sealed values.
    pub fn new(brand_id: impl Into<String>, serial_no: impl Into<String>, key: PrivateKey) -> Self {
        Self(Identity::local(
            BRAND,
            brand_id.into(),
            serial_no.into(),
            key,
        ))
    }

    /// For a key that lives elsewhere, such as in an HSM. Sealed values stay
    /// unopened unless an [`opener`](Self::opener) is given.
    pub fn with_signer(
        brand_id: impl Into<String>,
        serial_no: impl Into<String>,
        signer: Arc<dyn Signer>,
    ) -> Self {
        Self(Identity::remote(
            BRAND,
            brand_id.into(),
            serial_no.into(),
            signer,
        ))
    }

    /// Opens sealed values in answers.
    #[must_use]
    pub fn opener(mut self, opener: Arc<dyn Opener + Send + Sync>) -> Self {
        self.0.opener = Some(opener);
        self
    }

    /// The brand's API certificate (`apiclient_cert.pem`): building the client
    /// then fails if serial number or key do not belong to it.
    #[must_use]
    pub fn certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.0.certificate = Some(pem.as_ref().to_vec());
        self
    }
}

/// A [`Merchant`] or a [`Brand`].
#[derive(Debug, Clone)]
pub struct Credentials(Identity);

impl From<Merchant> for Credentials {
    fn from(merchant: Merchant) -> Self {
        Self(merchant.0)
    }
}

impl From<Brand> for Credentials {
    fn from(brand: Brand) -> Self {
        Self(brand.0)
    }
}

impl Credentials {
    pub(crate) fn check(self) -> Result<Identity> {
        self.0.check()?;
        Ok(self.0)
    }
}

/// Who signs, with what.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) scheme: Scheme,
    pub(crate) id: String,
    pub(crate) serial_no: String,
    pub(crate) signer: Arc<dyn Signer>,
    opener: Option<Arc<dyn Opener + Send + Sync>>,
    public_key: Option<PublicKey>,
    certificate: Option<Vec<u8>>,
}

impl Identity {
    fn local(scheme: Scheme, id: String, serial_no: String, key: PrivateKey) -> Self {
        Self {
            public_key: Some(key.public_key().clone()),
            opener: Some(Arc::new(key.clone())),
            ..Self::remote(scheme, id, serial_no, Arc::new(key))
        }
    }

    fn remote(scheme: Scheme, id: String, serial_no: String, signer: Arc<dyn Signer>) -> Self {
        Self {
            scheme,
            id,
            serial_no,
            signer,
            opener: None,
            public_key: None,
            certificate: None,
        }
    }

    pub(crate) fn is_brand(&self) -> bool {
        self.scheme == BRAND
    }

    fn check(&self) -> Result<()> {
        let id = self.scheme.identity_item();
        for (name, value) in [(id, &self.id), ("serial_no", &self.serial_no)] {
            let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
            if value.is_empty() || !value.bytes().all(fits) {
                let text = format!("{name}: `{value}` is empty or has characters that cannot be");
                return Err(Error::new(ErrorKind::Config, text));
            }
        }
        if self.signer.suite() != self.scheme.suite() {
            let text = format!("the signer does not sign as {} asks for", self.scheme);
            return Err(Error::new(ErrorKind::Config, text));
        }
        match &self.certificate {
            Some(pem) => self.check_certificate(pem),
            None => Ok(()),
        }
    }

    fn check_certificate(&self, pem: &[u8]) -> Result<()> {
        let wrong = |text: String| Err(Error::new(ErrorKind::Config, text));
        let certificate =
            Certificate::from_pem(pem).map_err(|error| Error::setting("certificate", error))?;
        let serial_no = certificate.serial_no();
        if KeyId::new(serial_no) != KeyId::new(self.serial_no.as_str()) {
            return wrong(format!(
                "serial_no: `{}` is not the certificate's, which is {serial_no}",
                self.serial_no,
            ));
        }
        let certified = certificate
            .public_key()
            .map_err(|error| Error::setting("certificate", error))?;
        if self
            .public_key
            .as_ref()
            .is_some_and(|own| *own != certified)
        {
            return wrong(format!(
                "the private key does not belong to certificate {serial_no}; \
                 both files come from the same download"
            ));
        }
        Ok(())
    }
}

impl Opener for Identity {
    fn open(&self, sealed: &Sealed) -> Result<Sensitive, OpenError> {
        match &self.opener {
            Some(opener) => opener.open(sealed),
            None => Err(OpenError::OtherKey),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("scheme", &self.scheme)
            .field("id", &self.id)
            .field("serial_no", &self.serial_no)
            .finish_non_exhaustive()
    }
}

const MERCHANT: Scheme = Scheme::Wechatpay2Sha256Rsa2048;
const BRAND: Scheme = Scheme::WechatpayBrandSha256Rsa2048;
