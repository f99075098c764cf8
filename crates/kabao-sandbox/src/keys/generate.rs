//! Making keys: the first ones of a sandbox, and those that come later.

use std::thread;

use aws_lc_rs::rand;
use jiff::{Timestamp, tz::TimeZone};
use kabao_core::{PrivateKey, keys::KeyError};
use zeroize::Zeroizing;

use super::{
    CallerKind, PLATFORM, Subject,
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
    first_keys_with(&[], &[], now)
}

/// The same, and those of more callers, a tenth of a second each or a little
/// more.
pub(crate) fn first_keys_with(
    merchants: &[String],
    brands: &[String],
    now: Timestamp,
) -> Result<Vec<StoredKey>, IssueError> {
    let [
        authority,
        platform,
        merchant,
        merchant_public,
        brand,
        brand_public,
    ] = rsa_keys()?;
    let authority = Authority::new(authority, now)?;
    let mint = Mint {
        authority: &authority,
        now,
        clock: now,
    };
    let mut keys = vec![
        stored_authority(&authority)?,
        mint.platform_certificate(&platform)?,
    ];
    let (mchid, brand_id) = (sample::MCHID, sample::BRAND_ID);
    keys.extend(mint.caller(CallerKind::Merchant, mchid, &[merchant, merchant_public])?);
    keys.extend(mint.caller(CallerKind::Brand, brand_id, &[brand, brand_public])?);
    let merchants = merchants.iter().map(|id| (CallerKind::Merchant, id));
    let brands = brands.iter().map(|id| (CallerKind::Brand, id));
    for (kind, id) in merchants.chain(brands) {
        keys.extend(mint.caller(kind, id, &rsa_keys()?)?);
    }
    Ok(keys)
}

/// Makes what is stored of RSA keys, under one authority and at one time.
pub(crate) struct Mint<'a> {
    pub(crate) authority: &'a Authority,
    /// Real time,
    pub(crate) now: Timestamp,
    /// and what the sandbox's clock shows.
    pub(crate) clock: Timestamp,
}

impl Mint<'_> {
    /// All that a merchant or brand begins with, of two keys: its own, and the
    /// WeChat Pay public key that is tied to it.
    pub(crate) fn caller(
        &self,
        kind: CallerKind,
        id: &str,
        [own, public]: &[PrivateKey; 2],
    ) -> Result<[StoredKey; 3], IssueError> {
        Ok([
            self.api_certificate(kind, id, &own.into())?,
            api_key(kind.secret(), id)?,
            StoredKey {
                owner: id.to_owned(),
                purpose: kind.public_key(),
                id: public_key_id(id, self.now)?,
                certificate_pem: None,
                secret: public.to_pkcs8_pem()?,
            },
        ])
    }

    /// An API certificate of a merchant or brand.
    pub(crate) fn api_certificate(
        &self,
        kind: CallerKind,
        id: &str,
        subject: &Subject,
    ) -> Result<StoredKey, IssueError> {
        self.certified(kind.api_certificate(), id, id, subject)
    }

    /// A platform certificate.
    pub(crate) fn platform_certificate(&self, key: &PrivateKey) -> Result<StoredKey, IssueError> {
        let purpose = KeyPurpose::PlatformCertificate;
        self.certified(purpose, PLATFORM, "kabao sandbox platform", &key.into())
    }

    fn certified(
        &self,
        purpose: KeyPurpose,
        owner: &str,
        common_name: &str,
        subject: &Subject,
    ) -> Result<StoredKey, IssueError> {
        let key = &subject.public_key;
        let issued =
            self.authority
                .certify(key, common_name, ORGANIZATION, self.now, self.clock)?;
        Ok(StoredKey {
            owner: owner.to_owned(),
            purpose,
            id: issued.certificate.serial_no().to_owned(),
            certificate_pem: Some(issued.pem),
            secret: match &subject.private_key {
                Some(key) => key.to_pkcs8_pem()?,
                None => Zeroizing::default(),
            },
        })
    }
}

/// Makes several RSA keys at once: each takes a tenth of a second or three, as
/// luck will have it.
pub(crate) fn rsa_keys<const N: usize>() -> Result<[PrivateKey; N], KeyError> {
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

/// `PUB_KEY_ID_`, `01`, the last ten digits of the owner, the day, and 14 digits.
fn public_key_id(owner: &str, now: Timestamp) -> Result<String, IssueError> {
    // Digits, so that every byte is a character.
    let owner = owner
        .get(owner.len().saturating_sub(10)..)
        .unwrap_or_default();
    let day = now.to_zoned_datetime(TimeZone::UTC).strftime("%Y%m%d");
    let number = random_digits(14)?;
    Ok(format!("PUB_KEY_ID_01{owner:0>10}{day}{number}"))
}

/// Digits, the first of which may be 0.
pub(crate) fn random_digits(length: usize) -> Result<String, IssueError> {
    Ok(random_text(b"0123456789", length)?.to_string())
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
