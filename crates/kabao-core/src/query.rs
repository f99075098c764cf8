//! Query strings.

use serde::Serialize;

/// Percent-encodes everything but `A-Z a-z 0-9 - . _ ~` (RFC 3986), space as
/// `%20`.
#[must_use]
pub fn encode_component(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_encoded(&mut out, text, is_unreserved);
    out
}

/// Anything that serialises to pairs, as a query string: order kept, absent
/// options left out, RFC 3986 encoding. Empty if there are no pairs.
///
/// ```
/// use kabao_core::query::to_query;
///
/// assert_eq!(to_query(&[("name", "张三"), ("b", "1+1")])?, "name=%E5%BC%A0%E4%B8%89&b=1%2B1");
/// # Ok::<(), kabao_core::query::QueryError>(())
/// ```
///
/// # Errors
/// [`QueryError`] if the value is not a list of pairs, a map or a flat struct.
pub fn to_query<Q: Serialize + ?Sized>(query: &Q) -> Result<String, QueryError> {
    // The form encoding is the way to read the pairs out of any `Serialize`. It
    // differs from RFC 3986 in three characters, and escapes the percent sign,
    // so that text can be replaced.
    let form = serde_urlencoded::to_string(query).map_err(|error| QueryError {
        reason: error.to_string(),
    })?;
    if !form.contains(['+', '*', '%']) {
        return Ok(form);
    }
    Ok(form
        .replace('+', "%20")
        .replace('*', "%2A")
        .replace("%7E", "~"))
}

/// The pairs of a query string in their order, percent-decoded, `+` as a space.
/// `None` if an escape is broken or the bytes are not UTF-8.
///
/// ```
/// use kabao_core::query::decode_pairs;
///
/// let pairs = decode_pairs("name=%E5%BC%A0+x&flag").unwrap();
/// assert_eq!(pairs, [("name".into(), "张 x".into()), ("flag".into(), String::new())]);
/// assert!(decode_pairs("a=%zz").is_none());
/// ```
#[must_use]
pub fn decode_pairs(query: &str) -> Option<Vec<(String, String)>> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name, b' ')?, decode(value, b' ')?))
        })
        .collect()
}

/// Undoes [`encode_component`]; `None` if an escape is broken or the bytes are
/// not UTF-8.
#[must_use]
pub fn decode_component(text: &str) -> Option<String> {
    decode(text, b'+')
}

/// Undoes percent-encoding, and takes a plus for what it stands for.
fn decode(text: &str, plus: u8) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                tail
            }
            (b'%', _) => return None,
            (b'+', tail) => {
                bytes.push(plus);
                tail
            }
            (byte, tail) => {
                bytes.push(*byte);
                tail
            }
        };
    }
    String::from_utf8(bytes).ok()
}

/// The value cannot be written as a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the query is not a flat list of pairs: {reason}")]
pub struct QueryError {
    reason: String,
}

/// Appends `text`, escaping every byte that `keep` does not let through.
pub(crate) fn push_encoded(out: &mut String, text: &str, keep: impl Fn(u8) -> bool) {
    use std::fmt::Write as _;
    for byte in text.bytes() {
        if keep(byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
