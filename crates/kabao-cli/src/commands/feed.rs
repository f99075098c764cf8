//! `kabao feed`: lines of news on a member's card.

use clap::{Args, Subcommand};
use kabao::card_member::CreateUserFeed;
use serde::Deserialize;

use super::{
    body::{JsonArgs, Part},
    ids::HolderArgs,
    missing::Missing,
    request_no::RequestNoArgs,
};
use crate::{
    output::{members, printer::Printer},
    problem::Problem,
    session::Session,
};

/// What to do with feeds.
#[derive(Debug, Subcommand)]
pub(crate) enum FeedCommand {
    /// Push a line of news that does not come from a WeChat Pay order.
    #[command(after_help = EXAMPLES, after_long_help = SENTENCES)]
    Create(CreateArgs),
}

/// A line for one card.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    card: HolderArgs,
    #[command(flatten)]
    number: RequestNoArgs,
    #[command(flatten)]
    line: LineArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// What it says.
#[derive(Debug, Default, Args, Deserialize)]
#[group(conflicts_with = "json")]
struct LineArgs {
    /// Which of WeChat's sentences, with which values, such as 1_100; at most
    /// 128 characters.
    #[arg(long, value_name = "CELL")]
    cell: Option<String>,
}

impl Part for LineArgs {}

impl FeedCommand {
    pub(crate) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        let Self::Create(mut args) = self;
        if let Some(mut body) = args.json.read()? {
            args.card.take_from(&mut body)?;
            args.number.take_from(&mut body)?;
            args.line = body.take()?;
            body.end()?;
        }
        let mut missing = Missing::default();
        let cell = missing.take(("cell", "--cell"), args.line.cell);
        missing.end()?;
        let number = args.number.number();
        let feed = Session::with(profile, printer, async |session| {
            let (members, key) = args.card.resolve(session)?;
            let create = CreateUserFeed {
                key,
                out_request_no: number.to_string(),
                cell,
            };
            number.send(&create, &members, printer).await
        });
        members::show(&feed.await?, None, printer)
    }
}

const EXAMPLES: &str = "\
Examples:
  kabao feed create 478515832665 --cell 1_100
  kabao feed create --json feed.json

The sentences are in --help.";

const SENTENCES: &str = "\
Examples:
  kabao feed create 478515832665 --cell 1_100
  kabao feed create --json feed.json

A cell is the number of a sentence and its values, joined by underscores: first
the numbers x and y, then the number of the approved text S.

   0  joining; shows while the template has a running activity
   1  this time x points more
   2  x points more once the goods are received
   3  the points of this order are under way
   4  x yuan more to reach S
   5  x yuan more to keep S
   6  x points, good for a coupon of y yuan
   7  x points, worth y yuan
   8  points buy a coupon of x yuan
   9  x points, good for S
  10  x yuan buy S
  11  x yuan a month, saves up to y
  12  x yuan a year, saves up to y
  13  x yuan a month, pays back with one order
  14  x yuan buy y coupons of S
  15  y yuan S from a discount of x
  16  S ends in x days
  17  ends in x days";
