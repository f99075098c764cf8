//! The two kinds of callers, and which keys are whose.

use kabao_core::signature::Scheme;

use crate::store::KeyPurpose;

/// Merchant or brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CallerKind {
    Merchant,
    Brand,
}

impl CallerKind {
    /// Who signs in that way.
    pub(crate) fn of(scheme: Scheme) -> Self {
        match scheme {
            Scheme::WechatpayBrandSha256Rsa2048 => Self::Brand,
            _ => Self::Merchant,
        }
    }

    /// `merchant` or `brand`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Brand => "brand",
        }
    }

    /// How it signs.
    pub(crate) const fn scheme(self) -> Scheme {
        match self {
            Self::Merchant => Scheme::Wechatpay2Sha256Rsa2048,
            Self::Brand => Scheme::WechatpayBrandSha256Rsa2048,
        }
    }

    /// What its number is called: `mchid` or `brand_id`.
    pub(crate) fn item(self) -> &'static str {
        self.scheme().identity_item()
    }

    /// Whether a text can be its number; what is wrong with it if it cannot.
    pub(crate) fn check_number(id: &str) -> Result<(), String> {
        match (1..=32).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit()) {
            true => Ok(()),
            false => Err(format!("`{id}` is not 1 to 32 digits")),
        }
    }

    /// Its API certificate and private key.
    pub(crate) const fn api_certificate(self) -> KeyPurpose {
        match self {
            Self::Merchant => KeyPurpose::MerchantApi,
            Self::Brand => KeyPurpose::BrandApi,
        }
    }

    /// Its APIv3 key or API key. Every caller has one.
    pub(crate) const fn secret(self) -> KeyPurpose {
        match self {
            Self::Merchant => KeyPurpose::MerchantApiV3,
            Self::Brand => KeyPurpose::BrandApiKey,
        }
    }

    /// The WeChat Pay public key that is tied to it.
    pub(crate) const fn public_key(self) -> KeyPurpose {
        match self {
            Self::Merchant => KeyPurpose::WechatpayPublicKey,
            Self::Brand => KeyPurpose::BrandPublicKey,
        }
    }
}
