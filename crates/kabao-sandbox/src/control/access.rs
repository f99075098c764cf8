//! Who may use the control plane.

use std::{fmt, net::IpAddr, sync::Arc};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    http::{HeaderMap, Method, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use kabao_core::answer::header as wechatpay;
use zeroize::Zeroizing;

use super::Trouble;

/// What opens the control plane: `Authorization: Bearer …`.
#[derive(Clone)]
pub(crate) struct ControlToken(Zeroizing<String>);

/// A control token that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a control token has {SHORTEST} to {LONGEST} visible ASCII characters, this one {problem}; \
     make one with `openssl rand -hex 32`"
)]
pub struct ControlTokenError {
    problem: String,
}

const SHORTEST: usize = 16;
const LONGEST: usize = 512;

impl ControlToken {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Whether it can be sent in a header, and not be guessed.
    pub(crate) fn check(&self) -> Result<(), ControlTokenError> {
        let refuse = |problem: String| Err(ControlTokenError { problem });
        if !self.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return refuse("has others".into());
        }
        match self.0.len() {
            SHORTEST..=LONGEST => Ok(()),
            length => refuse(format!("has {length}")),
        }
    }

    /// In a time that does not tell how much of it was right.
    fn is(&self, given: &[u8]) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), given).is_ok()
    }
}

impl fmt::Debug for ControlToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ControlToken(…)")
    }
}

/// Lets in whoever has the token; without one, this machine.
#[derive(Debug, Clone)]
pub(crate) struct Guard {
    token: Option<Arc<ControlToken>>,
}

impl Guard {
    pub(crate) fn new(token: Option<ControlToken>) -> Self {
        let token = token.map(Arc::new);
        Self { token }
    }

    /// Looks at the head alone: of whom it turns away, nothing more is read.
    ///
    /// A token that is set is asked for on this machine too. Behind a proxy
    /// everybody seems to be there.
    #[expect(
        clippy::result_large_err,
        reason = "the error is the answer, made on the way out"
    )]
    pub(crate) fn admit(&self, head: &Parts, peer: IpAddr) -> Result<(), Response> {
        if is_open(&head.method, head.uri.path()) {
            return Ok(());
        }
        let trouble = match &self.token {
            Some(token) => match bearer(&head.headers) {
                Some(given) if token.is(given) => return Ok(()),
                given => unauthorised(given.is_some()),
            },
            None if !peer.to_canonical().is_loopback() => forbidden(NOT_HERE),
            None if is_passed_on(&head.headers) => forbidden(PASSED_ON),
            // Whoever had it sent here is somewhere else.
            None if head.headers.contains_key(wechatpay::SIGNATURE) => forbidden(NOTIFICATION),
            None => match foreign(&head.headers) {
                Some(whose) => forbidden(&format!("{FOREIGN}; {whose}")),
                None => return Ok(()),
            },
        };
        Err(trouble.into_response())
    }
}

const NOT_HERE: &str = "without a control token the control plane answers this machine only; start \
    the sandbox with --control-token-file or KABAO_CONTROL_TOKEN, and send the token as \
    Authorization: Bearer";
const PASSED_ON: &str = "a proxy passed this on from another machine, and without a control token \
    the control plane answers this machine only; start the sandbox with --control-token-file or \
    KABAO_CONTROL_TOKEN, and send the token as Authorization: Bearer";
const FOREIGN: &str = "without a control token the control plane answers no page of another origin";
const NOTIFICATION: &str =
    "this came as a notification, and the control plane is nobody's notify_url";

fn forbidden(message: &str) -> Trouble {
    Trouble::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
}

fn unauthorised(is_wrong: bool) -> Trouble {
    let what = match is_wrong {
        true => "this is not the control token",
        false => "the control plane takes Authorization: Bearer with its control token",
    };
    let message = format!(
        "{what}; it is what the sandbox got by --control-token-file or KABAO_CONTROL_TOKEN, and \
         kabao sends it from KABAO_CONTROL_TOKEN or the file that control_token_file of its \
         profile names"
    );
    Trouble::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message)
}

/// Health and readiness are for balancers, and pictures are for everybody, as the real
/// service's are. Their addresses are digests that nobody guesses.
pub(crate) fn is_open(method: &Method, path: &str) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
        && (matches!(path, "/_sandbox/health" | "/_sandbox/ready")
            || path.starts_with("/_sandbox/media/"))
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    const SCHEME: &[u8] = b"bearer ";
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.as_bytes().split_at_checked(SCHEME.len())?;
    scheme
        .eq_ignore_ascii_case(SCHEME)
        .then(|| token.trim_ascii())
}

/// What proxies say that speak for somebody else.
fn is_passed_on(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip"]
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// A page somewhere on the web must not steer the sandbox of whoever reads it: what
/// makes a request one of such a page, and the way out.
fn foreign(headers: &HeaderMap) -> Option<String> {
    let origin = headers.get(header::ORIGIN);
    let host = headers.get(header::HOST);
    if let Some(origin) = origin.filter(|origin| !origin.to_str().is_ok_and(is_loopback_origin)) {
        return Some(format!(
            "Origin is {origin:?}: call it from a program, or from a page of this machine"
        ));
    }
    let host = host.filter(|host| !host.to_str().is_ok_and(is_own_host))?;
    Some(format!(
        "Host is {host:?}: call it as localhost or by its IP address, or start the sandbox with \
         --control-token-file or KABAO_CONTROL_TOKEN"
    ))
}

fn is_loopback_origin(origin: &str) -> bool {
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    matches!(host_name(host), "localhost" | "127.0.0.1" | "[::1]")
}

/// A name of somebody else's domain that points to this machine must not reach
/// the sandbox either: the page behind it would have that name as its origin.
fn is_own_host(host: &str) -> bool {
    let name = host_name(host);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    // A name without a dot is nobody's domain.
    !name.contains('.') || name.ends_with(".weixin.qq.com") || bare.parse::<IpAddr>().is_ok()
}

fn host_name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    #[test]
    fn a_token_is_long_enough_and_fits_in_a_header() {
        let check = |text: &str| ControlToken::new(text.to_owned()).check();
        assert_eq!(check(TOKEN), Ok(()));
        for wrong in [
            "",
            "short",
            "0123456789 abcdef",
            "0123456789abcdef\n",
            "密密密密密密",
        ] {
            let error = check(wrong).expect_err(wrong).to_string();
            assert!(wrong.is_empty() || !error.contains(wrong), "{error}");
        }
        assert!(check(&TOKEN.repeat(33)).is_err());
        let shown = format!("{:?}", ControlToken::new(TOKEN.into()));
        assert!(!shown.contains(TOKEN), "{shown}");
    }

    #[test]
    fn it_goes_by_the_peer_unless_there_is_a_token() {
        let head = |authorization: &str| {
            let request = axum::http::Request::builder().uri("/_sandbox/requests");
            let request = request.header(header::AUTHORIZATION, authorization);
            request.body(()).expect("a request").into_parts().0
        };
        let [right, wrong] = [format!("Bearer {TOKEN}"), "Bearer x".into()];
        let here = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"];
        let elsewhere = ["10.0.0.7", "2001:db8::1", "::ffff:10.0.0.7", "0.0.0.0"];
        let closed = Guard::new(None);
        let guarded = Guard::new(Some(ControlToken::new(TOKEN.into())));
        let peer = |peer: &str| peer.parse::<IpAddr>().expect("an address");
        for (peers, expected) in [(here, true), (elsewhere, false)] {
            for peer in peers.map(peer) {
                assert_eq!(
                    closed.admit(&head(&right), peer).is_ok(),
                    expected,
                    "{peer}"
                );
                assert!(guarded.admit(&head(&right), peer).is_ok(), "{peer}");
                assert!(guarded.admit(&head(&wrong), peer).is_err(), "{peer}");
            }
        }
    }

    #[test]
    fn a_bearer_stands_alone_and_its_scheme_in_any_case() {
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, value.parse().expect("a header"));
            }
            headers
        };
        let found = |values: &[&str]| bearer(&headers(values)).map(<[u8]>::to_vec);
        assert_eq!(found(&["Bearer t"]), Some(b"t".to_vec()));
        assert_eq!(found(&["bearer  t"]), Some(b"t".to_vec()));
        for none in [
            &[][..],
            &["Basic t"],
            &["Bearer"],
            &["Bearer t", "Bearer t"],
        ] {
            assert_eq!(found(none), None, "{none:?}");
        }
    }
}
