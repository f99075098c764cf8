//! `kabao activity`: coupons for joining.

mod create;
mod list;
mod update;

use clap::{Args, Subcommand};
use kabao::card_member::{GetActivity, TerminateActivity};

use super::{body::JsonArgs, ids::BrandArgs};
use crate::{
    output::{printer::Printer, shown},
    problem::Problem,
    session::Session,
};

/// What to do with activities. Service providers only.
#[derive(Debug, Subcommand)]
pub(crate) enum ActivityCommand {
    /// Create an activity: coupons for those who join through the component.
    #[command(after_help = CREATE_EXAMPLES)]
    Create(create::CreateArgs),
    /// List a brand's activities.
    #[command(after_help = LIST_EXAMPLES)]
    List(list::ListArgs),
    /// Show an activity.
    #[command(after_help = GET_EXAMPLES)]
    Get {
        #[command(flatten)]
        activity: ActivityArgs,
    },
    /// Change an activity's titles and period, and show it as it is then,
    /// changes marked.
    ///
    /// What is not named stays as it is: it is read first, for the API wants
    /// all of it.
    #[command(after_help = UPDATE_EXAMPLES)]
    Update(update::UpdateArgs),
    /// End an activity before its time. It no longer shows in the component.
    #[command(after_help = TERMINATE_EXAMPLES)]
    Terminate(TerminateArgs),
}

/// Which activity.
#[derive(Debug, Args)]
pub(crate) struct ActivityArgs {
    /// The activity's id, digits.
    activity_id: String,
    #[command(flatten)]
    brand: BrandArgs,
}

/// An activity whose end a body can describe.
#[derive(Debug, Args)]
pub(crate) struct TerminateArgs {
    #[command(flatten)]
    activity: ActivityArgs,
    #[command(flatten)]
    json: JsonArgs,
}

impl ActivityCommand {
    pub(crate) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        match self {
            Self::Create(args) => args.run(profile, printer).await,
            Self::List(args) => args.run(profile, printer).await,
            Self::Update(args) => args.run(profile, printer).await,
            Self::Get { activity } => {
                let ActivityArgs { activity_id, brand } = activity;
                let found = Session::with_now(profile, printer, async |session| {
                    let get = GetActivity { activity_id };
                    Ok(brand.members(session)?.send(&get).await?)
                });
                let (activity, now) = found.await?;
                shown::show(&activity, None, now, printer)
            }
            Self::Terminate(args) => args.run(profile, printer).await,
        }
    }
}

impl TerminateArgs {
    async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        let ActivityArgs {
            activity_id,
            mut brand,
        } = self.activity;
        if let Some(mut body) = self.json.read()? {
            brand.take_from(&mut body)?;
            body.end()?;
        }
        let ended = Session::with_now(profile, printer, async |session| {
            let terminate = TerminateActivity { activity_id };
            Ok(brand.members(session)?.send(&terminate).await?)
        });
        let (activity, now) = ended.await?;
        shown::show(&activity, None, now, printer)
    }
}

const CREATE_EXAMPLES: &str = "\
Examples:
  kabao activity create --title 入会有礼 --sub-title 新会员送券 \\
    --begin-time 2026-01-01 --end-time 2026-12-31 --apply-total 1000 \\
    --stock 200000001:100232301
  kabao activity create --json activity.json";

const LIST_EXAMPLES: &str = "\
Examples:
  kabao activity list
  kabao activity list --state EFFECTIVE --all --output jsonl";

const GET_EXAMPLES: &str = "\
Examples:
  kabao activity get 371067";

const UPDATE_EXAMPLES: &str = "\
Examples:
  kabao activity update 371067 --end-time 2027-01-31
  kabao activity update 371067 --title 新春入会礼 --sub-title 送券两张";

const TERMINATE_EXAMPLES: &str = "\
Examples:
  kabao activity terminate 371067";
