//! `kabao card update`.

use clap::Args;
use kabao::card_member::{GetCard, UpdateCard};

use super::{CardArgs, members::MemberArgs};
use crate::{
    commands::body::JsonArgs,
    output::{
        card,
        printer::{Format, Printer},
        shown,
    },
    problem::Problem,
    session::Session,
};

/// A template, and what to change.
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    card: CardArgs,
    #[command(flatten)]
    members: MemberArgs,
    #[command(flatten)]
    json: JsonArgs,
}

impl UpdateArgs {
    pub(super) async fn run(
        mut self,
        profile: Option<&str>,
        printer: &Printer,
    ) -> Result<(), Problem> {
        if let Some(mut body) = self.json.read()? {
            self.card.take_from(&mut body)?;
            self.members.take_from(&mut body)?;
            body.end()?;
        }
        let change = self.members.clone().over(None);
        if change.is_empty() {
            return Err(Problem::new("there is nothing to change").hint(
                "name what to change, for example --card-title 新会员卡, or give --json FILE",
            ));
        }
        change.check()?;
        let outcome = Session::with_now(profile, printer, async |session| {
            let (members, card_id) = self.card.resolve(session)?;
            let get = GetCard {
                card_id: card_id.clone(),
            };
            let before = match printer.format {
                _ if self.members.merges() => Some(members.send(&get).await?),
                // Only for the marks. Whatever is wrong, the change itself will tell.
                Format::Table => members.send(&get).await.ok(),
                Format::Json | Format::Jsonl => None,
            };
            let update = UpdateCard {
                card_id,
                change: self.members.over(before.as_ref()),
            };
            Ok((before, members.send(&update).await?))
        });
        let ((before, after), now) = outcome.await?;
        let face = card::face(&after);
        shown::show_change(before.as_ref(), &after, Some(face), now, printer)
    }
}
