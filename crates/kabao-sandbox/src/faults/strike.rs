//! What a fault does to the one that it befalls.

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use kabao_core::error_body::ErrorBody;

use super::{
    Departure, Kind,
    chance::Chance,
    kind::{LONGEST_MS, ORDERED, ResetAt},
};
use crate::{gate::Answer, routes::Reply};

/// A fault that has befallen somebody; by default none.
#[derive(Debug, Default)]
pub(crate) struct Strike {
    pub(super) kind: Option<Kind>,
    /// How long the answer waits.
    wait: Duration,
    /// How many seconds the clock is ahead that the answer is stamped by.
    pub(super) skew: i64,
}

/// What the journal says of it.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    /// The kind's name.
    pub(crate) kind: &'static str,
    /// In words, and whether the operation ran.
    pub(crate) effect: String,
}

impl Strike {
    pub(super) fn new(kind: &Kind, chance: &mut Chance) -> Self {
        let ms = match kind {
            Kind::Delay {
                median_ms: Some(median_ms),
                sigma: Some(sigma),
                ..
            } => {
                let ms = *median_ms as f64 * (sigma * chance.normal()).exp();
                // A number that is too large becomes the largest.
                (ms.round() as u64).min(LONGEST_MS)
            }
            Kind::Delay { ms: Some(ms), .. } | Kind::LostAnswer { ms } => *ms,
            _ => 0,
        };
        Self {
            kind: Some(kind.clone()),
            wait: Duration::from_millis(ms),
            skew: 0,
        }
    }

    /// How far the clock is off, in seconds.
    pub(crate) fn seconds(&self) -> i64 {
        match self.kind {
            Some(Kind::ClockSkew { seconds }) => seconds,
            _ => 0,
        }
    }

    /// The same, with a clock that is off.
    pub(crate) fn under(self, clock: &Self) -> Self {
        Self {
            skew: clock.seconds(),
            ..self
        }
    }

    /// What is answered without running the operation.
    pub(crate) fn instead(&self) -> Option<Reply> {
        let status = match self.kind.as_ref()? {
            Kind::Status { status, .. } | Kind::Html { status } => *status,
            Kind::ErrorEnvelope { .. } => 200,
            // It is made, and never sent.
            Kind::Reset {
                at: ResetAt::Before,
            } => 500,
            _ => return None,
        };
        // It was checked that it is one.
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = match (self.error(), &self.kind) {
            (Some(error), _) => return Some(Reply::json(status, &error)),
            (None, Some(Kind::Html { .. })) => page(status).into(),
            (
                None,
                Some(Kind::Status {
                    status: 204 | 304, ..
                }),
            ) => "".into(),
            (None, _) => "{}".into(),
        };
        Some(Reply { status, body })
    }

    /// The error that is answered.
    pub(crate) fn error(&self) -> Option<ErrorBody> {
        let (code, message) = match self.kind.as_ref()? {
            Kind::Status {
                status,
                code,
                message,
                ..
            } if *status >= 400 || code.is_some() || message.is_some() => (
                code.clone().unwrap_or_else(|| usual_code(*status).into()),
                message.clone().unwrap_or_else(|| ORDERED.into()),
            ),
            Kind::ErrorEnvelope { code, message } => (code.clone(), message.clone()),
            _ => return None,
        };
        Some(ErrorBody {
            code,
            message,
            detail: None,
        })
    }

    /// Whether the answer goes out without a signature.
    pub(crate) fn is_unsigned(&self) -> bool {
        matches!(
            self.kind,
            Some(Kind::Status { signed: false, .. } | Kind::Html { .. })
        )
    }

    /// Puts on what belongs to an answer of this kind.
    pub(crate) fn dress(&self, headers: &mut HeaderMap) {
        match self.kind {
            Some(Kind::Status {
                retry_after: Some(seconds),
                ..
            }) => {
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            Some(Kind::Html { .. }) => {
                let html = HeaderValue::from_static("text/html");
                headers.insert(header::CONTENT_TYPE, html);
            }
            _ => {}
        }
    }

    /// How the answer to a request with this method leaves.
    pub(crate) fn departure(&self, answer: Answer, method: &Method) -> Departure {
        match self.kind {
            Some(Kind::Reset {
                at: ResetAt::Before,
            }) => Departure::Reset,
            Some(Kind::Reset { at: ResetAt::Body }) => Departure::torn(answer, method),
            Some(Kind::LostAnswer { .. }) => Departure::Lost { wait: self.wait },
            _ => Departure::Whole {
                answer,
                wait: self.wait,
            },
        }
    }

    /// What the journal says; nothing if there was no fault.
    pub(crate) fn noted(&self) -> Option<Noted> {
        let kind = self.kind.as_ref()?;
        let ms = self.wait.as_millis();
        let effect: Cow<'static, str> = match kind {
            Kind::Status { status, signed, .. } => {
                let signed = if *signed { "signed" } else { "unsigned" };
                format!("answered {status}, {signed}; the operation did not run").into()
            }
            Kind::ErrorEnvelope { code, .. } => {
                format!("answered 200 with {code}; the operation did not run").into()
            }
            Kind::Html { status } => {
                format!("answered {status} with a page, unsigned; the operation did not run").into()
            }
            Kind::Reset {
                at: ResetAt::Before,
            } => "the connection was reset; the operation did not run".into(),
            Kind::Reset { at: ResetAt::Body } => {
                "after the operation, the connection was reset within the answer's body".into()
            }
            Kind::Delay { .. } => format!("after the operation, the answer waited {ms} ms").into(),
            Kind::LostAnswer { .. } => format!(
                "after the operation, the connection was closed without an answer, {ms} ms later"
            )
            .into(),
            Kind::BadSignature {} => "the signature does not match".into(),
            Kind::MissingSignature {} => "the signature's headers were left out".into(),
            Kind::StaleSignature { seconds } => {
                format!("the signature's timestamp is {seconds} s in the past").into()
            }
            Kind::UnknownSerial {} => "the signature names a key that nobody has".into(),
            Kind::Probe {} => "the signature is a probe, which does not match".into(),
            Kind::ClockSkew { seconds } => {
                format!("the clock of signatures was {seconds} s ahead").into()
            }
        };
        Some(Noted {
            kind: kind.name(),
            effect: effect.into_owned(),
        })
    }
}

/// The code that goes with a status in the documentation.
fn usual_code(status: u16) -> &'static str {
    match status {
        400 => "PARAM_ERROR",
        401 => "SIGN_ERROR",
        403 => "NO_AUTH",
        404 => "RESOURCE_NOT_EXISTS",
        429 => "FREQUENCY_LIMITED",
        500.. => "SYSTEM_ERROR",
        _ => "INVALID_REQUEST",
    }
}

fn page(status: StatusCode) -> String {
    format!(
        "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n\
         <center><h1>{status}</h1></center>\r\n<hr><center>gateway</center>\r\n\
         </body>\r\n</html>\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lognormal_waits_lie_around_their_median() {
        let kind = Kind::Delay {
            ms: None,
            median_ms: Some(100),
            sigma: Some(0.5),
        };
        let mut chance = Chance::new(3);
        let mut waits: Vec<_> = (0..999)
            .map(|_| Strike::new(&kind, &mut chance).wait.as_millis())
            .collect();
        waits.sort_unstable();
        assert!((90..=110).contains(&waits[499]), "{}", waits[499]);
        // A standard deviation up and down.
        assert!((54..=67).contains(&waits[158]), "{}", waits[158]);
        assert!((148..=182).contains(&waits[841]), "{}", waits[841]);
        let wild = Kind::Delay {
            ms: None,
            median_ms: Some(LONGEST_MS),
            sigma: Some(5.0),
        };
        let longest = Duration::from_millis(LONGEST_MS);
        assert!((0..99).all(|_| Strike::new(&wild, &mut chance).wait <= longest));
    }
}
