//! The exact bytes that get signed.

use std::borrow::Cow;

/// What the caller signs, five lines: method, target, timestamp, nonce, body.
///
/// `target` is the path with the query exactly as in the request line: still
/// percent-encoded, in the order sent, without the host. `body` is the bytes
/// sent; empty for none; of a multipart upload only the text of the part `meta`.
///
/// ```
/// use kabao_core::message::request;
///
/// assert_eq!(
///     request("GET", "/v3/certificates", "1767196800", "nonce", b""),
///     b"GET\n/v3/certificates\n1767196800\nnonce\n\n",
/// );
/// ```
#[must_use]
pub fn request(method: &str, target: &str, timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    lines(
        &[
            method.as_bytes(),
            target.as_bytes(),
            timestamp.as_bytes(),
            nonce.as_bytes(),
        ],
        body,
    )
}

/// What WeChat Pay signs in an answer or a notification, three lines:
/// timestamp, nonce, body.
///
/// `body` is the bytes received after removing transfer and content encoding,
/// before any parsing.
#[must_use]
pub fn answer(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    lines(&[timestamp.as_bytes(), nonce.as_bytes()], body)
}

/// Which part of an answer its signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signed {
    /// The body, as nearly everywhere.
    Body,
    /// The text `{"sha1":"…"}` made of the header `Wechatpay-Statement-Sha1`;
    /// the file itself is then checked against that hash.
    StatementSha1,
    /// Nothing: a file download, to be checked against the hash that came with
    /// its address.
    Nothing,
}

impl Signed {
    /// What is signed in answers to this path (a query is ignored).
    #[must_use]
    pub fn for_path(path: &str) -> Self {
        let path = path.split('?').next().unwrap_or(path);
        // Behind `/hk`, the old overseas entry, stand the same endpoints.
        let path = path.strip_prefix("/hk").unwrap_or(path);
        if STATEMENTS.contains(&path) {
            return Self::StatementSha1;
        }
        if DOWNLOADS.contains(&path) || is_image(path) {
            return Self::Nothing;
        }
        Self::Body
    }
}

/// The signed body of a statement download.
#[must_use]
pub fn statement_body(sha1: &str) -> Cow<'static, [u8]> {
    Cow::Owned(format!(r#"{{"sha1":"{sha1}"}}"#).into_bytes())
}

const STATEMENTS: [&str; 2] = ["/v3/statements", "/v3/global/statements"];

const DOWNLOADS: [&str; 4] = [
    "/v3/billdownload/file",
    "/v3/new-tax-control-fapiao/download",
    "/v3/transferdownload/elecvoucherfile",
    "/v3/transferdownload/signfile",
];

fn is_image(path: &str) -> bool {
    [
        "/v3/merchant-service/images/",
        "/v3/global/merchant-service/images/",
    ]
    .iter()
    .filter_map(|folder| path.strip_prefix(folder))
    .any(|id| !id.is_empty() && id != "upload")
}

fn lines(head: &[&[u8]], body: &[u8]) -> Vec<u8> {
    let length = head.iter().map(|line| line.len() + 1).sum::<usize>() + body.len() + 1;
    let mut message = Vec::with_capacity(length);
    for line in head.iter().copied().chain([body]) {
        message.extend_from_slice(line);
        message.push(b'\n');
    }
    message
}
