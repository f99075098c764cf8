use rusqlite::{Connection, params};
use zeroize::Zeroizing;

use super::super::failure::Failure;
use crate::{
    store::{KeyPurpose, StoredKey},
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
