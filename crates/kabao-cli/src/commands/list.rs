//! `kabao user-card list`: the cards of one user.

use clap::Args;
use kabao::card_member::{ListUserCards, UserCard, UserCardState};

use crate::{
    output::{
        printer::{Format, Printer},
        table, time,
    },
    problem::Problem,
    session::Session,
};

/// Whose cards.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// The user [env: KABAO_OPENID, default: the profile's].
    #[arg(long, value_name = "ID")]
    openid: Option<String>,
    /// The brand [env: KABAO_BRAND_ID, default: the profile's].
    #[arg(long, value_name = "ID")]
    brand_id: Option<String>,
    /// Only cards in this state: EFFECTIVE, UNACTIVATED, EXPIRED or INVALID.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<UserCardState>,
}

/// Lists all of them, page by page.
pub(crate) async fn list(
    profile: Option<&str>,
    args: ListArgs,
    printer: &Printer,
) -> Result<(), Problem> {
    let cards = Session::with(profile, printer, async |session| {
        let members = session.members(session.brand_id(args.brand_id)?.as_deref());
        let list = ListUserCards {
            user_card_state: args.state,
            ..ListUserCards::of(session.openid(args.openid)?)
        };
        let mut rows = members.user_cards().stream(list);
        let mut cards = Vec::new();
        while let Some(card) = rows.next().await {
            cards.push(card?);
        }
        Ok(cards)
    });
    show(&cards.await?, printer)
}

fn show(cards: &[UserCard], printer: &Printer) -> Result<(), Problem> {
    let mut revealed = cards.iter().map(UserCard::reveal);
    match printer.format {
        Format::Json => printer.json(&revealed.collect::<Vec<_>>()),
        Format::Jsonl => revealed.try_for_each(|card| printer.json(&card)),
        Format::Table if cards.is_empty() => {
            printer.note("this user has no such card");
            Ok(())
        }
        Format::Table => {
            let head = [
                "Card code",
                "State",
                "Level",
                "Phone number",
                "Until",
                "Template",
            ];
            let mut lines = vec![head.map(str::to_owned)];
            lines.extend(cards.iter().map(line));
            printer.data(table::columns_of(&lines, printer.paint()))
        }
    }
}

fn line(card: &UserCard) -> [String; 6] {
    let phone_number = match &card.phone_number {
        Some(number) if number.is_opened() => number.expose(),
        Some(_) => "(not opened)",
        None => "",
    };
    [
        card.user_card_code.clone(),
        card.user_card_state.to_string(),
        card.level.clone().unwrap_or_default(),
        phone_number.to_owned(),
        time::end(card),
        card.card_id.clone(),
    ]
}

fn state(name: &str) -> Result<UserCardState, String> {
    let state = UserCardState::from(name.to_ascii_uppercase());
    if state.is_known() {
        return Ok(state);
    }
    Err(format!("one of {}", UserCardState::KNOWN.join(", ")))
}
