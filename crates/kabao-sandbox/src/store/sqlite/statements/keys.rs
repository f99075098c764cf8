use rusqlite::{Connection, params};

use crate::{
    store::{Failure, StoredKey, document::KeyRow},
    vault::Vault,
};

pub(in super::super) fn any(db: &Connection) -> Result<bool, Failure> {
    Ok(db.prepare("SELECT 1 FROM keys LIMIT 1")?.exists([])?)
}

pub(in super::super) fn all(db: &Connection, vault: &Vault) -> Result<Vec<StoredKey>, Failure> {
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

pub(in super::super) fn insert(
    db: &Connection,
    vault: &Vault,
    key: &StoredKey,
) -> Result<(), Failure> {
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
