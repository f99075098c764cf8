//! The SDK's errors, in words that help.

use kabao::{
    Error, ErrorKind,
    core::{call::BuildError, field::FieldError},
};

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

impl From<FieldError> for Problem {
    /// A member that would be refused.
    fn from(error: FieldError) -> Self {
        Self {
            hint: field_hint(&error).map(str::to_owned),
            ..Self::new(error.to_string())
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
             and that serial_no is a certificate of this caller that has not expired (a sandbox \
             goes by its own clock); `kabao call … --explain` shows what is signed"
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
        (_, Some("RESOURCE_NOT_EXISTS")) => not_exists_hint(&error.to_string())?,
        (_, Some("RESOURCE_ALREADY_EXISTS")) => {
            "this code is another user's, or the user has a card of this template under another \
             code; `kabao user-card list --openid …` shows it"
        }
        (_, Some("NO_AUTH")) => "this caller has no permission for that brand; see --brand-id",
        _ if error.may_have_taken_effect() => {
            "the call may have been carried out all the same; look before repeating it"
        }
        (_, Some("SYSTEM_ERROR" | "SERVICE_UNAVAILABLE")) => "repeat with the same parameters",
        (ErrorKind::Request, _) => build_hint(error)?,
        _ => return None,
    };
    Some(text.to_owned())
}

/// What is not there, by the address that was asked; the error begins with it.
fn not_exists_hint(error: &str) -> Option<&'static str> {
    let (address, _) = error.split_once(": ").unwrap_or((error, ""));
    let hint = if address.contains("/membership-activities/") {
        "`kabao activity list` shows the activities there are"
    } else if address.contains("/exchange-coupon/") {
        "record_id, exchange_coupon_template_id, code, card_id and openid must all be those of \
         the notification"
    } else if address.contains("/user-") {
        "code, card_id and openid must all be this card's; --card-id, --openid and --brand-id \
         replace the profile's defaults"
    } else if !address.contains("/card-member/") {
        return None;
    } else {
        "`kabao card list` shows the templates there are; --brand-id replaces the profile's default"
    };
    Some(hint)
}

/// What was found out before anything was sent.
fn build_hint(error: &Error) -> Option<&'static str> {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(BuildError::Field(error)) => return field_hint(error),
        Some(BuildError::PartnerOnly {
            operation: "delete_card",
        }) => return Some("a brand has `kabao card invalidate` for this"),
        Some(BuildError::PartnerOnly { .. }) => {
            return Some(
                "choose a service provider's profile (with mchid), and name the brand there",
            );
        }
        _ => {}
    }
    let text = error.to_string();
    if text.contains("not signed; fetch it with") {
        Some("add --download, and --sha1 if you have the file's hash")
    } else if text.contains("a sealed value holds at most") {
        Some("values are given in plaintext; kabao seals them itself")
    } else {
        None
    }
}

/// How to give a member that was given wrong.
fn field_hint(error: &FieldError) -> Option<&'static str> {
    if error.field.starts_with("/code_jump_information") {
        return Some("give --code-page APPID:PATH");
    }
    match error.field.as_str() {
        "/card_color" => Some("quote it for the shell: --card-color '#FFFF00'"),
        "/pickup_time" => Some("give --pickup-time, RFC 3339 or a day such as 2026-01-01"),
        "/reject_reason" if error.value.is_empty() => Some("give --reject-reason"),
        "/phone_number" => Some("give --phone-number, in plaintext or `-` for stdin"),
        _ if error.issue.contains("characters") => Some("Chinese characters count one each"),
        _ => None,
    }
}
