//! `kabao user-card`: showing and changing the cards that users hold.

use kabao::card_member::{GetCard, UserCard, UserCardKey, UserCards};

use super::change::{ChangeArgs, Requested};
use crate::{
    cli::CardArgs,
    output::{
        card_face,
        fields::{self, Row},
        printer::{Format, Printer},
        table, time,
    },
    problem::Problem,
    session::Session,
};

/// Shows a card.
pub(crate) async fn get(
    profile: Option<&str>,
    card: CardArgs,
    printer: &Printer,
) -> Result<(), Problem> {
    let shown = Session::with(profile, printer, async |session| {
        let target = Target::of(session, card)?;
        let card = target.get(session).await?;
        Ok((card, target.title(session, printer).await))
    });
    let (card, title) = shown.await?;
    show(&card, title.as_deref(), None, printer)
}

/// Changes a card and shows it as it is then.
pub(crate) async fn update(
    profile: Option<&str>,
    mut card: CardArgs,
    change: ChangeArgs,
    printer: &Printer,
) -> Result<(), Problem> {
    let mut requested = change.read()?;
    take_ids(&mut card, &mut requested)?;
    let outcome = Session::with(profile, printer, async |session| {
        let target = Target::of(session, card)?;
        let before = if requested.merges_answers() {
            Some(target.get(session).await?)
        } else if printer.format == Format::Table {
            // Only for the marks. Whatever is wrong, the change itself will tell.
            target.get(session).await.ok()
        } else {
            None
        };
        let stored = before
            .as_ref()
            .and_then(|card| card.user_information.as_ref());
        let change = requested.over(stored)?;
        let after = target
            .user_cards(session)
            .update(&target.key, change)
            .await?;
        Ok((before, after, target.title(session, printer).await))
    });
    let (before, after, title) = outcome.await?;
    show(&after, title.as_deref(), Some(before.as_ref()), printer)
}

/// A card and, for a service provider, the brand it is in.
struct Target {
    brand_id: Option<String>,
    key: UserCardKey,
}

impl Target {
    fn of(session: &Session, card: CardArgs) -> Result<Self, Problem> {
        Ok(Self {
            brand_id: session.brand_id(card.brand_id)?,
            key: UserCardKey::new(
                card.code,
                session.card_id(card.card_id)?,
                session.openid(card.openid)?,
            ),
        })
    }

    fn user_cards(&self, session: &Session) -> UserCards {
        session.members(self.brand_id.as_deref()).user_cards()
    }

    /// The template's name, for the card's face: a user's card does not carry
    /// it. A face without it beats no answer, so a failure is nothing.
    async fn title(&self, session: &Session, printer: &Printer) -> Option<String> {
        if !draws_face(printer) {
            return None;
        }
        let get = GetCard {
            card_id: self.key.card_id.clone(),
        };
        let card = session.members(self.brand_id.as_deref()).send(&get).await;
        card.ok().map(|card| card.card_title)
    }

    async fn get(&self, session: &Session) -> Result<UserCard, Problem> {
        Ok(self.user_cards(session).get(&self.key).await?)
    }
}

/// A file may say again which card it is for, but not another one.
fn take_ids(card: &mut CardArgs, requested: &mut Requested) -> Result<(), Problem> {
    for (flag, given, written) in [
        ("brand_id", &mut card.brand_id, requested.brand_id.take()),
        ("card_id", &mut card.card_id, requested.card_id.take()),
        ("openid", &mut card.openid, requested.openid.take()),
    ] {
        match (given.as_deref(), written) {
            (Some(given), Some(written)) if given != written => {
                return Err(Problem::new(format!(
                    "{flag} is {given} on the command line, but {written} in the JSON"
                ))
                .hint("give it in one place, or the same in both"));
            }
            (None, Some(written)) => *given = Some(written),
            _ => {}
        }
    }
    Ok(())
}

/// Shows a card; `before`, if there was a change, is what it was.
fn show(
    card: &UserCard,
    title: Option<&str>,
    before: Option<Option<&UserCard>>,
    printer: &Printer,
) -> Result<(), Problem> {
    if printer.format != Format::Table {
        warn_unopened(card, printer);
        return printer.json(&card.reveal());
    }
    let now = time::now();
    let mut rows = fields::rows(card, now);
    match before {
        None => {}
        Some(None) => printer.warn("the card could not be read before, so changes are not marked"),
        Some(Some(before)) => {
            fields::mark_changes(&fields::rows(before, now), &mut rows);
            if !rows.iter().any(is_real_change) {
                printer.note("nothing changed: the card was like this already");
            }
        }
    }
    let mut text = String::new();
    if draws_face(printer) {
        let face = card_face::draw(card, title, printer.paint(), printer.width());
        text.push_str(&face);
        text.push('\n');
    }
    text.push_str(&table::render(&rows, printer.paint()));
    printer.data(text)
}

fn draws_face(printer: &Printer) -> bool {
    printer.format == Format::Table && printer.paint().is_on()
}

/// Every change moves `modify_time`.
fn is_real_change(row: &Row) -> bool {
    row.before.is_some() && row.name != "modify_time"
}

fn warn_unopened(card: &UserCard, printer: &Printer) {
    match card.unopened() {
        0 => {}
        count => printer.warn(&format!(
            "{count} values could not be opened with this key and are shown as they came"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_in_a_file_agree_with_the_command_line() {
        let card = |brand_id: Option<&str>| CardArgs {
            code: "1".into(),
            brand_id: brand_id.map(Into::into),
            card_id: None,
            openid: None,
        };
        let requested = || Requested::with_ids(Some("1004"), Some("p"), None);

        let mut taken = card(None);
        take_ids(&mut taken, &mut requested()).expect("no conflict");
        assert_eq!(taken.brand_id.as_deref(), Some("1004"));
        assert_eq!((taken.card_id.as_deref(), taken.openid), (Some("p"), None));

        take_ids(&mut card(Some("1004")), &mut requested()).expect("the same");
        let problem = take_ids(&mut card(Some("1005")), &mut requested());
        let problem = problem.expect_err("a conflict").to_string();
        assert!(
            problem.contains("brand_id is 1005 on the command line, but 1004"),
            "{problem}"
        );
    }
}
