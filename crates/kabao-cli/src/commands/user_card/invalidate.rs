//! `kabao user-card invalidate`.

use clap::Args;
use serde::Deserialize;

use super::faces;
use crate::{
    commands::{
        body::{JsonArgs, Part},
        ids::UserCardArgs,
    },
    output::{printer::Printer, shown},
    problem::Problem,
    session::Session,
};

/// A card, and why it ends.
#[derive(Debug, Args)]
pub(crate) struct InvalidateArgs {
    #[command(flatten)]
    card: UserCardArgs,
    #[command(flatten)]
    why: WhyArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Why it ends.
#[derive(Debug, Default, Args, Deserialize)]
#[group(conflicts_with = "json")]
struct WhyArgs {
    /// Why, at most 32 characters.
    #[arg(long, value_name = "TEXT", visible_alias = "reason")]
    invalid_reason: Option<String>,
}

impl Part for WhyArgs {}

impl InvalidateArgs {
    pub(super) async fn run(
        mut self,
        profile: Option<&str>,
        printer: &Printer,
    ) -> Result<(), Problem> {
        if let Some(mut body) = self.json.read()? {
            self.card.user.take_from(&mut body)?;
            self.why = body.take()?;
            body.end()?;
        }
        let reason = self.why.invalid_reason;
        let invalidated = Session::with_now(profile, printer, async |session| {
            let (members, key) = self.card.resolve(session)?;
            let card = members
                .user_cards()
                .invalidate(&key, reason.as_deref())
                .await?;
            let face = faces::of(&card, &members, printer).await;
            Ok((card, face))
        });
        let ((card, face), now) = invalidated.await?;
        shown::show(&card, face, now, printer)
    }
}
