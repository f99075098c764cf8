use kabao_core::card_member::UserCardState;
use rusqlite::{Connection, Row, params, types::ValueRef};

use super::{collect, count, standing_of};
use crate::{
    domain::{UserCard, UserCardId},
    store::{
        Failure, Needs, Page, Standing, UserCardsOf, Window, document::UserCardRow, workspace::Mark,
    },
    vault::Vault,
};

pub(super) fn all(db: &Connection, vault: &Vault) -> Result<Vec<UserCard>, Failure> {
    let statement = db.prepare_cached(
        "SELECT brand_id, card_id, user_card_code, openid, pickup_ms, state, document, personal
         FROM user_cards",
    )?;
    let keyed = |row: &Row<'_>| {
        let id = UserCardId {
            brand_id: row.get(0)?,
            card_id: row.get(1)?,
            user_card_code: row.get(2)?,
        };
        Ok((id, user_card_row(row, 3)?))
    };
    collect(statement, [], keyed, |row| open(row, vault))
}

pub(super) fn of_a_template(
    db: &Connection,
    vault: &Vault,
    brand_id: &str,
    card_id: &str,
    openid: &str,
) -> Result<Vec<UserCard>, Failure> {
    let statement = db.prepare_cached(
        "SELECT card_id, user_card_code, openid, pickup_ms, state, document, personal
         FROM user_cards WHERE brand_id = ?1 AND openid = ?2 AND card_id = ?3",
    )?;
    let key = [brand_id, openid, card_id];
    collect(
        statement,
        key,
        |row| keyed(row, brand_id),
        |row| open(row, vault),
    )
}

/// A card together with [`standing`](super::standing), for a statement more would
/// be the dearer half of most requests. (A test such as `?4 IS NULL` would have
/// it compiled anew for every value.)
pub(super) fn in_sight(
    db: &Connection,
    vault: &Vault,
    needs: &Needs,
    card_id: &str,
    user_card_code: &str,
) -> Result<(Standing, Option<UserCard>), Failure> {
    let mut statement = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM grants WHERE brand_id = ?1 AND mchid = ?4),
                (SELECT value FROM meta WHERE name = 'clock'),
                card.openid, card.pickup_ms, card.state, card.document, card.personal
         FROM (SELECT 1) LEFT JOIN user_cards AS card
           ON card.brand_id = ?1 AND card.card_id = ?2 AND card.user_card_code = ?3",
    )?;
    let key = params![needs.brand_id, card_id, user_card_code, needs.mchid];
    let (granted, clock, row): (bool, Option<String>, _) = statement.query_row(key, |row| {
        let is_there = row.get_ref(2)? != ValueRef::Null;
        let card = is_there.then(|| user_card_row(row, 2)).transpose()?;
        Ok((row.get(0)?, row.get(1)?, card))
    })?;
    let id = || UserCardId {
        brand_id: needs.brand_id.clone(),
        card_id: card_id.to_owned(),
        user_card_code: user_card_code.to_owned(),
    };
    let card = row.map(|row| row.open(id(), vault)).transpose()?;
    Ok((standing_of(needs, granted, clock.as_deref())?, card))
}

pub(in super::super) fn list(
    db: &Connection,
    vault: &Vault,
    of: &UserCardsOf,
    window: Window,
) -> Result<Page<UserCard>, Failure> {
    let state = match &of.state {
        None => "?3 = ?3",
        Some(UserCardState::Unactivated) => "state = 'UNACTIVATED' AND ?3 = ?3",
        Some(UserCardState::Invalid) => "state = 'INVALID' AND ?3 = ?3",
        Some(UserCardState::Effective) => "state = 'EFFECTIVE' AND (end_ms IS NULL OR end_ms > ?3)",
        Some(UserCardState::Expired) => "state = 'EFFECTIVE' AND end_ms <= ?3",
        // A state that no card is in.
        Some(_) => "?3 <> ?3",
    };
    let filter = format!("brand_id = ?1 AND openid = ?2 AND {state}");
    let now = of.now.as_millisecond();
    let total = db
        .prepare_cached(&format!("SELECT count(*) FROM user_cards WHERE {filter}"))?
        .query_row(params![of.brand_id, of.openid, now], count)?;
    let statement = db.prepare_cached(&format!(
        "SELECT card_id, user_card_code, openid, pickup_ms, state, document, personal
         FROM user_cards WHERE {filter}
         ORDER BY pickup_ms DESC, card_id, user_card_code LIMIT ?5 OFFSET ?4"
    ))?;
    let key = params![
        of.brand_id,
        of.openid,
        now,
        window.offset_i64(),
        window.limit_i64()
    ];
    let rows = collect(
        statement,
        key,
        |row| keyed(row, &of.brand_id),
        |row| open(row, vault),
    )?;
    Ok(Page { rows, total })
}

pub(super) fn write(
    db: &Connection,
    vault: &Vault,
    card: &UserCard,
    mark: Mark,
) -> Result<(), Failure> {
    let row = UserCardRow::seal(card, vault)?;
    match mark {
        Mark::New => insert(db, &card.id, &row),
        _ => update(db, &card.id, &row),
    }
}

/// There is a column `version` that nobody reads.
fn insert(db: &Connection, id: &UserCardId, row: &UserCardRow) -> Result<(), Failure> {
    db.prepare_cached(
        "INSERT INTO user_cards (brand_id, card_id, user_card_code, openid, pickup_ms,
             end_ms, state, version, document, personal)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?9)",
    )?
    .execute(params![
        id.brand_id,
        id.card_id,
        id.user_card_code,
        row.openid,
        row.pickup_ms,
        row.end_ms,
        row.state,
        row.document,
        row.personal
    ])?;
    Ok(())
}

/// The transaction was begun for writing, so nobody came between.
fn update(db: &Connection, id: &UserCardId, row: &UserCardRow) -> Result<(), Failure> {
    let key = (&id.brand_id, &id.card_id, &id.user_card_code);
    db.prepare_cached(
        "UPDATE user_cards SET end_ms = ?4, state = ?5, document = ?6, personal = ?7
         WHERE brand_id = ?1 AND card_id = ?2 AND user_card_code = ?3",
    )?
    .execute(params![
        key.0,
        key.1,
        key.2,
        row.end_ms,
        row.state,
        row.document,
        row.personal
    ])?;
    // Apart, because it also rewrites the index.
    db.prepare_cached(
        "UPDATE user_cards SET openid = ?4, pickup_ms = ?5
         WHERE brand_id = ?1 AND card_id = ?2 AND user_card_code = ?3
           AND (openid <> ?4 OR pickup_ms <> ?5)",
    )?
    .execute(params![key.0, key.1, key.2, row.openid, row.pickup_ms])?;
    Ok(())
}

pub(super) fn remove(db: &Connection, id: &UserCardId) -> Result<(), Failure> {
    db.prepare_cached(
        "DELETE FROM user_cards WHERE brand_id = ?1 AND card_id = ?2 AND user_card_code = ?3",
    )?
    .execute([&id.brand_id, &id.card_id, &id.user_card_code])?;
    Ok(())
}

fn keyed(row: &Row<'_>, brand_id: &str) -> rusqlite::Result<(UserCardId, UserCardRow)> {
    let id = UserCardId {
        brand_id: brand_id.to_owned(),
        card_id: row.get(0)?,
        user_card_code: row.get(1)?,
    };
    Ok((id, user_card_row(row, 2)?))
}

fn open((id, row): (UserCardId, UserCardRow), vault: &Vault) -> Result<UserCard, Failure> {
    row.open(id, vault)
}

fn user_card_row(row: &Row<'_>, from: usize) -> rusqlite::Result<UserCardRow> {
    Ok(UserCardRow {
        openid: row.get(from)?,
        pickup_ms: row.get(from + 1)?,
        // It follows from the others.
        end_ms: None,
        state: row.get(from + 2)?,
        document: row.get(from + 3)?,
        personal: row.get(from + 4)?,
    })
}
