//! What a member's doings are told as.

use jiff::Timestamp;
use kabao_core::{
    card_member::{SyncUserPoint, UserCardEvent, UserCardEventState},
    extra::Extra,
    notification::Event,
    time::Time,
};

use super::UserCard;

/// A user opened a card.
pub(crate) fn created(card: UserCard, now: Timestamp) -> Event {
    Event::UserCardCreated(Box::new(told(card, now)))
}

/// A user deleted a card.
pub(crate) fn deleted(card: UserCard, now: Timestamp) -> Event {
    Event::UserCardDeleted(Box::new(told(card, now)))
}

/// A current balance of points is wanted.
pub(crate) fn points_asked(card: &UserCard) -> Event {
    Event::SyncUserPoint(SyncUserPoint {
        brand_id: card.id.brand_id.clone(),
        card_id: card.id.card_id.clone(),
        openid: card.openid.clone(),
        user_card_code: card.id.user_card_code.clone(),
        extra: Extra::default(),
    })
}

fn told(card: UserCard, now: Timestamp) -> UserCardEvent {
    let state = card.state_at(now);
    UserCardEvent {
        user_card_code: card.code().map(ToOwned::to_owned),
        card_id: card.id.card_id,
        openid: card.openid,
        brand_id: card.id.brand_id,
        card_type: Some(card.card_type),
        card_color: card.card_color,
        card_picture_url: card.card_picture_url,
        phone_number: card.phone_number,
        level: card.level,
        valid_date_information: Some(card.valid_date_information),
        pickup_time: Some(card.pickup_time),
        user_information: card.user_information,
        attach: card.attach,
        user_card_state: Some(UserCardEventState::from(state.as_str())),
        invalid_reason: card.invalid_reason,
        invalid_time: card.invalid_time.map(Time::at),
        create_time: Some(Time::at(card.create_time)),
        modify_time: Some(Time::at(card.modify_time)),
        extra: Extra::default(),
    }
}
