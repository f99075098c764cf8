//! `kabao sandbox fault`: trouble on demand.

use clap::{ArgAction, Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::{Value, json};

use super::{filled, number, whole};
use crate::{
    output::{
        printer::{Format, Printer},
        table::{self, Cell},
    },
    problem::Problem,
    steering::{Aim, Steering},
};

/// What to do with faults.
#[derive(Debug, Subcommand)]
pub(crate) enum FaultCommand {
    /// Let something go wrong.
    ///
    /// What is answered, the way there, the signature and the clock can go wrong at
    /// once: of each a request meets the first fault that was added and selects it.
    /// They are chosen once the request's signature was accepted; each kind says
    /// whether the operation runs, so whether a change is made. They hold for all
    /// sandboxes on one store, the embedded one included, until they are used up or
    /// cleared, or the store is reset or gets a snapshot.
    #[command(subcommand, after_help = EXAMPLES)]
    Add(Box<FaultArgs>),
    /// List what may still go wrong.
    List,
    /// Call all of it off.
    Clear,
}

/// What is to go wrong, as the control plane takes it.
#[derive(Debug, Subcommand, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum FaultArgs {
    /// Answer with a status; the operation does not run.
    Status {
        /// 200 to 599.
        #[arg(long)]
        status: u16,
        /// The error's code [default: the documented one].
        #[arg(long, value_parser = filled)]
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// The error's message.
        #[arg(long, value_name = "TEXT", value_parser = filled)]
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// Without WeChat Pay's signature.
        #[arg(long = "unsigned", action = ArgAction::SetFalse)]
        signed: bool,
        /// When to come back (Retry-After).
        #[arg(long, value_name = "SECONDS")]
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
        #[command(flatten)]
        #[serde(flatten)]
        who: SelectorArgs,
    },
    /// Hold the answer back, or a notification; the operation ran at once.
    Delay {
        /// As long as this.
        #[arg(
            long,
            value_name = "MS",
            required_unless_present = "median_ms",
            value_parser = whole,
            allow_negative_numbers = true
        )]
        #[serde(skip_serializing_if = "Option::is_none")]
        ms: Option<u64>,
        /// As servers do (lognormal): half of them longer than this.
        #[arg(long, value_name = "MS", requires = "sigma", conflicts_with = "ms")]
        #[serde(skip_serializing_if = "Option::is_none")]
        median_ms: Option<u64>,
        /// How much it varies, 0 to 5; with 0.5 one in twenty takes more than
        /// 2.3 times the median.
        #[arg(long, requires = "median_ms", value_parser = number)]
        #[serde(skip_serializing_if = "Option::is_none")]
        sigma: Option<f64>,
        #[command(flatten)]
        #[serde(flatten)]
        what: OnArgs,
    },
    /// Reset the connection, or lose a notification before it is posted.
    Reset {
        /// When.
        #[arg(long, default_value = "before")]
        at: ResetAt,
        #[command(flatten)]
        #[serde(flatten)]
        what: OnArgs,
    },
    /// Close the connection without an answer; the operation ran. Of a
    /// notification, lose what the receiver answers.
    LostAnswer {
        /// Hold it as long as this first.
        #[arg(
            long,
            value_name = "MS",
            default_value = "0",
            value_parser = whole,
            allow_negative_numbers = true
        )]
        ms: u64,
        #[command(flatten)]
        #[serde(flatten)]
        what: OnArgs,
    },
    /// Sign so that it does not match; the operation ran.
    BadSignature {
        #[command(flatten)]
        #[serde(flatten)]
        what: OnArgs,
    },
    /// Leave the signature's headers out; the operation ran.
    MissingSignature {
        #[command(flatten)]
        #[serde(flatten)]
        what: OnArgs,
    },
    /// Sign with a timestamp that is off; the operation ran.
    StaleSignature {
        /// How far in the past; in the future if negative.
        #[arg(long, default_value = "600", allow_negative_numbers = true)]
        seconds: i64,
        #[command(flatten)]
        #[serde(flatten)]
        what: OnArgs,
    },
    /// Name a key that nobody has; the operation ran.
    UnknownSerial {
        #[command(flatten)]
        #[serde(flatten)]
        what: OnArgs,
    },
    /// Send a probe: a wrong signature that says so; the operation ran.
    Probe {
        #[command(flatten)]
        #[serde(flatten)]
        what: OnArgs,
    },
    /// Answer a signed 200 with an error inside; the operation does not run.
    ErrorEnvelope {
        /// The error's code.
        #[arg(long, default_value = "SYSTEM_ERROR", value_parser = filled)]
        code: String,
        /// The error's message.
        #[arg(long, value_name = "TEXT", value_parser = filled)]
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        #[command(flatten)]
        #[serde(flatten)]
        who: SelectorArgs,
    },
    /// Answer with a gateway's page, unsigned; the operation does not run.
    Html {
        /// 200, 502 or 504.
        #[arg(long, default_value = "502")]
        status: u16,
        #[command(flatten)]
        #[serde(flatten)]
        who: SelectorArgs,
    },
    /// Post a notification twice.
    Duplicate {
        #[command(flatten)]
        #[serde(flatten)]
        who: SelectorArgs,
    },
    /// Post a notification that no key opens; its signature is good.
    BadCiphertext {
        #[command(flatten)]
        #[serde(flatten)]
        who: SelectorArgs,
    },
    /// Let the clock of signatures be off: requests are checked against it,
    /// answers and notifications stamped by it.
    ClockSkew {
        /// How far ahead; behind if negative.
        #[arg(long, allow_negative_numbers = true)]
        seconds: i64,
        #[command(flatten)]
        #[serde(flatten)]
        who: SelectorArgs,
    },
}

/// When a connection is reset.
#[derive(Debug, Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResetAt {
    /// Before the operation runs.
    Before,
    /// After it ran, within the answer's body.
    Body,
}

/// What can be befallen.
#[derive(Debug, Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum On {
    /// Answers.
    Answer,
    /// Notifications, whose path, caller (the receiver) and count are meant then.
    Notification,
}

#[derive(Debug, Args, Serialize)]
pub(crate) struct OnArgs {
    /// What is befallen.
    #[arg(long, default_value = "answer", help_heading = WHICH)]
    on: On,
    #[command(flatten)]
    #[serde(flatten)]
    who: SelectorArgs,
}

/// Which requests are befallen.
#[derive(Debug, Args, Serialize)]
pub(crate) struct SelectorArgs {
    /// Only this method.
    #[arg(long, help_heading = WHICH)]
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// Only paths that begin like this.
    #[arg(long, value_name = "PREFIX", help_heading = WHICH, value_parser = path)]
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Only this mchid or brand id.
    #[arg(long, value_name = "ID", help_heading = WHICH, value_parser = filled)]
    #[serde(skip_serializing_if = "Option::is_none")]
    caller: Option<String>,
    /// Only this operation, such as update_user_card.
    #[arg(long, value_name = "NAME", help_heading = WHICH)]
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
    /// How likely each is befallen, 0 to 1 [default: each is].
    #[arg(
        long,
        value_name = "SHARE",
        help_heading = WHICH,
        value_parser = number,
        allow_negative_numbers = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    /// Where chance begins, so that a run can be repeated [default: drawn, and
    /// listed].
    #[arg(
        long,
        value_name = "NUMBER",
        help_heading = WHICH,
        value_parser = whole,
        allow_negative_numbers = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    /// How many to let pass first.
    #[arg(
        long,
        value_name = "NUMBER",
        help_heading = WHICH,
        value_parser = whole,
        allow_negative_numbers = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    skip: Option<u64>,
    /// How many to befall [default: all].
    #[arg(
        long,
        value_name = "NUMBER",
        help_heading = WHICH,
        value_parser = whole,
        allow_negative_numbers = true
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
}

const WHICH: &str = "Which ones";

const EXAMPLES: &str = "\
Examples:
  kabao sandbox fault add status --status 503 --count 2
  kabao sandbox fault add lost-answer --operation update_user_card --count 1
  kabao sandbox fault add delay --median-ms 80 --sigma 0.5
  kabao sandbox fault add reset --at body --probability 0.1 --seed 7
  kabao sandbox fault add probe --on notification --count 1
  kabao sandbox fault add clock-skew --seconds -400";

/// The beginning of a path, which has no query.
fn path(text: &str) -> Result<String, String> {
    match text.starts_with('/') && !text.contains(['?', '#']) {
        true => Ok(text.to_owned()),
        false => Err("write the beginning of a path, such as /v3/brand, without query".to_owned()),
    }
}

impl FaultCommand {
    pub(crate) async fn run(self, aim: Aim<'_>, printer: &Printer) -> Result<(), Problem> {
        let outcome = Steering::with(aim, printer, async |steering| {
            let control = &steering.control;
            match self {
                Self::Add(fault) => control.post("faults", &json!(fault)).await,
                Self::List => control.get("faults").await,
                Self::Clear => control.delete("faults").await,
            }
        });
        let armed = outcome.await?;
        let armed = armed.get("data").and_then(Value::as_array);
        show(armed.map_or(&[], Vec::as_slice), printer)
    }
}

/// What is armed, in the order in which it is looked at.
fn show(armed: &[Value], printer: &Printer) -> Result<(), Problem> {
    match printer.format {
        Format::Json => printer.json(&armed),
        Format::Jsonl => armed.iter().try_for_each(|fault| printer.json(fault)),
        Format::Table if armed.is_empty() => {
            printer.note("nothing is to go wrong");
            Ok(())
        }
        Format::Table => {
            const HEAD: &[&str] = &["Fault", "Left", "How, and for whom"];
            let lines: Vec<_> = armed.iter().map(line).collect();
            printer.data(table::columns_of(HEAD, &lines, printer.paint()))
        }
    }
}

fn line(fault: &Value) -> Vec<Cell> {
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let known = |name: &str| fault.get(name).map(text);
    let members = fault.as_object().into_iter().flatten();
    let others: Vec<String> = members
        .filter(|(name, _)| !["kind", "count"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name} {}", text(value)))
        .collect();
    vec![
        known("kind").unwrap_or_default().into(),
        known("count").unwrap_or_else(|| "all".into()).into(),
        others.join(", ").into(),
    ]
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: FaultCommand,
    }

    fn parse(arguments: &str) -> Result<Value, String> {
        let words = ["fault", "add"].into_iter().chain(arguments.split(' '));
        match Line::try_parse_from(words).map(|line| line.command) {
            Ok(FaultCommand::Add(fault)) => Ok(json!(fault)),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn flags_become_the_members_of_an_order() {
        for (arguments, order) in [
            (
                "status --status 429 --retry-after 2 --count 1",
                json!({"kind": "status", "status": 429, "signed": true, "retry_after": 2, "count": 1}),
            ),
            (
                "status --status 500 --code X --message y --unsigned",
                json!({"kind": "status", "status": 500, "code": "X", "message": "y", "signed": false}),
            ),
            (
                "delay --ms 5",
                json!({"kind": "delay", "ms": 5, "on": "answer"}),
            ),
            ("duplicate", json!({"kind": "duplicate"})),
            (
                "delay --median-ms 5 --sigma 0.5 --seed 1",
                json!({"kind": "delay", "median_ms": 5, "sigma": 0.5, "seed": 1, "on": "answer"}),
            ),
            (
                "reset",
                json!({"kind": "reset", "at": "before", "on": "answer"}),
            ),
            (
                "reset --at body",
                json!({"kind": "reset", "at": "body", "on": "answer"}),
            ),
            (
                "lost-answer --ms 9",
                json!({"kind": "lost_answer", "ms": 9, "on": "answer"}),
            ),
            (
                "bad-signature",
                json!({"kind": "bad_signature", "on": "answer"}),
            ),
            (
                "missing-signature",
                json!({"kind": "missing_signature", "on": "answer"}),
            ),
            (
                "stale-signature --seconds -400",
                json!({"kind": "stale_signature", "seconds": -400, "on": "answer"}),
            ),
            (
                "unknown-serial",
                json!({"kind": "unknown_serial", "on": "answer"}),
            ),
            (
                "probe --on notification --skip 1",
                json!({"kind": "probe", "on": "notification", "skip": 1}),
            ),
            (
                "error-envelope --message y",
                json!({"kind": "error_envelope", "code": "SYSTEM_ERROR", "message": "y"}),
            ),
            (
                "html --method GET --path /v3/ --caller 1004 --operation get_card --probability 0.5",
                json!({
                    "kind": "html", "status": 502, "method": "GET", "path": "/v3/",
                    "caller": "1004", "operation": "get_card", "probability": 0.5,
                }),
            ),
            (
                "clock-skew --seconds -1",
                json!({"kind": "clock_skew", "seconds": -1}),
            ),
        ] {
            assert_eq!(parse(arguments).as_ref(), Ok(&order), "{arguments}");
        }
    }

    #[test]
    fn what_is_missing_or_too_much_is_a_usage_error() {
        for (arguments, word) in [
            ("status", "--status"),
            ("delay", "--ms"),
            ("delay --ms 1 --median-ms 2 --sigma 1", "--ms"),
            ("delay --median-ms 2", "--sigma"),
            ("html --on notification", "--on"),
            ("clock-skew", "--seconds"),
            ("earthquake", "earthquake"),
            ("html --caller=", "it is empty"),
            ("status --status 400 --code=", "it is empty"),
            ("error-envelope --message=", "it is empty"),
            ("html --path /v3/x?a=b", "without query"),
            ("html --count -1", "a whole number"),
            ("html --probability nan", "write a number"),
            ("html --probability inf", "write a number"),
            ("delay --median-ms 2 --sigma NaN", "write a number"),
        ] {
            let error = parse(arguments).expect_err(arguments);
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn every_command_of_the_page_is_understood() {
        let page = include_str!("../../../../../docs/faults.md");
        let prefix = "kabao sandbox fault add ";
        let commands = page.lines().filter_map(|line| line.strip_prefix(prefix));
        let parsed: Vec<_> = commands.map(parse).collect();
        assert!(
            parsed.len() > 15 && parsed.iter().all(Result::is_ok),
            "{parsed:?}"
        );
    }
}
