//! `kabao card`: the templates that users' cards are made from.

mod create;
mod form;
mod list;
mod members;
mod update;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use kabao::{
    card_member::{Card, CardMember, DeleteCard, GetCard, InvalidateCard},
    core::operation::Operation,
};

use super::{
    body::{Body, JsonArgs},
    ids::BrandArgs,
};
use crate::{
    output::{card, printer::Printer, shown},
    problem::Problem,
    session::Session,
};

/// What to do with templates.
#[derive(Debug, Subcommand)]
pub(crate) enum CardCommand {
    /// Create a template.
    ///
    /// Needed are --appid, --code-type, --card-title, --card-color,
    /// --card-picture-url, --benefits, --valid and --notify-url.
    #[command(after_help = CREATE_EXAMPLES)]
    Create(Box<create::CreateArgs>),
    /// List a brand's templates.
    #[command(after_help = LIST_EXAMPLES)]
    List(list::ListArgs),
    /// Show a template.
    #[command(after_help = GET_EXAMPLES)]
    Get {
        #[command(flatten)]
        card: CardArgs,
    },
    /// Change a template and show it as it is then, changes marked.
    ///
    /// What is not named stays as it is. A changed validity is for cards that
    /// are taken from then on. Appid, code and kind of card cannot be changed.
    #[command(after_help = UPDATE_EXAMPLES)]
    Update(Box<update::UpdateArgs>),
    /// Invalidate a template, for good: it can no longer be given out.
    ///
    /// Cards that users hold stay as they are.
    #[command(after_help = INVALIDATE_EXAMPLES)]
    Invalidate(EndArgs),
    /// Delete a template, for good; `invalidate` has taken its place.
    ///
    /// Only older pages have it, for service providers.
    #[command(after_help = DELETE_EXAMPLES)]
    Delete {
        #[command(flatten)]
        card: NamedCardArgs,
    },
}

/// Which template.
#[derive(Debug, Args)]
pub(crate) struct CardArgs {
    /// The template [env: KABAO_CARD_ID, default: the profile's].
    card_id: Option<String>,
    #[command(flatten)]
    brand: BrandArgs,
}

/// Which template, by name: none is ended because a profile has it.
#[derive(Debug, Args)]
pub(crate) struct NamedCardArgs {
    /// The template.
    card_id: String,
    #[command(flatten)]
    brand: BrandArgs,
}

/// A template whose end a body can describe.
#[derive(Debug, Args)]
pub(crate) struct EndArgs {
    #[command(flatten)]
    card: NamedCardArgs,
    #[command(flatten)]
    json: JsonArgs,
}

impl CardCommand {
    pub(crate) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        match self {
            Self::Create(args) => args.run(profile, printer).await,
            Self::List(args) => args.run(profile, printer).await,
            Self::Update(args) => args.run(profile, printer).await,
            Self::Get { card } => {
                let found = Session::with_now(profile, printer, async |session| {
                    let (members, card_id) = card.resolve(session)?;
                    Ok(members.send(&GetCard { card_id }).await?)
                });
                let (card, now) = found.await?;
                show(&card, now, printer)
            }
            Self::Invalidate(mut args) => {
                if let Some(mut body) = args.json.read()? {
                    args.card.brand.take_from(&mut body)?;
                    body.end()?;
                }
                let NamedCardArgs { card_id, brand } = args.card;
                end(InvalidateCard { card_id }, brand, profile, printer).await
            }
            Self::Delete { card } => {
                let NamedCardArgs { card_id, brand } = card;
                end(DeleteCard { card_id }, brand, profile, printer).await
            }
        }
    }
}

impl CardArgs {
    /// Agrees with what a body says.
    fn take_from(&mut self, body: &mut Body) -> Result<(), Problem> {
        body.take_id("card_id", &mut self.card_id)?;
        self.brand.take_from(body)
    }

    /// The brand's member cards, and the template's id.
    fn resolve(self, session: &Session) -> Result<(CardMember, String), Problem> {
        let card_id = session.card_id(self.card_id)?;
        Ok((self.brand.members(session)?, card_id))
    }
}

async fn end(
    operation: impl Operation<Output = Card>,
    brand: BrandArgs,
    profile: Option<&str>,
    printer: &Printer,
) -> Result<(), Problem> {
    let ended = Session::with_now(profile, printer, async |session| {
        Ok(brand.members(session)?.send(&operation).await?)
    });
    let (card, now) = ended.await?;
    show(&card, now, printer)
}

fn show(card: &Card, now: Option<Timestamp>, printer: &Printer) -> Result<(), Problem> {
    shown::show(card, Some(card::face(card)), now, printer)
}

const CREATE_EXAMPLES: &str = "\
Examples:
  kabao card create --appid wxea9c30890f48d5ae --card-title 会员卡 --card-color '#1F6F54' \\
    --card-picture-url https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0 --benefits 会员折扣、专属价 \\
    --valid 365d --notify-url https://shop.example/notify --code-type QR_CODE \\
    --need-display-level --init-level 白银会员 \\
    --points-page wxea9c30a90fs8d3fe:/pages/points/points \\
    --ask sex,birthday --question 喜欢的运动=篮球,足球
  kabao card create --json card.json";

const LIST_EXAMPLES: &str = "\
Examples:
  kabao card list
  kabao card list --state EFFECTIVE --all --output jsonl";

const GET_EXAMPLES: &str = "\
Examples:
  kabao card get
  kabao card get pbLatjvWOibDc5-TBnbUk1pD12o0 --output json";

const UPDATE_EXAMPLES: &str = "\
Examples:
  kabao card update --card-color '#1F6F54' --benefits 会员折扣
  kabao card update pbLatjvWOibDc5-TBnbUk1pD12o0 --need-pinned=false --valid permanent
  kabao card update --ask sex,birthday --question 喜欢的饮料=茶,咖啡 --question-type RADIO
  kabao card update --legal-agreement @agreement.txt
  kabao card update --json change.json";

const INVALIDATE_EXAMPLES: &str = "\
Examples:
  kabao card invalidate pbLatjvWOibDc5-TBnbUk1pD12o0";

const DELETE_EXAMPLES: &str = "\
Examples:
  kabao card delete pbLatjvWOibDc5-TBnbUk1pD12o0";
