//! What a fault does to the one that it befalls.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use kabao_core::error_body::ErrorBody;

use super::{
    Departure, Fault, Kind, On, Part,
    chance::Chance,
    kind::{ORDERED, ResetAt, longest_ms},
};
use crate::{gate::Answer, refusal::Refusal, routes::Reply};

/// The faults that have befallen somebody, one of a part; by default none.
#[derive(Debug, Default)]
pub(crate) struct Strike {
    pub(super) faults: Vec<Struck>,
    /// How many seconds the clock is ahead that the answer is stamped by.
    pub(super) skew: i64,
    /// What to answer if it is not known what else would have befallen it, as the
    /// store did not say.
    pub(crate) unsure: Option<Refusal>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Struck {
    kind: Kind,
    on: On,
    /// How long the answer, or the post, waits.
    wait: Duration,
}

/// What the journal says of it.
#[derive(Debug, Clone)]
pub(crate) struct Noted {
    /// The kind's name.
    pub(crate) kind: &'static str,
    /// In words, and whether the operation ran.
    pub(crate) effect: String,
}

impl Struck {
    pub(super) fn new(fault: &Fault, chance: &mut Chance) -> Self {
        let longest = longest_ms(fault.on);
        let ms = match &fault.kind {
            Kind::Delay {
                median_ms: Some(median_ms),
                sigma: Some(sigma),
                ..
            } => {
                let ms = *median_ms as f64 * (sigma * chance.normal()).exp();
                // A number that is too large becomes the largest.
                (ms.round() as u64).min(longest)
            }
            Kind::Delay { ms: Some(ms), .. } | Kind::LostAnswer { ms } => *ms,
            _ => 0,
        };
        Self {
            kind: fault.kind.clone(),
            on: fault.on,
            wait: Duration::from_millis(ms),
        }
    }
}

impl Strike {
    /// The fault of this part.
    pub(crate) fn of(&self, part: Part) -> Option<&Kind> {
        let mut kinds = self.faults.iter().map(|struck| &struck.kind);
        kinds.find(|kind| kind.part() == part)
    }

    /// How far the clock is off, in seconds.
    pub(crate) fn seconds(&self) -> i64 {
        match self.of(Part::Clock) {
            Some(Kind::ClockSkew { seconds }) => *seconds,
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
        let content = self.of(Part::Content);
        let status = match (content, self.of(Part::Way)) {
            (Some(Kind::Status { status, .. } | Kind::Html { status }), _) => *status,
            (Some(_), _) => 200,
            (None, Some(way)) if way.is_reset_before() => 500, // It is never sent.
            (None, _) => return None,
        };
        // It was checked that it is one.
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = match (self.error(), content) {
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
        let (code, message) = match self.of(Part::Content)? {
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
            self.of(Part::Content),
            Some(Kind::Status { signed: false, .. } | Kind::Html { .. })
        )
    }

    /// Whether there is a signature that anybody gets to see.
    pub(super) fn shows_signature(&self) -> bool {
        // The answer that a notification loses is the receiver's.
        let is_lost = self.faults.iter().any(|struck| {
            struck.kind.is_reset_before()
                || struck.on == On::Answer && matches!(struck.kind, Kind::LostAnswer { .. })
        });
        !is_lost && !self.is_unsigned()
    }

    /// Puts on what belongs to an answer of this kind.
    pub(crate) fn dress(&self, headers: &mut HeaderMap) {
        match self.of(Part::Content) {
            Some(Kind::Status {
                retry_after: Some(seconds),
                ..
            }) => {
                headers.insert(header::RETRY_AFTER, (*seconds).into());
            }
            Some(Kind::Html { .. }) => {
                let html = HeaderValue::from_static("text/html");
                headers.insert(header::CONTENT_TYPE, html);
            }
            _ => {}
        }
    }

    /// How long the answer, or the post, waits.
    pub(crate) fn wait(&self) -> Duration {
        self.faults.iter().map(|struck| struck.wait).sum()
    }

    /// How the answer to a request with this method leaves.
    pub(crate) fn departure(&self, answer: Answer, method: &Method) -> Departure {
        let wait = self.wait();
        match self.of(Part::Way) {
            Some(Kind::Reset {
                at: ResetAt::Before,
            }) => Departure::Reset,
            Some(Kind::Reset { at: ResetAt::Body }) => Departure::torn(answer, method),
            Some(Kind::LostAnswer { .. }) => Departure::Lost { wait },
            _ => Departure::Whole { answer, wait },
        }
    }

    /// What the journal says of each.
    pub(crate) fn noted(&self) -> Vec<Noted> {
        self.noted_of_a_post(None)
    }

    /// The same of a post, which may have had no answer for some reason.
    pub(crate) fn noted_of_a_post(&self, unanswered: Option<&str>) -> Vec<Noted> {
        let runs = self.of(Part::Content).is_none();
        let noted = self.faults.iter();
        noted.map(|struck| struck.noted(runs, unanswered)).collect()
    }
}

impl Struck {
    /// `runs` says that no other fault kept the operation from running.
    fn noted(&self, runs: bool, unanswered: Option<&str>) -> Noted {
        let ms = self.wait.as_millis();
        let after = if runs { "after the operation, " } else { "" };
        if self.on == On::Notification
            && let Some(effect) = self.noted_of_a_post(unanswered)
        {
            let kind = self.kind.name();
            return Noted { kind, effect };
        }
        let effect = match &self.kind {
            Kind::Status { status, signed, .. } => {
                let signed = if *signed { "signed" } else { "unsigned" };
                format!("answered {status}, {signed}; the operation did not run")
            }
            Kind::ErrorEnvelope { code, .. } => {
                format!("answered 200 with {code}; the operation did not run")
            }
            Kind::Html { status } => {
                format!("answered {status} with a page, unsigned; the operation did not run")
            }
            Kind::Reset {
                at: ResetAt::Before,
            } => "the connection was reset; the operation did not run".into(),
            Kind::Reset { at: ResetAt::Body } => {
                format!("{after}the connection was reset within the answer's body")
            }
            Kind::Delay { .. } => format!("{after}the answer waited {ms} ms"),
            Kind::LostAnswer { .. } => {
                format!("{after}the connection was closed without an answer, {ms} ms later")
            }
            Kind::BadSignature {} => "the signature does not match".into(),
            Kind::MissingSignature {} => "the signature's headers were left out".into(),
            Kind::StaleSignature { seconds } => {
                format!("the signature's timestamp is {seconds} s in the past")
            }
            Kind::UnknownSerial {} => "the signature names a key that nobody has".into(),
            Kind::Probe {} => "the signature is a probe, which does not match".into(),
            Kind::Duplicate {} => match unanswered {
                None => "it was posted twice".into(),
                Some(why) => format!("it was to be posted twice: {why}"),
            },
            Kind::BadCiphertext {} => "the ciphertext was altered, so that no key opens it".into(),
            Kind::ClockSkew { seconds } => {
                format!("the clock of signatures was {seconds} s ahead")
            }
        };
        Noted {
            kind: self.kind.name(),
            effect,
        }
    }

    /// What has other words for a notification.
    fn noted_of_a_post(&self, unanswered: Option<&str>) -> Option<String> {
        Some(match &self.kind {
            Kind::Delay { .. } => format!("it was held for {} ms", self.wait.as_millis()),
            Kind::Reset { .. } => "it was lost before it was posted".into(),
            Kind::LostAnswer { .. } => match unanswered {
                None => "the receiver's answer was lost".into(),
                Some(why) => format!("there was no answer to lose: {why}"),
            },
            _ => return None,
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
        502 | 503 => "SERVICE_UNAVAILABLE",
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
    use crate::faults::Selector;

    #[test]
    fn lognormal_waits_lie_around_their_median() {
        let kind = Kind::Delay {
            ms: None,
            median_ms: Some(100),
            sigma: Some(0.5),
        };
        let fault = |kind| Fault {
            kind,
            on: On::Answer,
            selector: Selector::default(),
        };
        let (kind, mut chance) = (fault(kind), Chance::new(3));
        let mut waits: Vec<_> = (0..999)
            .map(|_| Struck::new(&kind, &mut chance).wait.as_millis())
            .collect();
        waits.sort_unstable();
        assert!((90..=110).contains(&waits[499]), "{}", waits[499]);
        // A standard deviation up and down.
        assert!((54..=67).contains(&waits[158]), "{}", waits[158]);
        assert!((148..=182).contains(&waits[841]), "{}", waits[841]);
        let wild = Kind::Delay {
            ms: None,
            median_ms: Some(longest_ms(On::Answer)),
            sigma: Some(5.0),
        };
        let wild = fault(wild);
        let longest = Duration::from_millis(longest_ms(On::Answer));
        assert!((0..99).all(|_| Struck::new(&wild, &mut chance).wait <= longest));
    }
}
