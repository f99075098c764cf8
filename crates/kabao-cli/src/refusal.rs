//! The SDK's errors, in words that help.

use kabao::{Error, ErrorKind};

use crate::problem::Problem;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let problem = if is_refusal(&error) {
            Self::refused(error.to_string())
        } else {
            Self::new(error.to_string())
        };
        let problem = match std::error::Error::source(&error) {
            Some(cause) => problem.caused_by(cause),
            None => problem,
        };
        Self {
            hint: hint(&error),
            ..problem
        }
    }
}

/// Whether the API itself said no, as far as that can be known.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::SignatureRefused
            | ErrorKind::RateLimited
            | ErrorKind::Refused
            | ErrorKind::Server
            | ErrorKind::Gateway
    )
}

fn hint(error: &Error) -> Option<String> {
    let text = match (error.kind(), error.code()) {
        (ErrorKind::SignatureRefused, _) => {
            "check that this machine's clock is right, that the private key belongs to serial_no, \
             and that serial_no is a certificate of this caller; `kabao call … --explain` shows \
             what is signed"
        }
        (ErrorKind::Verification, _) => {
            "check the WeChat Pay public key and its id, and this machine's clock; something \
             between here and the API may also have changed the answer"
        }
        (ErrorKind::PlatformKeys, _) => {
            "set the WeChat Pay public key: KABAO_WECHATPAY_PUBLIC_KEY_ID and \
             KABAO_WECHATPAY_PUBLIC_KEY"
        }
        (ErrorKind::Connect, _) => {
            "check base_url (KABAO_BASE_URL), the network and proxy variables such as HTTPS_PROXY"
        }
        (ErrorKind::RateLimited, _) => "too often; wait a second and repeat",
        (ErrorKind::Gateway, _) => {
            "something before the API answered; check base_url (KABAO_BASE_URL) and proxies"
        }
        (_, Some("RESOURCE_NOT_EXISTS")) => {
            "code, card_id and openid must all be this card's; --card-id, --openid and \
             --brand-id replace the profile's defaults"
        }
        (_, Some("NO_AUTH")) => "this caller has no permission for that brand; see --brand-id",
        _ if error.may_have_taken_effect() => {
            "the call may have been carried out all the same; look before repeating it"
        }
        (_, Some("SYSTEM_ERROR")) => "repeat with the same parameters",
        (ErrorKind::Request, _) if error.to_string().contains("not signed; fetch it with") => {
            "add --download, and --sha1 if you have the file's hash"
        }
        (ErrorKind::Request, _) if error.to_string().contains("a sealed value holds at most") => {
            "values are given in plaintext; kabao seals them itself"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
