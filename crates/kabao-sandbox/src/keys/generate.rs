//! The first keys of a sandbox.

use std::thread;

use aws_lc_rs::rand;
use jiff::{Timestamp, tz::TimeZone};
use kabao_core::{PrivateKey, keys::KeyError};
use zeroize::Zeroizing;

use super::{
    PLATFORM,
    authority::{Authority, IssueError},
};
use crate::{
    sample,
    store::{KeyPurpose, StoredKey},
};

const ORGANIZATION: &str = "kabao sandbox";

/// Makes the keys that a new sandbox begins with: one merchant, one brand, one
/// platform certificate, a WeChat Pay public key for each caller, and the local
/// authority. About half a second of two cores.
///
/// # Errors
/// [`IssueError`].
pub fn first_keys(now: Timestamp) -> Result<Vec<StoredKey>, IssueError> {
    let [
        authority,
        platform,
        merchant,
        merchant_public,
        brand,
        brand_public,
    ] = rsa_keys()?;
    let authority = Authority::new(authority, now)?;
    let certified = |purpose, owner: &str, common_name: &str, key: &PrivateKey| {
        let issued = authority.certify(key, common_name, ORGANIZATION, now)?;
        Ok::<_, IssueError>(StoredKey {
            owner: owner.to_owned(),
            purpose,
            id: issued.certificate.serial_no().to_owned(),
            certificate_pem: Some(issued.pem),
            secret: key.to_pkcs8_pem()?,
        })
    };
    let bare = |purpose, owner: &str, key: &PrivateKey| {
        Ok::<_, IssueError>(StoredKey {
            owner: owner.to_owned(),
            purpose,
            id: public_key_id(owner, now)?,
            certificate_pem: None,
            secret: key.to_pkcs8_pem()?,
        })
    };
    let (mchid, brand_id) = (sample::MCHID, sample::BRAND_ID);
    Ok(vec![
        stored_authority(&authority)?,
        certified(
            KeyPurpose::PlatformCertificate,
            PLATFORM,
            "kabao sandbox platform",
            &platform,
        )?,
        certified(KeyPurpose::MerchantApi, mchid, mchid, &merchant)?,
        api_key(KeyPurpose::MerchantApiV3, mchid)?,
        bare(KeyPurpose::WechatpayPublicKey, mchid, &merchant_public)?,
        certified(KeyPurpose::BrandApi, brand_id, brand_id, &brand)?,
        api_key(KeyPurpose::BrandApiKey, brand_id)?,
        bare(KeyPurpose::BrandPublicKey, brand_id, &brand_public)?,
    ])
}

/// Makes several RSA keys at once: each takes a tenth of a second or three, as
/// luck will have it.
fn rsa_keys<const N: usize>() -> Result<[PrivateKey; N], KeyError> {
    let made = thread::scope(|scope| {
        [(); N]
            .map(|()| scope.spawn(PrivateKey::generate))
            .map(|thread| {
                thread.join().unwrap_or_else(|_| {
                    Err(KeyError::Rejected {
                        reason: "making it panicked".into(),
                    })
                })
            })
    });
    let keys = made.into_iter().collect::<Result<Vec<_>, _>>()?;
    keys.try_into().map_err(|_| KeyError::Rejected {
        reason: "a key is missing".into(),
    })
}

fn stored_authority(authority: &Authority) -> Result<StoredKey, IssueError> {
    let pem = authority.certificate_pem().to_owned();
    let certificate = kabao_core::certificate::Certificate::from_pem(&pem)?;
    Ok(StoredKey {
        owner: PLATFORM.into(),
        purpose: KeyPurpose::TlsAuthority,
        id: certificate.serial_no().to_owned(),
        certificate_pem: Some(pem),
        secret: authority.key().to_pkcs8_pem()?,
    })
}

/// 32 letters and digits, as typed in the merchant console.
fn api_key(purpose: KeyPurpose, owner: &str) -> Result<StoredKey, IssueError> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    Ok(StoredKey {
        owner: owner.to_owned(),
        purpose,
        id: purpose.as_str().to_owned(),
        certificate_pem: None,
        secret: random_text(ALPHABET, 32)?,
    })
}

/// `PUB_KEY_ID_`, `01`, the owner in ten digits, the day, and 14 digits.
fn public_key_id(owner: &str, now: Timestamp) -> Result<String, IssueError> {
    let day = now.to_zoned_datetime(TimeZone::UTC).strftime("%Y%m%d");
    let number = random_text(b"0123456789", 14)?;
    Ok(format!("PUB_KEY_ID_01{owner:0>10}{day}{}", *number))
}

fn random_text(alphabet: &[u8], length: usize) -> Result<Zeroizing<String>, IssueError> {
    // Bytes beyond the last whole multiple would favour the first characters.
    let fair = 256 - 256 % alphabet.len();
    let mut text = Zeroizing::new(String::with_capacity(length));
    let mut bytes = Zeroizing::new([0; 64]);
    while text.len() < length {
        rand::fill(&mut *bytes).map_err(|_| IssueError::NoRandomness)?;
        let drawn = bytes.iter().map(|byte| usize::from(*byte));
        let missing = length - text.len();
        text.extend(
            drawn
                .filter(|number| *number < fair)
                .take(missing)
                .map(|number| char::from(alphabet[number % alphabet.len()])),
        );
    }
    Ok(text)
}
