//! Reading what a request carries, within bounds.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout_at;

use crate::bounds::{Budget, Pace, Share, TARGET};

/// Why a request is not looked at. It is answered as a gateway would: no JSON,
/// no signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnedAway {
    TargetTooLong,
    Encoded,
    TooLarge { limit: usize },
    TooSlow,
    EndedEarly,
    NoRoom,
}

impl TurnedAway {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::Encoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::EndedEarly => StatusCode::BAD_REQUEST,
            Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// As metrics have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TargetTooLong => "target_too_long",
            Self::Encoded => "encoded",
            Self::TooLarge { .. } => "too_large",
            Self::TooSlow => "too_slow",
            Self::EndedEarly => "ended_early",
            Self::NoRoom => "no_room",
        }
    }

    pub(crate) fn words(self) -> String {
        match self {
            Self::TargetTooLong => format!("path and query are longer than {TARGET} bytes"),
            Self::Encoded => "a body is taken as it was signed, without Content-Encoding".into(),
            Self::TooLarge { limit } => format!("the body is larger than {} KiB", limit / 1024),
            Self::TooSlow => "the body took too long".into(),
            Self::EndedEarly => "the body ended early, or is not framed as HTTP/1.1 does".into(),
            Self::NoRoom => "too much is being sent at once; try again".into(),
        }
    }

    pub(crate) fn header(self) -> Option<(http::HeaderName, HeaderValue)> {
        match self {
            Self::Encoded => Some((
                header::ACCEPT_ENCODING,
                HeaderValue::from_static("identity"),
            )),
            Self::NoRoom => Some((header::RETRY_AFTER, crate::gate::RETRY_AFTER)),
            _ => None,
        }
    }
}

/// What the head alone shows to be out of bounds.
pub(crate) fn check(target: &str, headers: &HeaderMap) -> Result<(), TurnedAway> {
    if target.len() > TARGET {
        return Err(TurnedAway::TargetTooLong);
    }
    let encodings = headers.get_all(header::CONTENT_ENCODING);
    let is_plain = |encoding: &HeaderValue| encoding.as_bytes().eq_ignore_ascii_case(b"identity");
    match encodings.iter().all(is_plain) {
        true => Ok(()),
        false => Err(TurnedAway::Encoded),
    }
}

/// Reads a body. It is counted for as long as its share lives.
pub(crate) async fn read(
    mut body: Incoming,
    limit: usize,
    budget: &Budget,
) -> Result<(Bytes, Share), TurnedAway> {
    let mut share = budget.share();
    let too_large = TurnedAway::TooLarge { limit };
    // Before anything of it is asked for: who waits for "100 Continue" need not
    // send it.
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large);
    }
    let mut pace = Pace::new();
    let mut read = BytesMut::new();
    while !body.is_end_stream() {
        let frame = timeout_at(pace.deadline(), body.frame()).await;
        let Some(frame) = frame.map_err(|_| TurnedAway::TooSlow)? else {
            break;
        };
        let frame = frame.map_err(|_| TurnedAway::EndedEarly)?;
        // Trailers say nothing here.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        pace.moved(data.len());
        let length = read.len() + data.len();
        if length > limit {
            return Err(too_large);
        }
        if !share.grow_to(length) {
            return Err(TurnedAway::NoRoom);
        }
        if read.is_empty() && body.is_end_stream() {
            return Ok((data, share));
        }
        // A frame of one byte keeps a whole buffer alive, so none is kept.
        read.extend_from_slice(&data);
    }
    Ok((read.freeze(), share))
}
