//! `kabao sandbox keys`: WeChat Pay's own keys, and which of them signs.

use clap::Subcommand;
use serde_json::{Value, json};

use super::{callers, clock::seconds, number};
use crate::{
    output::{
        members,
        printer::{Format, Printer},
    },
    problem::Problem,
    steering::{Aim, Steering},
};

/// What to do with WeChat Pay's keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Show the platform certificates in force.
    Show,
    /// Put a new platform certificate in force.
    Rotate {
        /// How long the new one is listed before it signs, by the sandbox's clock,
        /// such as 10d or 30s; at once if left out.
        #[arg(long, value_name = "SPAN", default_value = "0s", value_parser = seconds)]
        notice: i64,
        /// How long the old one stays once the new one signs.
        #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = seconds)]
        overlap: i64,
    },
    /// Move merchants from certificates to the public key, or back.
    Migration {
        /// Which share of the notifications is signed with the public key: 0 before
        /// the move, 100 after it, one decimal between. Answers go by the request.
        #[arg(value_name = "PERCENT", value_parser = number)]
        public_key_percent: f64,
        /// One merchant alone.
        #[arg(long)]
        mchid: Option<String>,
    },
}

impl KeysCommand {
    pub(crate) async fn run(self, aim: Aim<'_>, printer: &Printer) -> Result<(), Problem> {
        let is_list = matches!(self, Self::Migration { .. });
        let outcome = Steering::with_now(aim, printer, async |steering| {
            let control = &steering.control;
            match self {
                Self::Show => control.get("keys").await,
                Self::Rotate { notice, overlap } => {
                    let body = json!({
                        "notice_seconds": span("--notice", notice)?,
                        "overlap_seconds": span("--overlap", overlap)?,
                    });
                    control.post("keys/rotate-certificate", &body).await
                }
                Self::Migration {
                    public_key_percent,
                    mchid,
                } => {
                    let mut body = json!({ "public_key_percent": public_key_percent });
                    if let Some(mchid) = mchid {
                        body["mchid"] = mchid.into();
                    }
                    control.put("keys/migration", &body).await
                }
            }
        });
        let (answer, now) = outcome.await?;
        match is_list {
            true => callers::list(&answer, callers::MERCHANTS, printer),
            false => members::show(&without_file(answer, printer), now, printer),
        }
    }
}

/// The answer without the new certificate, which makes no row; programs get all.
fn without_file(mut answer: Value, printer: &Printer) -> Value {
    if printer.format == Format::Table
        && let Some(members) = answer.as_object_mut()
        && members.shift_remove("wechatpay_cert.pem").is_some()
    {
        printer.note("the new certificate is in the answer with --output json");
    }
    answer
}

fn span(option: &str, seconds: i64) -> Result<u64, Problem> {
    u64::try_from(seconds).map_err(|_| Problem::new(format!("{option} cannot be negative")))
}
