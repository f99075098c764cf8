//! `kabao user-card`: the cards that users hold.

mod confirm;
mod faces;
pub(crate) mod import;
mod invalidate;
mod list;
mod members;
mod update;

use clap::Subcommand;
use kabao::card_member::GetUserCard;

use super::ids::UserCardArgs;
use crate::{
    output::{printer::Printer, shown},
    problem::Problem,
    session::Session,
};

/// What to do with users' cards.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCardCommand {
    /// Show a user's card, phone number and form answers opened.
    ///
    /// Times are Chinese time (+08:00), as the API writes them.
    #[command(after_help = GET_EXAMPLES)]
    Get {
        #[command(flatten)]
        card: UserCardArgs,
    },
    /// List the cards that a user holds in a brand.
    #[command(after_help = LIST_EXAMPLES)]
    List(list::ListArgs),
    /// Change a user's card and show it as it is then, changes marked.
    ///
    /// What is not named stays as it is; an empty text clears one that may be
    /// empty. Phone number and form answers are given in plaintext and sealed
    /// before they leave. (Other users of this machine can see a command's
    /// arguments while it runs; `--phone-number -` and `--json` avoid that.)
    #[command(after_help = UPDATE_EXAMPLES)]
    Update(Box<update::UpdateArgs>),
    /// Take over a member who exists already. The card serves at once.
    ///
    /// Nobody has to confirm it, and no notification follows. Without --valid
    /// the card has the template's validity; a number of days counts from
    /// --pickup-time, which is needed then. The same user with the same code
    /// gives the card that is there, so it may be repeated.
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Box<import::ImportArgs>),
    /// Report how opening a membership ended: whoever joins is a member only
    /// then.
    ///
    /// Where you allocate codes, CODE is the one that the card gets. The card
    /// can be changed on the way; form answers that are not named stay.
    #[command(after_help = CONFIRM_EXAMPLES)]
    Confirm(Box<confirm::ConfirmArgs>),
    /// Invalidate a user's card, for good.
    ///
    /// Tell the user first and have consent.
    #[command(after_help = INVALIDATE_EXAMPLES)]
    Invalidate(invalidate::InvalidateArgs),
}

impl UserCardCommand {
    pub(crate) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        match self {
            Self::Get { card } => get(card, profile, printer).await,
            Self::List(args) => args.run(profile, printer).await,
            Self::Update(args) => args.run(profile, printer).await,
            Self::Import(args) => args.run(profile, printer).await,
            Self::Confirm(args) => args.run(profile, printer).await,
            Self::Invalidate(args) => args.run(profile, printer).await,
        }
    }
}

async fn get(card: UserCardArgs, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
    let found = Session::with_now(profile, printer, async |session| {
        let (members, key) = card.resolve(session)?;
        let card = members.send(&GetUserCard { key }).await?;
        let face = faces::of(&card, &members, printer).await;
        Ok((card, face))
    });
    let ((card, face), now) = found.await?;
    shown::show(&card, face, now, printer)
}

const GET_EXAMPLES: &str = "\
Examples:
  kabao user-card get 478515832665
  kabao user-card get 478515832665 --brand-id 1004 --card-id pbLatj… --openid obLatj…
  kabao user-card get 478515832665 --output json";

const LIST_EXAMPLES: &str = "\
Examples:
  kabao user-card list
  kabao user-card list --openid obLatj… --state EFFECTIVE --output jsonl";

const UPDATE_EXAMPLES: &str = "\
Examples:
  kabao user-card update 478515832665 --level 钻石会员 --card-color '#FFFF00'
  kabao user-card update 478515832665 --phone-number 13800138000 --attach 自定义数据说明
  kabao user-card update 478515832665 --valid 30d
  kabao user-card update 478515832665 --valid 2026-01-01..2026-12-31
  kabao user-card update 478515832665 --common sex=女 --custom 喜欢的运动=足球,篮球
  kabao user-card update 478515832665 --json change.json";

const IMPORT_EXAMPLES: &str = "\
Examples:
  kabao user-card import 800000001234 --openid oNew… --phone-number 13900139000 --level 黄金会员
  kabao user-card import 800000001234 --openid oNew… --valid 365d --pickup-time 2024-06-01
  kabao user-card import 800000001234 --by-phone --phone-number 13900139000
  kabao user-card import --json member.json";

const CONFIRM_EXAMPLES: &str = "\
Examples:
  kabao user-card confirm 478515832665 --openid oNew…
  kabao user-card confirm 478515832665 --openid oNew… --level 白银会员
  kabao user-card confirm 478515832665 --openid oNew… --state FAIL";

const INVALIDATE_EXAMPLES: &str = "\
Examples:
  kabao user-card invalidate 478515832665 --reason 用户注销";
