use kabao_core::card_member::UserCardState;
use tokio_postgres::Row;

use super::{
    super::write::{Values, Write, values},
    get, page,
};
use crate::{
    domain::{UserCard, UserCardId},
    random,
    store::{
        Failure, Page, UserCardsOf, Window,
        document::UserCardRow,
        postgres::{
            session::Session,
            text::{owned, text},
            trouble::Trouble,
        },
    },
    vault::Vault,
};

pub(in super::super) async fn list(
    session: &mut Session,
    vault: &Vault,
    of: &UserCardsOf,
    window: Window,
) -> Result<Page<UserCard>, Trouble> {
    let state = match &of.state {
        None => "$5::BIGINT IS NOT NULL",
        Some(UserCardState::Unactivated) => "state = 'UNACTIVATED' AND $5::BIGINT IS NOT NULL",
        Some(UserCardState::Invalid) => "state = 'INVALID' AND $5::BIGINT IS NOT NULL",
        Some(UserCardState::Effective) => "state = 'EFFECTIVE' AND (end_ms IS NULL OR end_ms > $5)",
        Some(UserCardState::Expired) => "state = 'EFFECTIVE' AND end_ms <= $5",
        // A state that no card is in.
        Some(_) => "$5::BIGINT IS NULL",
    };
    let counted = format!("user_cards WHERE brand_id = $1 AND openid = $4 AND {state}");
    page(
        session,
        &counted,
        &format!(
            "SELECT card_id, user_card_code, openid, pickup_ms, state, document, personal
             FROM {counted}"
        ),
        "pickup_ms DESC, card_id, user_card_code",
        &[
            &text(&of.brand_id),
            &window.limit_i64(),
            &window.offset_i64(),
            &text(&of.openid),
            &of.now.as_millisecond(),
        ],
        |row| {
            let id = UserCardId {
                brand_id: of.brand_id.clone(),
                card_id: get(row, 0)?,
                user_card_code: get(row, 1)?,
            };
            open(row, 2, id, vault)
        },
    )
    .await
}

pub(super) fn look(brand_id: &str, card_id: &str, code: &str, version: i64) -> Write {
    Write::look(
        "SELECT 1 FROM user_cards
         WHERE brand_id = $1 AND card_id = $2 AND user_card_code = $3 AND version = $4
         FOR SHARE",
        values![owned(brand_id), owned(card_id), owned(code), version],
    )
}

pub(super) fn insert(card: &UserCard, vault: &Vault) -> Result<Write, Failure> {
    let row = UserCardRow::seal(card, vault)?;
    let mut values = key(&card.id);
    values.extend(values![
        owned(&row.openid),
        row.pickup_ms,
        row.end_ms,
        row.state,
        random::number(),
        row.document,
        row.personal,
    ]);
    Ok(Write::one(
        "INSERT INTO user_cards (brand_id, card_id, user_card_code, openid, pickup_ms,
             end_ms, state, version, document, personal)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        values,
    ))
}

pub(super) fn update(card: &UserCard, vault: &Vault, version: i64) -> Result<Write, Failure> {
    let row = UserCardRow::seal(card, vault)?;
    let mut values = key(&card.id);
    values.extend(values![
        version,
        owned(&row.openid),
        row.pickup_ms,
        row.end_ms,
        row.state,
        random::number(),
        row.document,
        row.personal,
    ]);
    Ok(Write::one(
        "UPDATE user_cards SET openid = $5, pickup_ms = $6, end_ms = $7, state = $8,
             version = $9, document = $10, personal = $11
         WHERE brand_id = $1 AND card_id = $2 AND user_card_code = $3 AND version = $4",
        values,
    ))
}

pub(super) fn delete(id: &UserCardId, version: i64) -> Write {
    let mut values = key(id);
    values.extend(values![version]);
    Write::one(
        "DELETE FROM user_cards
         WHERE brand_id = $1 AND card_id = $2 AND user_card_code = $3 AND version = $4",
        values,
    )
}

/// A card that nobody has read.
pub(super) fn delete_unseen(id: &UserCardId) -> Write {
    Write::any(
        "DELETE FROM user_cards
         WHERE brand_id = $1 AND card_id = $2 AND user_card_code = $3",
        key(id),
    )
}

/// What [`keyed`] reads.
pub(super) const ALL: &str = "SELECT brand_id, card_id, user_card_code, openid, pickup_ms, state,
    document, personal FROM user_cards";

pub(super) fn keyed(row: &Row, vault: &Vault) -> Result<UserCard, Failure> {
    let id = UserCardId {
        brand_id: get(row, 0)?,
        card_id: get(row, 1)?,
        user_card_code: get(row, 2)?,
    };
    open(row, 3, id, vault)
}

fn key(id: &UserCardId) -> Values {
    values![
        owned(&id.brand_id),
        owned(&id.card_id),
        owned(&id.user_card_code),
    ]
}

fn open(row: &Row, from: usize, id: UserCardId, vault: &Vault) -> Result<UserCard, Failure> {
    let stored = UserCardRow {
        openid: get(row, from)?,
        pickup_ms: row.try_get(from + 1)?,
        // It follows from the others.
        end_ms: None,
        state: row.try_get(from + 2)?,
        document: row.try_get(from + 3)?,
        personal: row.try_get(from + 4)?,
    };
    stored.open(id, vault)
}
