//! `kabao points`: what WeChat shows of a member's points, and coupons for
//! them.

use clap::{Args, Subcommand};
use kabao::card_member::{ConfirmPointExchange, ExchangeResult, ExchangeState, SyncUserPoints};
use serde::Deserialize;

use super::{
    body::{JsonArgs, Part},
    ids::HolderArgs,
    missing::Missing,
    names,
    request_no::RequestNoArgs,
};
use crate::{
    output::{members, printer::Printer},
    problem::Problem,
    session::Session,
};

/// What to do with points. Your own system keeps them.
#[derive(Debug, Subcommand)]
pub(crate) enum PointsCommand {
    /// Report a card's points: the balance itself, not a change.
    #[command(after_help = SYNC_EXAMPLES)]
    Sync(SyncArgs),
    /// Answer a user's wish to exchange points for a coupon.
    ///
    /// Deduct the points before you allow it. Should the answer's state be
    /// POINT_EXCHANGE_COUPON_FAIL then, give them back.
    #[command(after_help = CONFIRM_EXAMPLES)]
    ConfirmExchange(ConfirmArgs),
}

/// A card's points.
#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    card: HolderArgs,
    #[command(flatten)]
    number: RequestNoArgs,
    #[command(flatten)]
    balance: BalanceArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// How many.
#[derive(Debug, Default, Args, Deserialize)]
#[group(conflicts_with = "json")]
struct BalanceArgs {
    /// The balance.
    #[arg(long, value_name = "POINTS", allow_negative_numbers = true)]
    point_balance: Option<i64>,
}

impl Part for BalanceArgs {}

/// An answer to a wish.
#[derive(Debug, Args)]
pub(crate) struct ConfirmArgs {
    #[command(flatten)]
    card: HolderArgs,
    #[command(flatten)]
    answer: AnswerArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Which wish, and whether it is granted.
#[derive(Debug, Default, Args, Deserialize)]
#[group(conflicts_with = "json")]
struct AnswerArgs {
    /// The exchange, from the notification.
    #[arg(long, value_name = "ID")]
    record_id: Option<String>,
    /// WeChat Pay's template of the exchange, from the notification.
    #[arg(long, value_name = "ID")]
    exchange_coupon_template_id: Option<String>,
    /// ALLOW or REJECT.
    #[arg(
        long, value_name = "RESULT",
        value_parser = names::of::<ExchangeResult>(ExchangeResult::KNOWN),
    )]
    result: Option<ExchangeResult>,
    /// Why it is rejected, at most 32 characters; needed then.
    #[arg(long, value_name = "TEXT")]
    reject_reason: Option<String>,
}

impl Part for AnswerArgs {}

impl PointsCommand {
    pub(crate) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        match self {
            Self::Sync(args) => args.run(profile, printer).await,
            Self::ConfirmExchange(args) => args.run(profile, printer).await,
        }
    }
}

impl SyncArgs {
    async fn run(mut self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        if let Some(mut body) = self.json.read()? {
            self.card.take_from(&mut body)?;
            self.number.take_from(&mut body)?;
            self.balance = body.take()?;
            body.end()?;
        }
        let mut missing = Missing::default();
        let member = ("point_balance", "--point-balance");
        let point_balance = missing.take(member, self.balance.point_balance);
        missing.end()?;
        let number = self.number.number();
        let balance = Session::with(profile, printer, async |session| {
            let (members, key) = self.card.resolve(session)?;
            let sync = SyncUserPoints {
                key,
                out_request_no: number.to_string(),
                point_balance,
            };
            number.send(&sync, &members, printer).await
        });
        members::show(&balance.await?, None, printer)
    }
}

impl ConfirmArgs {
    async fn run(mut self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        if let Some(mut body) = self.json.read()? {
            self.card.take_from(&mut body)?;
            self.answer = body.take()?;
            body.end()?;
        }
        let answer = self.answer;
        let mut missing = Missing::default();
        let record_id = missing.take(("record_id", "--record-id"), answer.record_id);
        let exchange_coupon_template_id = missing.take(
            (
                "exchange_coupon_template_id",
                "--exchange-coupon-template-id",
            ),
            answer.exchange_coupon_template_id,
        );
        let result = missing.take_or(
            ("result", "--result"),
            answer.result,
            ExchangeResult::Reject,
        );
        missing.end()?;
        let is_allowed = result == ExchangeResult::Allow;
        let exchange = Session::with(profile, printer, async |session| {
            let (members, key) = self.card.resolve(session)?;
            let confirm = ConfirmPointExchange {
                key,
                record_id,
                exchange_coupon_template_id,
                result,
                reject_reason: answer.reject_reason,
            };
            Ok(members.send(&confirm).await?)
        });
        let exchange = exchange.await?;
        if is_allowed && exchange.state == ExchangeState::Fail {
            printer.warn("no coupon was issued: give the points back to the user");
        }
        members::show(&exchange, None, printer)
    }
}

const SYNC_EXAMPLES: &str = "\
Examples:
  kabao points sync 478515832665 --point-balance 1200
  kabao points sync --json points.json";

const CONFIRM_EXAMPLES: &str = "\
Examples:
  kabao points confirm-exchange 478515832665 --record-id WfTb8hfabrPAiw \\
    --exchange-coupon-template-id 0Flpo7FqTQ --result ALLOW
  kabao points confirm-exchange 478515832665 --record-id WfTb8hfabrPAiw \\
    --exchange-coupon-template-id 0Flpo7FqTQ --result REJECT --reject-reason 积分不足
  kabao points confirm-exchange --json answer.json";
