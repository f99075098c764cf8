//! What can go wrong.

use serde::{Deserialize, Serialize};

use super::On;

/// What a kind is about. Faults of different parts come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// What is said.
    Content,
    /// How it arrives.
    Way,
    /// The signature.
    Signature,
    /// The clock of signatures.
    Clock,
}

/// The kinds of trouble, each with what it needs to know. On the wire they are
/// named in snake case, their members beside the selector's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Kind {
    /// This status is answered; the operation does not run.
    Status {
        /// 200 to 599.
        status: u16,
        /// Default: the documented one of the status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// Default: words that say it was ordered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Whether WeChat Pay signs it, as it does its own answers.
        #[serde(default = "yes")]
        signed: bool,
        /// `Retry-After`, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// The answer waits; the operation ran at once. Either `ms`, or lognormal
    /// around `median_ms`: half of the waits are longer, and the greater
    /// `sigma`, the more they spread.
    Delay {
        /// Milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ms: Option<u64>,
        /// Milliseconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        median_ms: Option<u64>,
        /// Standard deviation of the logarithm, 0 to 5; with 0.5 one in twenty
        /// waits more than 2.3 times the median.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sigma: Option<f64>,
    },
    /// The connection is reset.
    Reset {
        /// When.
        #[serde(default)]
        at: ResetAt,
    },
    /// The operation runs, and the connection is closed without an answer.
    LostAnswer {
        /// How long it is held first, in milliseconds.
        #[serde(default)]
        ms: u64,
    },
    /// The operation runs; the signature does not match the answer.
    BadSignature {},
    /// The operation runs; none of the headers of a signature is there.
    MissingSignature {},
    /// The operation runs; the signature is good and its timestamp is off.
    StaleSignature {
        /// How many seconds in the past; in the future if negative.
        #[serde(default = "ten_minutes")]
        seconds: i64,
    },
    /// The operation runs; the signature names a key that nobody has.
    UnknownSerial {},
    /// The operation runs; the signature is wrong and says so, as WeChat Pay's
    /// are now and then, to see whether the receiver verifies.
    Probe {},
    /// 200, signed, and an error inside; the operation does not run.
    ErrorEnvelope {
        /// Default: `SYSTEM_ERROR`.
        #[serde(default = "system_error")]
        code: String,
        /// Default: words that say it was ordered.
        #[serde(default = "ordered")]
        message: String,
    },
    /// A gateway's page, unsigned; the operation does not run.
    Html {
        /// 200, 502 or 504.
        #[serde(default = "bad_gateway")]
        status: u16,
    },
    /// A notification is posted twice, one after the other.
    Duplicate {},
    /// A notification's resource does not open, as if it were encrypted with
    /// another key. Its signature is good.
    BadCiphertext {},
    /// The clock of signatures is off: timestamps of requests are checked
    /// against it, answers and notifications are stamped by it.
    ClockSkew {
        /// How many seconds ahead; behind if negative.
        seconds: i64,
    },
}

/// When a connection is reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResetAt {
    /// Before the operation runs.
    #[default]
    Before,
    /// After it ran, with half of the answer's body sent; with nothing sent if
    /// it has no body.
    Body,
}

/// The message of a made-up error.
pub(super) const ORDERED: &str = "沙箱按要求返回的错误";

/// How long an answer or a post can wait, in milliseconds: the one for ten minutes,
/// as no client waits longer; the other, with two attempts after it, for less than a
/// lease, or it could not be posted any more.
pub(super) const fn longest_ms(on: On) -> u64 {
    match on {
        On::Answer => 600_000,
        On::Notification => 10_000,
    }
}

/// Ten years, in seconds.
const FAR: u64 = 10 * 365 * 86_400;

const fn yes() -> bool {
    true
}

const fn ten_minutes() -> i64 {
    600
}

const fn bad_gateway() -> u16 {
    502
}

fn system_error() -> String {
    "SYSTEM_ERROR".into()
}

fn ordered() -> String {
    ORDERED.into()
}

impl Kind {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Delay { .. } => "delay",
            Self::Reset { .. } => "reset",
            Self::LostAnswer { .. } => "lost_answer",
            Self::BadSignature {} => "bad_signature",
            Self::MissingSignature {} => "missing_signature",
            Self::StaleSignature { .. } => "stale_signature",
            Self::UnknownSerial {} => "unknown_serial",
            Self::Probe {} => "probe",
            Self::ErrorEnvelope { .. } => "error_envelope",
            Self::Html { .. } => "html",
            Self::Duplicate {} => "duplicate",
            Self::BadCiphertext {} => "bad_ciphertext",
            Self::ClockSkew { .. } => "clock_skew",
        }
    }

    pub(super) fn part(&self) -> Part {
        match self {
            Self::Status { .. }
            | Self::ErrorEnvelope { .. }
            | Self::Html { .. }
            | Self::BadCiphertext {} => Part::Content,
            Self::Delay { .. }
            | Self::Reset { .. }
            | Self::LostAnswer { .. }
            | Self::Duplicate {} => Part::Way,
            Self::BadSignature {}
            | Self::MissingSignature {}
            | Self::StaleSignature { .. }
            | Self::UnknownSerial {}
            | Self::Probe {} => Part::Signature,
            Self::ClockSkew { .. } => Part::Clock,
        }
    }

    pub(super) fn is_skew(&self) -> bool {
        self.part() == Part::Clock
    }

    /// Whether the operation does not run, and nothing is answered.
    pub(super) fn is_reset_before(&self) -> bool {
        let at = ResetAt::Before;
        *self == Self::Reset { at }
    }

    /// What it befalls if that is not said.
    pub(super) fn on(&self) -> On {
        match self {
            Self::Duplicate {} | Self::BadCiphertext {} => On::Notification,
            _ => On::Answer,
        }
    }

    /// Whether chance has a say in what it does.
    pub(super) fn is_random(&self) -> bool {
        matches!(self, Self::Delay { sigma: Some(_), .. })
    }

    /// Says what makes no sense, the member first.
    pub(super) fn check(&self, on: On) -> Result<(), String> {
        let is_post = on == On::Notification;
        match self {
            Self::Status { .. } | Self::ErrorEnvelope { .. } | Self::Html { .. } if is_post => {
                Err(format!("on: {} befalls answers only", self.name()))
            }
            Self::Duplicate {} | Self::BadCiphertext {} if !is_post => {
                Err(format!("on: {} befalls notifications only", self.name()))
            }
            Self::Status {
                status,
                code,
                message,
                ..
            } => match status {
                204 | 304 if code.is_some() => Err(format!("code: {status} has no body")),
                204 | 304 if message.is_some() => Err(format!("message: {status} has no body")),
                200..=599 => Ok(()),
                _ => Err(format!("status: {status} is none of 200 to 599")),
            },
            Self::Html { status } => match status {
                200 | 502 | 504 => Ok(()),
                _ => Err(format!("status: {status} is none of 200, 502, 504")),
            },
            Self::Delay {
                ms,
                median_ms,
                sigma,
            } => check_delay(*ms, *median_ms, *sigma, on),
            Self::Reset { at: ResetAt::Body } if is_post => {
                Err("at: a notification is reset before it is posted".into())
            }
            Self::LostAnswer { ms: 1.. } if is_post => {
                Err("ms: the receiver's answer is lost at once".into())
            }
            Self::LostAnswer { ms } => check_wait("ms", *ms, on),
            Self::StaleSignature { seconds } | Self::ClockSkew { seconds } => match seconds {
                0 => Err("seconds: 0 is on time".into()),
                _ if seconds.unsigned_abs() <= FAR => Ok(()),
                _ => Err(format!("seconds: {seconds} is more than ten years")),
            },
            Self::Reset { .. }
            | Self::BadSignature {}
            | Self::MissingSignature {}
            | Self::UnknownSerial {}
            | Self::Probe {}
            | Self::Duplicate {}
            | Self::BadCiphertext {}
            | Self::ErrorEnvelope { .. } => Ok(()),
        }
    }
}

fn check_delay(
    ms: Option<u64>,
    median_ms: Option<u64>,
    sigma: Option<f64>,
    on: On,
) -> Result<(), String> {
    match (ms, median_ms, sigma) {
        (Some(ms), None, None) => check_wait("ms", ms, on),
        (None, Some(median_ms), Some(0.0..=5.0)) => check_wait("median_ms", median_ms, on),
        (None, Some(_), Some(sigma)) => Err(format!("sigma: {sigma} is not between 0 and 5")),
        (None, Some(_), None) => Err("sigma: missing, it goes with median_ms".into()),
        (Some(_), Some(_), _) => Err("ms: give it or median_ms, not both".into()),
        (Some(_), None, Some(_)) => Err("sigma: goes with median_ms, not with ms".into()),
        (None, None, _) => Err("ms: missing; or give median_ms and sigma".into()),
    }
}

fn check_wait(name: &str, ms: u64, on: On) -> Result<(), String> {
    let longest = longest_ms(on);
    if ms <= longest {
        return Ok(());
    }
    let what = match on {
        On::Answer => "ten minutes",
        On::Notification => "as long as a notification is held",
    };
    Err(format!("{name}: {ms} is more than {longest}, {what}"))
}
