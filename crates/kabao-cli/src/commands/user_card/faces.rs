//! The faces of users' cards.

use kabao::card_member::{CardMember, GetCard, UserCard};

use crate::output::{card_face::Face, printer::Printer, user_card};

/// The card's face, if faces are drawn.
///
/// A user's card does not carry its template's name, so that is asked for. A
/// face without it beats no answer, so a failure is nothing.
pub(super) async fn of(card: &UserCard, members: &CardMember, printer: &Printer) -> Option<Face> {
    if !printer.draws_faces() {
        return None;
    }
    let get = GetCard {
        card_id: card.card_id.clone(),
    };
    let template = members.send(&get).await.ok();
    let title = template.as_ref().map(|card| card.card_title.as_str());
    Some(user_card::face(card, title))
}
