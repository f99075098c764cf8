use rusqlite::{Connection, OptionalExtension as _, params};
use zeroize::Zeroizing;

use super::super::failure::Failure;
use crate::{
    refusal::Refusal,
    store::{KeyBook, KeyPurpose, KeyRule, KeySettings, StoredKey},
    vault::{Compartment, Vault},
};

pub(in super::super) fn any(db: &Connection) -> Result<bool, Failure> {
    Ok(db.prepare("SELECT 1 FROM keys LIMIT 1")?.exists([])?)
}

pub(in super::super) fn all(db: &Connection, vault: &Vault) -> Result<Vec<StoredKey>, Failure> {
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

pub(in super::super) fn insert(
    db: &Connection,
    vault: &Vault,
    key: &StoredKey,
) -> Result<(), Failure> {
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
    let text: Option<String> = db
        .prepare_cached("SELECT value FROM meta WHERE name = 'keys'")?
        .query_row([], |row| row.get(0))
        .optional()?;
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
    db.prepare_cached(
        "INSERT INTO meta (name, value) VALUES ('keys', ?1)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute([serde_json::to_string(&after.settings)?])?;
    Ok(Ok(()))
}

pub(in super::super) fn grants(db: &Connection) -> Result<Vec<(String, String)>, Failure> {
    let mut statement =
        db.prepare_cached("SELECT mchid, brand_id FROM grants ORDER BY brand_id, mchid")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| Ok(row?)).collect()
}

pub(in super::super) fn set_grant(
    db: &Connection,
    mchid: &str,
    brand_id: &str,
    granted: bool,
) -> Result<(), Failure> {
    let sql = match granted {
        true => "INSERT INTO grants (brand_id, mchid) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        false => "DELETE FROM grants WHERE brand_id = ?1 AND mchid = ?2",
    };
    db.prepare_cached(sql)?.execute([brand_id, mchid])?;
    Ok(())
}
