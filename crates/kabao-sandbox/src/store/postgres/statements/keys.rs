use super::{
    super::{
        session::Session,
        text::owned,
        trouble::Trouble,
        write::{Write, values},
    },
    get,
};
use crate::{
    store::{Failure, StoredKey, document::KeyRow},
    vault::Vault,
};

pub(in super::super) async fn all(
    session: &mut Session,
    vault: &Vault,
) -> Result<Vec<StoredKey>, Trouble> {
    let rows = session
        .query(
            "SELECT owner, purpose, id, certificate_pem, secret FROM keys ORDER BY position",
            &[],
        )
        .await?;
    let keys = rows.iter().map(|row| {
        let stored = KeyRow {
            owner: get(row, 0)?,
            purpose: row.try_get(1)?,
            id: get(row, 2)?,
            certificate_pem: row.try_get(3)?,
            secret: row.try_get(4)?,
        };
        stored.open(vault)
    });
    Ok(keys.collect::<Result<_, Failure>>()?)
}

/// `position` tells the order of creation.
pub(super) fn insert(key: &StoredKey, position: i64, vault: &Vault) -> Result<Write, Failure> {
    let row = KeyRow::seal(key, vault)?;
    Ok(Write::one(
        "INSERT INTO keys (owner, purpose, id, position, certificate_pem, secret)
         VALUES ($1, $2, $3, $4, $5, $6)",
        values![
            owned(&row.owner),
            row.purpose,
            owned(&row.id),
            position,
            row.certificate_pem,
            row.secret,
        ],
    ))
}
