//! `kabao activity list`.

use clap::Args;
use kabao::card_member::{ActivityState, ListActivities};

use crate::{
    commands::{ids::BrandArgs, names, page::PageArgs},
    output::{printer::Printer, shown::List},
    problem::Problem,
    session::Session,
};

/// Which activities.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    brand: BrandArgs,
    /// Only activities of this template.
    #[arg(long, value_name = "ID")]
    card_id: Option<String>,
    /// Only activities in this state: CREATED, EFFECTIVE, TERMINATED or
    /// EXPIRED.
    #[arg(
        long, value_name = "STATE",
        value_parser = names::of::<ActivityState>(ActivityState::KNOWN),
    )]
    state: Option<ActivityState>,
    #[command(flatten)]
    page: PageArgs,
}

impl ListArgs {
    pub(super) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        let shown = List::new("the brand has no such activity", printer);
        let outcome = Session::with(profile, printer, async |session| {
            let members = self.brand.members(session)?;
            let list = ListActivities {
                card_id: self.card_id,
                activity_state: self.state,
                offset: 0,
                limit: self.page.limit(),
            };
            let rows = |list| members.activities().stream(list);
            self.page.show(list, &members, rows, shown).await
        });
        outcome.await
    }
}
