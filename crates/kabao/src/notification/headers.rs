use http::HeaderMap;
use kabao_core::answer::{AnswerSignature, VerifyError, header};

/// The headers of a notification that count, from whatever a framework holds
/// them in.
///
/// ```
/// use kabao::notification::Headers;
///
/// let map = http::HeaderMap::new();
/// let headers = Headers::from(&map);
/// // Or from anything else; names are asked for as they are documented, such as
/// // `Wechatpay-Nonce`, and their case must not matter.
/// let pairs = [("wechatpay-nonce", "n")];
/// let headers = Headers::from_fn(|name| {
///     let found = pairs.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
///     found.map(|(_, value)| *value)
/// });
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a> {
    timestamp: Option<&'a str>,
    nonce: Option<&'a str>,
    serial: Option<&'a str>,
    signature: Option<&'a str>,
    signature_type: Option<&'a str>,
    request_id: Option<&'a str>,
}

impl<'a> Headers<'a> {
    /// Asks for each by name.
    pub fn from_fn(lookup: impl Fn(&'static str) -> Option<&'a str>) -> Self {
        Self {
            timestamp: lookup(header::TIMESTAMP),
            nonce: lookup(header::NONCE),
            serial: lookup(header::SERIAL),
            signature: lookup(header::SIGNATURE),
            signature_type: lookup(header::SIGNATURE_TYPE),
            request_id: lookup(header::REQUEST_ID),
        }
    }

    pub(super) fn signature(self) -> Result<AnswerSignature<'a>, VerifyError> {
        AnswerSignature::from_headers(|name| match name {
            header::TIMESTAMP => self.timestamp,
            header::NONCE => self.nonce,
            header::SERIAL => self.serial,
            header::SIGNATURE => self.signature,
            header::SIGNATURE_TYPE => self.signature_type,
            _ => None,
        })
    }

    pub(super) fn request_id(self) -> Option<&'a str> {
        self.request_id
    }
}

impl<'a> From<&'a HeaderMap> for Headers<'a> {
    /// What is not ASCII counts as absent.
    fn from(map: &'a HeaderMap) -> Self {
        Self::from_fn(|name| map.get(name)?.to_str().ok())
    }
}
