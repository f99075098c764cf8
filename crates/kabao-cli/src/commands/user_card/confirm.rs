//! `kabao user-card confirm`.

use clap::Args;
use kabao::card_member::{
    CardMember, ConfirmState, ConfirmUserCard, ListUserCards, UserCardChange, UserCardKey,
    UserCardState, UserInformation,
};
use serde::Deserialize;

use super::{
    faces,
    members::{AttachArgs, MemberArgs},
};
use crate::{
    commands::{
        body::{Body, JsonArgs, Part},
        ids::UserCardArgs,
        missing::Missing,
        names,
    },
    output::{printer::Printer, shown},
    problem::Problem,
    session::Session,
};

/// A card, and how opening it ended.
#[derive(Debug, Args)]
pub(crate) struct ConfirmArgs {
    #[command(flatten)]
    card: UserCardArgs,
    #[command(flatten)]
    outcome: OutcomeArgs,
    #[command(flatten)]
    members: MemberArgs,
    #[command(flatten)]
    attach: AttachArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// How it ended.
#[derive(Debug, Default, Args, Deserialize)]
#[group(conflicts_with = "json")]
struct OutcomeArgs {
    /// How opening the membership ended: SUCCESS, FAIL or ALREADY_EXISTS
    /// (user_card_confirm_state). [default: SUCCESS]
    #[arg(
        long = "state", value_name = "STATE",
        value_parser = names::of::<ConfirmState>(ConfirmState::KNOWN),
    )]
    user_card_confirm_state: Option<ConfirmState>,
}

impl Part for OutcomeArgs {}

impl ConfirmArgs {
    pub(super) async fn run(
        mut self,
        profile: Option<&str>,
        printer: &Printer,
    ) -> Result<(), Problem> {
        match self.json.read()? {
            Some(body) => self.take_from(body)?,
            None => {
                let state = &mut self.outcome.user_card_confirm_state;
                state.get_or_insert(ConfirmState::Success);
                self.members.read_stdin()?;
            }
        }
        let mut missing = Missing::default();
        let state = missing.take_or(
            ("user_card_confirm_state", "--state"),
            self.outcome.user_card_confirm_state,
            ConfirmState::Success,
        );
        missing.end()?;
        self.members.clone().over(None)?.check()?;
        let confirmed = Session::with_now(profile, printer, async |session| {
            let (members, key) = self.card.resolve(session)?;
            let stored = match self.members.merges() {
                true => waiting(&key, &members).await?,
                false => None,
            };
            let confirm = ConfirmUserCard {
                key,
                state,
                change: UserCardChange {
                    attach: self.attach.attach,
                    ..self.members.over(stored.as_ref())?
                },
            };
            let card = members.send(&confirm).await?;
            let face = faces::of(&card, &members, printer).await;
            Ok((card, face))
        });
        let ((card, face), now) = confirmed.await?;
        shown::show(&card, face, now, printer)
    }

    fn take_from(&mut self, mut body: Body) -> Result<(), Problem> {
        self.card.user.take_from(&mut body)?;
        self.outcome = body.take()?;
        self.members.take_from(&mut body)?;
        self.attach = body.take()?;
        body.end()
    }
}

/// What the user filled in. Where the merchant allocates codes, the card has
/// none yet, so it is looked for by user and template.
async fn waiting(
    key: &UserCardKey,
    members: &CardMember,
) -> Result<Option<UserInformation>, Problem> {
    let list = ListUserCards {
        user_card_state: Some(UserCardState::Unactivated),
        ..ListUserCards::of(&key.openid)
    };
    let cards = members.send(&list).await?.data.into_iter();
    let mut cards = cards.filter(|card| card.card_id == key.card_id);
    Ok(cards.next().and_then(|card| card.user_information))
}
