//! The `Authorization` header: written by callers, parsed strictly by servers.

use std::{fmt, str::FromStr};

use crate::signature::Scheme;

/// When and with which nonce something is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Unix seconds.
    pub timestamp: i64,
    /// Fresh for every signature; 32 characters of `0-9A-Za-z` by custom.
    pub nonce: String,
}

impl Stamp {
    /// A stamp of `timestamp` (Unix seconds) whose nonce is spelled from
    /// 32 random bytes.
    ///
    /// ```
    /// use kabao_core::authorization::Stamp;
    ///
    /// let stamp = Stamp::new(1767196800, &[7; 32]);
    /// assert_eq!(stamp.nonce.len(), 32);
    /// ```
    #[must_use]
    pub fn new(timestamp: i64, random: &[u8; 32]) -> Self {
        const ALPHABET: &[u8; 62] =
            b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let nonce = random
            .iter()
            .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
            .collect();
        Self { timestamp, nonce }
    }
}

/// The parsed header.
///
/// ```
/// use kabao_core::authorization::Authorization;
///
/// let header = r#"WECHATPAY2-SHA256-RSA2048 mchid="1900000001",nonce_str="n",timestamp="1767196800",serial_no="4A62",signature="c2ln""#;
/// let parsed: Authorization = header.parse()?;
/// assert_eq!(parsed.identity, "1900000001");
/// assert_eq!(parsed.to_string(), header);
/// # Ok::<(), kabao_core::authorization::MalformedAuthorization>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Who signs and how.
    pub scheme: Scheme,
    /// The mchid, or the brand id under the brand scheme.
    pub identity: String,
    /// The `nonce_str` that was signed.
    pub nonce: String,
    /// Unix seconds as the caller wrote them: the text is what was signed.
    pub timestamp: String,
    /// Serial of the caller's own certificate.
    pub serial_no: String,
    /// Base64 of the signature.
    pub signature: String,
}

impl fmt::Display for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"{} {}="{}",nonce_str="{}",timestamp="{}",serial_no="{}",signature="{}""#,
            self.scheme,
            self.scheme.identity_item(),
            self.identity,
            self.nonce,
            self.timestamp,
            self.serial_no,
            self.signature,
        )
    }
}

impl FromStr for Authorization {
    type Err = MalformedAuthorization;

    /// Takes what the documentation allows and nothing else: scheme, one space,
    /// the five items `key="value"` in any order, joined by commas without
    /// spaces.
    fn from_str(header: &str) -> Result<Self, Self::Err> {
        let (name, items) = header
            .split_once(' ')
            .ok_or(MalformedAuthorization::NoScheme)?;
        let scheme =
            Scheme::from_name(name).ok_or_else(|| MalformedAuthorization::UnknownScheme {
                scheme: name.to_owned(),
            })?;
        let mut found = Items::default();
        let mut rest = items;
        loop {
            let (key, value, tail) = item(rest)?;
            found.put(scheme, key, value)?;
            match tail.strip_prefix(',') {
                Some(next) => rest = next,
                None if tail.is_empty() => break,
                None => {
                    return Err(MalformedAuthorization::Separator {
                        after: key.to_owned(),
                    });
                }
            }
        }
        found.finish(scheme)
    }
}

/// Why a header was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MalformedAuthorization {
    /// Nothing but items, or an empty header.
    #[error("no scheme: the header begins with WECHATPAY2-SHA256-RSA2048 and one space")]
    NoScheme,
    /// A scheme this server does not speak.
    #[error("unknown scheme `{scheme}`")]
    UnknownScheme {
        /// What stood there.
        scheme: String,
    },
    /// Not `key="value"`: single quotes, no quotes, or stray spaces.
    #[error(r#"expected key="value" at `{at}`"#)]
    Item {
        /// Where parsing stopped.
        at: String,
    },
    /// Items are joined by one comma without spaces.
    #[error("expected a comma or the end after item `{after}`")]
    Separator {
        /// The item before the place.
        after: String,
    },
    /// An item that the scheme does not have.
    #[error("unexpected item `{item}`")]
    Unexpected {
        /// Its key.
        item: String,
    },
    /// The caller under the name that another scheme has for it.
    #[error("item `{item}`: {scheme} names its caller by `{}`", scheme.identity_item())]
    OtherCaller {
        /// The item that is there.
        item: &'static str,
        /// The scheme that the header begins with.
        scheme: Scheme,
    },
    /// An item that is there twice.
    #[error("item `{item}` is there twice")]
    Duplicate {
        /// Its key.
        item: String,
    },
    /// An item that is missing or empty.
    #[error("item `{item}` is missing or empty")]
    Missing {
        /// Its key.
        item: &'static str,
    },
    /// The timestamp is not a number of seconds.
    #[error("timestamp `{timestamp}` is not a decimal number of seconds")]
    Timestamp {
        /// What stood there.
        timestamp: String,
    },
}

#[derive(Default)]
struct Items<'a> {
    identity: Option<&'a str>,
    nonce_str: Option<&'a str>,
    timestamp: Option<&'a str>,
    serial_no: Option<&'a str>,
    signature: Option<&'a str>,
}

impl<'a> Items<'a> {
    fn put(
        &mut self,
        scheme: Scheme,
        key: &str,
        value: &'a str,
    ) -> Result<(), MalformedAuthorization> {
        let slot = match key {
            "nonce_str" => &mut self.nonce_str,
            "timestamp" => &mut self.timestamp,
            "serial_no" => &mut self.serial_no,
            "signature" => &mut self.signature,
            identity if identity == scheme.identity_item() => &mut self.identity,
            other => {
                let known = Scheme::ALL.map(Scheme::identity_item);
                if let Some(item) = known.into_iter().find(|known| *known == other) {
                    return Err(MalformedAuthorization::OtherCaller { item, scheme });
                }
                return Err(MalformedAuthorization::Unexpected {
                    item: other.to_owned(),
                });
            }
        };
        match slot.replace(value) {
            None => Ok(()),
            Some(_) => Err(MalformedAuthorization::Duplicate {
                item: key.to_owned(),
            }),
        }
    }

    fn finish(self, scheme: Scheme) -> Result<Authorization, MalformedAuthorization> {
        let required = |value: Option<&str>, item| match value {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(MalformedAuthorization::Missing { item }),
        };
        let timestamp = required(self.timestamp, "timestamp")?;
        if !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(MalformedAuthorization::Timestamp { timestamp });
        }
        Ok(Authorization {
            scheme,
            identity: required(self.identity, scheme.identity_item())?,
            nonce: required(self.nonce_str, "nonce_str")?,
            timestamp,
            serial_no: required(self.serial_no, "serial_no")?,
            signature: required(self.signature, "signature")?,
        })
    }
}

/// Splits `key="value"` off the front.
fn item(text: &str) -> Result<(&str, &str, &str), MalformedAuthorization> {
    let bad = || MalformedAuthorization::Item {
        at: text.chars().take(24).collect(),
    };
    let (key, rest) = text.split_once("=\"").ok_or_else(bad)?;
    let (value, tail) = rest.split_once('"').ok_or_else(bad)?;
    let plain = !key.is_empty()
        && key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && value.bytes().all(|byte| byte.is_ascii_graphic());
    if plain {
        Ok((key, value, tail))
    } else {
        Err(bad())
    }
}
