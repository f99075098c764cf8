use tokio_postgres::Row;

use super::{
    super::{
        session::Session,
        text::owned,
        trouble::Trouble,
        write::{Write, values},
    },
    get, get_opt, meta,
};
use crate::{
    store::{Failure, KeyBook, KeySettings, StoredKey, document::KeyRow},
    vault::Vault,
};

/// What [`open`] reads.
pub(super) const ALL: &str =
    "SELECT owner, purpose, id, certificate_pem, secret FROM keys ORDER BY position";

pub(super) fn open(row: &Row, vault: &Vault) -> Result<StoredKey, Failure> {
    let stored = KeyRow {
        owner: get(row, 0)?,
        purpose: row.try_get(1)?,
        id: get(row, 2)?,
        certificate_pem: row.try_get(3)?,
        secret: row.try_get(4)?,
    };
    stored.open(vault)
}

/// `position` tells the order of creation.
fn insert(key: &StoredKey, position: i64, vault: &Vault) -> Result<Write, Failure> {
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

fn remove(key: &StoredKey) -> Write {
    Write::any(
        "DELETE FROM keys WHERE owner = $1 AND purpose = $2 AND id = $3",
        values![owned(&key.owner), key.purpose.as_str(), owned(&key.id)],
    )
}

/// Everybody's keys and how they are used, in one statement: at one moment.
pub(in super::super) async fn book(
    session: &mut Session,
    vault: &Vault,
) -> Result<KeyBook, Trouble> {
    let rows = session
        .query(
            "SELECT owner, purpose, id, certificate_pem, secret, settings.value
             FROM (SELECT max(value) AS value FROM meta
                   WHERE owner = 'platform' AND name = 'keys') AS settings
             LEFT JOIN keys ON true ORDER BY position",
            &[],
        )
        .await?;
    let settings = rows.first().map(|row| get_opt(row, 5)).transpose()?;
    // The settings of an empty book stand alone.
    let keys = rows.iter().filter(|row| row.try_get::<_, &str>(1).is_ok());
    let keys = keys.map(|row| open(row, vault));
    Ok(KeyBook {
        keys: keys.collect::<Result<_, Failure>>()?,
        settings: settings_of(settings.flatten().as_deref())?,
    })
}

pub(in super::super) async fn settings(session: &mut Session) -> Result<KeySettings, Trouble> {
    let text = meta::value(session, "keys").await?;
    Ok(settings_of(text.as_deref())?)
}

/// The settings as they are kept.
pub(super) fn settings_of(text: Option<&str>) -> Result<KeySettings, Failure> {
    match text {
        None => Ok(KeySettings::default()),
        Some(text) => Ok(serde_json::from_str(text)?),
    }
}

/// Another book in place of all keys, which counts as a change.
pub(super) fn replace(
    before: &KeySettings,
    book: &KeyBook,
    vault: &Vault,
) -> Result<Vec<Write>, Failure> {
    let mut writes = vec![
        settings_from(before, &book.settings)?,
        Write::any("DELETE FROM keys", values![]),
    ];
    for (position, key) in (1..).zip(&book.keys) {
        writes.push(insert(key, position, vault)?);
    }
    Ok(writes)
}

/// From one book to the next, which is counted.
pub(in super::super) async fn change(
    session: &mut Session,
    before: &KeyBook,
    after: &KeyBook,
    vault: &Vault,
) -> Result<Vec<Write>, Trouble> {
    let row = session.query_opt("SELECT max(position) FROM keys", &[]);
    let last: Option<i64> = match row.await? {
        Some(row) => row.try_get(0)?,
        None => None,
    };
    let mut writes = vec![settings_from(&before.settings, &after.settings)?];
    writes.extend(gone(before, after).map(remove));
    for (position, key) in (last.unwrap_or_default() + 1..).zip(gone(after, before)) {
        writes.push(insert(key, position, vault)?);
    }
    Ok(writes)
}

/// The keys of one book that another does not hold.
fn gone<'a>(of: &'a KeyBook, other: &'a KeyBook) -> impl Iterator<Item = &'a StoredKey> {
    of.keys.iter().filter(|key| !other.holds(key))
}

fn settings_from(before: &KeySettings, after: &KeySettings) -> Result<Write, Failure> {
    let next = KeySettings {
        version: before.version + 1,
        ..after.clone()
    };
    let before = match before.version {
        0 => None,
        _ => Some(serde_json::to_string(before)?),
    };
    let next = serde_json::to_string(&next)?;
    Ok(meta::swap("keys", before.as_deref(), &next))
}
