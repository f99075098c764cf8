//! The SQL, each function inside a transaction that somebody else holds.

use kabao_core::card_member::Card;
use rusqlite::{Connection, OptionalExtension as _, Row, params, types::ValueRef};
use zeroize::Zeroizing;

use super::failure::Failure;
use crate::{
    domain::{CardTemplate, UserCard, UserCardId},
    refusal::Refusal,
    store::{
        ClockSetting, Contents, KeyPurpose, StoredKey, UserCardRule, UserCardView,
        document::UserCardRow,
    },
    vault::{Compartment, Vault},
};

pub(super) fn user_card(
    db: &Connection,
    vault: &Vault,
    id: &UserCardId,
) -> Result<Option<UserCard>, Failure> {
    let row = db
        .prepare_cached(
            "SELECT openid, pickup_ms, state, document, personal FROM user_cards
             WHERE brand_id = ?1 AND card_id = ?2 AND user_card_code = ?3",
        )?
        .query_row(params![id.brand_id, id.card_id, id.user_card_code], |row| {
            user_card_row(row, 0)
        })
        .optional()?;
    row.map(|row| row.open(id.clone(), vault)).transpose()
}

pub(super) fn user_cards_of(
    db: &Connection,
    vault: &Vault,
    brand_id: &str,
    openid: &str,
) -> Result<Vec<UserCard>, Failure> {
    let mut statement = db.prepare_cached(
        "SELECT card_id, user_card_code, openid, pickup_ms, state, document, personal
         FROM user_cards WHERE brand_id = ?1 AND openid = ?2
         ORDER BY pickup_ms DESC, card_id, user_card_code",
    )?;
    let rows = statement.query_map([brand_id, openid], |row| {
        let id = UserCardId {
            brand_id: brand_id.to_owned(),
            card_id: row.get(0)?,
            user_card_code: row.get(1)?,
        };
        Ok((id, user_card_row(row, 2)?))
    })?;
    rows.map(|row| {
        let (id, row) = row?;
        row.open(id, vault)
    })
    .collect()
}

pub(super) fn change_user_card(
    db: &Connection,
    vault: &Vault,
    id: &UserCardId,
    rule: &UserCardRule,
) -> Result<Option<Result<UserCard, Refusal>>, Failure> {
    let Some(mut card) = user_card(db, vault, id)? else {
        return Ok(None);
    };
    let before = (card.openid.clone(), card.pickup_time.clone());
    if let Err(refusal) = rule(&mut card) {
        return Ok(Some(Err(refusal)));
    }
    let row = UserCardRow::seal(&card, vault)?;
    let key = (&id.brand_id, &id.card_id, &id.user_card_code);
    // The transaction was begun for writing, so nobody came between.
    db.prepare_cached(
        "UPDATE user_cards SET state = ?4, document = ?5, personal = ?6, version = version + 1
         WHERE brand_id = ?1 AND card_id = ?2 AND user_card_code = ?3",
    )?
    .execute(params![
        key.0,
        key.1,
        key.2,
        row.state,
        row.document,
        row.personal
    ])?;
    if (&row.openid, &card.pickup_time) != (&before.0, &before.1) {
        // Apart, because it also rewrites the index.
        db.prepare_cached(
            "UPDATE user_cards SET openid = ?4, pickup_ms = ?5
             WHERE brand_id = ?1 AND card_id = ?2 AND user_card_code = ?3",
        )?
        .execute(params![key.0, key.1, key.2, row.openid, row.pickup_ms])?;
    }
    Ok(Some(Ok(card)))
}

pub(super) fn card_template(
    db: &Connection,
    brand_id: &str,
    card_id: &str,
) -> Result<Option<CardTemplate>, Failure> {
    let row = db
        .prepare_cached(
            "SELECT created_by_mchid, document FROM card_templates
             WHERE brand_id = ?1 AND card_id = ?2",
        )?
        .query_row([brand_id, card_id], |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    row.map(|(created_by_mchid, document)| {
        Ok(CardTemplate {
            card: serde_json::from_str::<Card>(&document)?,
            created_by_mchid,
        })
    })
    .transpose()
}

pub(super) fn serves(db: &Connection, mchid: &str, brand_id: &str) -> Result<bool, Failure> {
    let mut statement =
        db.prepare_cached("SELECT 1 FROM grants WHERE brand_id = ?1 AND mchid = ?2")?;
    Ok(statement.exists([brand_id, mchid])?)
}

/// One statement, for every read of its own takes and gives back a lock. (A
/// test such as `?4 IS NULL` would have it compiled anew for every value.)
pub(super) fn user_card_view(
    db: &Connection,
    vault: &Vault,
    id: &UserCardId,
    mchid: Option<&str>,
) -> Result<UserCardView, Failure> {
    let mut statement = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM grants WHERE brand_id = ?1 AND mchid = ?4),
                (SELECT value FROM meta WHERE name = 'clock'),
                card.openid, card.pickup_ms, card.state, card.document, card.personal
         FROM (SELECT 1) LEFT JOIN user_cards AS card
           ON card.brand_id = ?1 AND card.card_id = ?2 AND card.user_card_code = ?3",
    )?;
    let key = params![id.brand_id, id.card_id, id.user_card_code, mchid];
    let (granted, clock, row): (bool, _, _) = statement.query_row(key, |row| {
        let is_there = row.get_ref(2)? != ValueRef::Null;
        let card = is_there.then(|| user_card_row(row, 2)).transpose()?;
        Ok((row.get(0)?, row.get(1)?, card))
    })?;
    Ok(UserCardView {
        served: granted || mchid.is_none(),
        card: row.map(|row| row.open(id.clone(), vault)).transpose()?,
        clock: clock_setting(clock)?,
    })
}

pub(super) fn clock(db: &Connection) -> Result<ClockSetting, Failure> {
    let text = db
        .prepare_cached("SELECT value FROM meta WHERE name = 'clock'")?
        .query_row([], |row| row.get(0))
        .optional()?;
    clock_setting(text)
}

fn clock_setting(text: Option<String>) -> Result<ClockSetting, Failure> {
    match text.as_deref().map(|text| text.split_once(' ')) {
        None => Ok(ClockSetting::default()),
        Some(Some(("running", offset_ms))) => Ok(ClockSetting::Running {
            offset_ms: offset_ms.parse()?,
        }),
        Some(Some(("frozen", at))) => Ok(ClockSetting::Frozen { at: at.parse()? }),
        Some(_) => Err(format!("`{}` is not a clock", text.unwrap_or_default()).into()),
    }
}

pub(super) fn set_clock(db: &Connection, setting: ClockSetting) -> Result<(), Failure> {
    let text = match setting {
        ClockSetting::Running { offset_ms } => format!("running {offset_ms}"),
        ClockSetting::Frozen { at } => format!("frozen {at}"),
    };
    db.prepare_cached(
        "INSERT INTO meta (name, value) VALUES ('clock', ?1)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute([text])?;
    Ok(())
}

pub(super) fn replace_contents(
    db: &Connection,
    vault: &Vault,
    contents: &Contents,
) -> Result<(), Failure> {
    db.execute_batch("DELETE FROM user_cards; DELETE FROM card_templates; DELETE FROM grants;")?;
    set_clock(db, ClockSetting::default())?;
    for (mchid, brand_id) in &contents.grants {
        db.prepare_cached("INSERT INTO grants (brand_id, mchid) VALUES (?1, ?2)")?
            .execute([brand_id, mchid])?;
    }
    for template in &contents.card_templates {
        let card = &template.card;
        db.prepare_cached(
            "INSERT INTO card_templates (brand_id, card_id, created_by_mchid, document)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            card.brand_id,
            card.card_id,
            template.created_by_mchid,
            serde_json::to_string(card)?
        ])?;
    }
    for card in &contents.user_cards {
        let row = UserCardRow::seal(card, vault)?;
        db.prepare_cached(
            "INSERT INTO user_cards (brand_id, card_id, user_card_code, openid, pickup_ms,
                 state, version, document, personal)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8)",
        )?
        .execute(params![
            card.id.brand_id,
            card.id.card_id,
            card.id.user_card_code,
            row.openid,
            row.pickup_ms,
            row.state,
            row.document,
            row.personal
        ])?;
    }
    Ok(())
}

pub(super) fn has_keys(db: &Connection) -> Result<bool, Failure> {
    Ok(db.prepare("SELECT 1 FROM keys LIMIT 1")?.exists([])?)
}

pub(super) fn keys(db: &Connection, vault: &Vault) -> Result<Vec<StoredKey>, Failure> {
    let mut statement = db.prepare_cached(
        "SELECT owner, purpose, id, certificate_pem, secret FROM keys ORDER BY position",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((
            row.get::<_, String>(0)?,
            row.get::<_, String>(1)?,
            row.get::<_, String>(2)?,
            row.get(3)?,
            row.get::<_, Vec<u8>>(4)?,
        ))
    })?;
    rows.map(|row| {
        let (owner, purpose, id, certificate_pem, sealed) = row?;
        let opened = vault.open(Compartment::Keys, &["keys", &owner, &purpose, &id], &sealed)?;
        Ok(StoredKey {
            purpose: KeyPurpose::from_name(&purpose)
                .ok_or_else(|| format!("`{purpose}` is not a purpose of a key"))?,
            owner,
            id,
            certificate_pem,
            secret: Zeroizing::new(std::str::from_utf8(&opened)?.to_owned()),
        })
    })
    .collect()
}

pub(super) fn insert_key(db: &Connection, vault: &Vault, key: &StoredKey) -> Result<(), Failure> {
    let purpose = key.purpose.as_str();
    let sealed = vault.seal(
        Compartment::Keys,
        &["keys", &key.owner, purpose, &key.id],
        key.secret.as_bytes(),
    )?;
    db.prepare_cached(
        "INSERT INTO keys (owner, purpose, id, position, certificate_pem, secret)
         VALUES (?1, ?2, ?3, (SELECT ifnull(max(position), 0) + 1 FROM keys), ?4, ?5)",
    )?
    .execute(params![
        key.owner,
        purpose,
        key.id,
        key.certificate_pem,
        sealed
    ])?;
    Ok(())
}

fn user_card_row(row: &Row<'_>, from: usize) -> rusqlite::Result<UserCardRow> {
    Ok(UserCardRow {
        openid: row.get(from)?,
        pickup_ms: row.get(from + 1)?,
        state: row.get(from + 2)?,
        document: row.get(from + 3)?,
        personal: row.get(from + 4)?,
    })
}
