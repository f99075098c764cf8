//! What the tests between client and server share. See `tests/it`.

use kabao::{Brand, ClientBuilder, Merchant, PrivateKey, core::keys::KeyError};
use kabao_sandbox::Credentials;

/// A client of the sample merchant that knows the WeChat Pay public key.
///
/// # Errors
/// [`KeyError`] if the sandbox handed out a key that cannot be read.
pub fn merchant(credentials: &Credentials) -> Result<ClientBuilder, KeyError> {
    let own = &credentials.merchant;
    Ok(bare_merchant(credentials)?
        .wechatpay_public_key(&own.wechatpay_public_key_id, &own.wechatpay_public_key_pem))
}

/// A client of the sample merchant that knows none of WeChat Pay's keys yet.
///
/// # Errors
/// As [`merchant`].
pub fn bare_merchant(credentials: &Credentials) -> Result<ClientBuilder, KeyError> {
    let own = &credentials.merchant;
    let key = PrivateKey::from_pem(own.private_key_pem.as_bytes())?;
    let merchant = Merchant::new(&own.mchid, &own.serial_no, key).certificate(&own.certificate_pem);
    Ok(kabao::Client::builder(merchant).base_url(&credentials.base_url))
}

/// A client of the sample brand.
///
/// # Errors
/// As [`merchant`].
pub fn brand(credentials: &Credentials) -> Result<ClientBuilder, KeyError> {
    let own = &credentials.brand;
    let key = PrivateKey::from_pem(own.private_key_pem.as_bytes())?;
    Ok(
        kabao::Client::builder(Brand::new(&own.brand_id, &own.serial_no, key))
            .wechatpay_public_key(&own.wechatpay_public_key_id, &own.wechatpay_public_key_pem)
            .base_url(&credentials.base_url),
    )
}
