//! `kabao user-card list`: the cards of one user.

use clap::Args;
use kabao::card_member::{ListUserCards, UserCardState};

use crate::{
    commands::{
        ids::{BrandArgs, HEADING},
        names,
        page::PageArgs,
    },
    output::{printer::Printer, shown::List},
    problem::Problem,
    session::Session,
};

/// Whose cards.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    brand: BrandArgs,
    /// The user [env: KABAO_OPENID, default: the profile's].
    #[arg(long, value_name = "ID", help_heading = HEADING)]
    openid: Option<String>,
    /// Only cards in this state: UNACTIVATED, EFFECTIVE, EXPIRED or INVALID.
    #[arg(
        long, value_name = "STATE",
        value_parser = names::of::<UserCardState>(UserCardState::KNOWN),
    )]
    state: Option<UserCardState>,
    #[command(flatten)]
    page: PageArgs,
}

impl ListArgs {
    pub(super) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        let shown = List::new("this user has no such card", printer);
        let outcome = Session::with(profile, printer, async |session| {
            let openid = session.openid(self.openid)?;
            let members = self.brand.members(session)?;
            let list = ListUserCards {
                openid,
                user_card_state: self.state,
                offset: 0,
                limit: self.page.limit(),
            };
            let rows = |list| members.user_cards().stream(list);
            self.page.show(list, &members, rows, shown).await
        });
        outcome.await
    }
}
