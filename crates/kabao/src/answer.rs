//! What comes back.

use std::fmt;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use kabao_core::{
    answer::header::REQUEST_ID,
    call::{Call, Method},
    keyring::KeyId,
};
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Failure, Result};

/// A good answer (2xx) whose signature was verified. Error answers are
/// [`Error`]s.
#[derive(Clone)]
pub struct Answer {
    response: Response<Bytes>,
    verified_by: KeyId,
    call: (Method, String),
}

impl Answer {
    pub(crate) fn new(response: Response<Bytes>, verified_by: KeyId, call: &Call) -> Self {
        Self {
            response,
            verified_by,
            call: (call.method, call.template.clone()),
        }
    }

    /// The status: 200 with a body, 204 without, 202 if accepted but not yet
    /// processed (repeat with the same parameters, or query).
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// Names this exchange to WeChat Pay's support.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.response.headers().get(REQUEST_ID)?.to_str().ok()
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The bytes that were verified.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        self.response.body()
    }

    /// The key that the answer was verified with.
    #[must_use]
    pub fn verified_by(&self) -> &KeyId {
        &self.verified_by
    }

    /// The body as JSON.
    ///
    /// Sealed values stay sealed, so decode them as such and open them then. (A
    /// `UserCard` without `Sealed` would take what came for the plaintext.)
    ///
    /// ```no_run
    /// use kabao::{card_member::UserCard, core::Sealed};
    ///
    /// # async fn f(client: kabao::Client) -> kabao::Result<()> {
    /// let answer = client.chain("v3/…").get().await?;
    /// let card: UserCard = answer.json::<UserCard<Sealed>>()?.open(&client);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Decode`] if it is not JSON or not of this form. The call was
    /// carried out all the same.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.decode(|body| serde_json::from_slice(body))
    }

    pub(crate) fn decode<T>(
        &self,
        read: impl FnOnce(&[u8]) -> Result<T, serde_json::Error>,
    ) -> Result<T> {
        read(self.body()).map_err(|error| {
            let text = if self.body().is_empty() {
                format!("the answer ({}) has no body to read", self.status())
            } else {
                let place = place_of(&error);
                format!("the answer is not of the expected form: {place}")
            };
            let mut failure = Failure::new(ErrorKind::Decode, text);
            failure.may_have_taken_effect = self.call.0 != Method::Get;
            failure.call = Some(self.call.clone());
            failure.status = Some(self.status());
            failure.request_id = self.request_id().map(str::to_owned);
            failure.into()
        })
    }
}

impl fmt::Debug for Answer {
    /// Bodies carry phone numbers, so only the size is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status())
            .field("request_id", &self.request_id())
            .field("verified_by", &self.verified_by)
            .field("body_bytes", &self.body().len())
            .finish_non_exhaustive()
    }
}

/// A downloaded file. Nothing but TLS says that it came from WeChat Pay: compare
/// it with the hash that came, signed, with its address.
#[derive(Clone)]
pub struct Unverified {
    response: Response<Bytes>,
}

impl Unverified {
    pub(crate) fn new(response: Response<Bytes>) -> Self {
        Self { response }
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The file, if it is the one with this SHA-1 (hex, any case).
    ///
    /// A hash is that of the uncompressed file: of a file that comes compressed,
    /// decompress [`into_unverified`](Self::into_unverified) and compare then.
    ///
    /// # Errors
    /// [`ErrorKind::Verification`] if it is another file.
    pub fn verify_sha1(self, expected: &str) -> Result<Bytes> {
        let actual = hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, self.response.body()).as_ref());
        if actual.eq_ignore_ascii_case(expected) {
            return Ok(self.response.into_body());
        }
        let text = format!("the file's SHA-1 is {actual}, expected {expected}");
        Err(Error::new(ErrorKind::Verification, text))
    }

    /// The file as it came, believed by nobody.
    #[must_use]
    pub fn into_unverified(self) -> Bytes {
        self.response.into_body()
    }
}

impl fmt::Debug for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unverified({} bytes)", self.response.body().len())
    }
}

/// Where and in which way JSON is wrong. The error's own words quote values.
pub(crate) fn place_of(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        Category::Data => "a member is missing or of another type",
        Category::Eof => "it is cut short",
        Category::Syntax | Category::Io => "it is not JSON",
    };
    format!("{what} at line {}, column {}", error.line(), error.column())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        use fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
