use rusqlite::{Connection, params};

use super::meta;
use crate::{
    refusal::Refusal,
    store::{Failure, KeyBook, KeyRule, KeySettings, StoredKey, document::KeyRow},
    vault::Vault,
};

pub(in super::super) fn any(db: &Connection) -> Result<bool, Failure> {
    Ok(db.prepare("SELECT 1 FROM keys LIMIT 1")?.exists([])?)
}

fn all(db: &Connection, vault: &Vault) -> Result<Vec<StoredKey>, Failure> {
    let mut statement = db.prepare_cached(
        "SELECT owner, purpose, id, certificate_pem, secret FROM keys ORDER BY position",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(KeyRow {
            owner: row.get(0)?,
            purpose: row.get(1)?,
            id: row.get(2)?,
            certificate_pem: row.get(3)?,
            secret: row.get(4)?,
        })
    })?;
    rows.map(|row| row?.open(vault)).collect()
}

fn insert(db: &Connection, vault: &Vault, key: &StoredKey) -> Result<(), Failure> {
    let row = KeyRow::seal(key, vault)?;
    db.prepare_cached(
        "INSERT INTO keys (owner, purpose, id, position, certificate_pem, secret)
         VALUES (?1, ?2, ?3, (SELECT ifnull(max(position), 0) + 1 FROM keys), ?4, ?5)",
    )?
    .execute(params![
        row.owner,
        row.purpose,
        row.id,
        row.certificate_pem,
        row.secret
    ])?;
    Ok(())
}

fn remove(db: &Connection, key: &StoredKey) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM keys WHERE owner = ?1 AND purpose = ?2 AND id = ?3")?
        .execute([&key.owner, key.purpose.as_str(), &key.id])?;
    Ok(())
}

pub(in super::super) fn book(db: &Connection, vault: &Vault) -> Result<KeyBook, Failure> {
    Ok(KeyBook {
        keys: all(db, vault)?,
        settings: settings(db)?,
    })
}

pub(in super::super) fn settings(db: &Connection) -> Result<KeySettings, Failure> {
    let text = meta::value(db, "keys")?;
    match text {
        None => Ok(KeySettings::default()),
        Some(text) => Ok(serde_json::from_str(&text)?),
    }
}

pub(in super::super) fn change(
    db: &Connection,
    vault: &Vault,
    rule: &KeyRule,
) -> Result<Result<(), Refusal>, Failure> {
    let before = book(db, vault)?;
    let mut after = before.clone();
    if let Err(refusal) = rule(&mut after) {
        return Ok(Err(refusal));
    }
    for key in before.keys.iter().filter(|key| !after.holds(key)) {
        remove(db, key)?;
    }
    for key in after.keys.iter().filter(|key| !before.holds(key)) {
        insert(db, vault, key)?;
    }
    after.settings.version = before.settings.version + 1;
    set_settings(db, &after.settings)?;
    Ok(Ok(()))
}

/// Puts another book in place, which counts as a change.
pub(super) fn replace(db: &Connection, vault: &Vault, book: &KeyBook) -> Result<(), Failure> {
    let version = settings(db)?.version + 1;
    db.execute("DELETE FROM keys", [])?;
    for key in &book.keys {
        insert(db, vault, key)?;
    }
    set_settings(
        db,
        &KeySettings {
            version,
            ..book.settings.clone()
        },
    )
}

fn set_settings(db: &Connection, settings: &KeySettings) -> Result<(), Failure> {
    meta::put(db, "keys", &serde_json::to_string(settings)?)
}
