//! `kabao card list`.

use clap::Args;
use kabao::card_member::{CardState, ListCards};

use crate::{
    commands::{ids::BrandArgs, names, page::PageArgs},
    output::{printer::Printer, shown::List},
    problem::Problem,
    session::Session,
};

/// Which templates.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    brand: BrandArgs,
    /// Only templates in this state: EFFECTIVE or INVALID.
    #[arg(long, value_name = "STATE", value_parser = names::of::<CardState>(CardState::KNOWN))]
    state: Option<CardState>,
    #[command(flatten)]
    page: PageArgs,
}

impl ListArgs {
    pub(super) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        let shown = List::new("the brand has no such template", printer);
        let outcome = Session::with(profile, printer, async |session| {
            let members = self.brand.members(session)?;
            let list = ListCards {
                state: self.state,
                offset: 0,
                limit: self.page.limit(),
            };
            let rows = |list| members.cards().stream(list);
            self.page.show(list, &members, rows, shown).await
        });
        outcome.await
    }
}
