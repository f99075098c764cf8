use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{collect, count};
use crate::{
    store::{
        Attempt, Failure, Owed, Then,
        document::{ASKED_AGAIN, OwedRow},
    },
    vault::Vault,
};

const COLUMNS: &str = "brand_id, id, card_id, event_type, notify_url, scheme, identity, body,
    create_ms, state, attempts, next_attempt_ms, leased_until_ms";

pub(super) fn insert(db: &Connection, vault: &Vault, owed: &Owed) -> Result<(), Failure> {
    let row = OwedRow::seal(owed, vault)?;
    db.prepare_cached(&format!(
        "INSERT INTO notifications ({COLUMNS})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
    ))?
    .execute(params![
        row.brand_id,
        row.id,
        row.card_id,
        row.event_type,
        row.notify_url,
        row.scheme,
        row.identity,
        row.body,
        row.create_ms,
        row.state,
        row.attempts,
        row.next_attempt_ms,
        row.leased_until_ms,
    ])?;
    Ok(())
}

pub(in super::super) fn lease_due(
    db: &Connection,
    vault: &Vault,
    now: Timestamp,
    real_now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<Owed>, Failure> {
    let statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM notifications
         WHERE next_attempt_ms <= ?1 AND (leased_until_ms IS NULL OR leased_until_ms <= ?2)
         ORDER BY next_attempt_ms LIMIT ?3"
    ))?;
    let key = params![
        now.as_millisecond(),
        real_now.as_millisecond(),
        i64::try_from(limit).unwrap_or(i64::MAX)
    ];
    let mut due = collect(statement, key, read, |row| row.open(vault))?;
    for owed in &mut due {
        owed.leased_until = Some(until);
        db.prepare_cached(
            "UPDATE notifications SET leased_until_ms = ?3, state = 'PENDING'
             WHERE brand_id = ?1 AND id = ?2",
        )?
        .execute(params![owed.brand_id, owed.id, until.as_millisecond()])?;
    }
    Ok(due)
}

pub(in super::super) fn note_attempt(
    db: &Connection,
    vault: &Vault,
    [brand_id, id]: [&str; 2],
    leased_until: Option<Timestamp>,
    attempt: Attempt,
    then: Then,
) -> Result<(), Failure> {
    let found = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM notifications WHERE brand_id = ?1 AND id = ?2"
        ))?
        .query_row([brand_id, id], read)
        .optional()?;
    let Some(mut row) = found else {
        return Ok(());
    };
    row.note(leased_until, attempt, then, vault)?;
    db.prepare_cached(
        "UPDATE notifications
         SET state = ?3, attempts = ?4, next_attempt_ms = ?5, leased_until_ms = ?6
         WHERE brand_id = ?1 AND id = ?2",
    )?
    .execute(params![
        brand_id,
        id,
        row.state,
        row.attempts,
        row.next_attempt_ms,
        row.leased_until_ms,
    ])?;
    Ok(())
}

pub(in super::super) fn next_due(
    db: &Connection,
    real_now: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let due: Option<i64> = db
        .prepare_cached(
            "SELECT next_attempt_ms FROM notifications
             WHERE next_attempt_ms IS NOT NULL
               AND (leased_until_ms IS NULL OR leased_until_ms <= ?1)
             ORDER BY next_attempt_ms LIMIT 1",
        )?
        .query_row([real_now.as_millisecond()], |row| row.get(0))
        .optional()?;
    Ok(due.map(Timestamp::from_millisecond).transpose()?)
}

pub(in super::super) fn pending(db: &Connection) -> Result<u64, Failure> {
    let pending = db
        .prepare_cached("SELECT count(*) FROM notifications WHERE next_attempt_ms IS NOT NULL")?
        .query_row([], count)?;
    Ok(pending)
}

pub(in super::super) fn latest(
    db: &Connection,
    vault: &Vault,
    limit: usize,
) -> Result<Vec<Owed>, Failure> {
    let statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM notifications ORDER BY create_ms DESC, id LIMIT ?1"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    collect(statement, [limit], read, |row| row.open(vault))
}

pub(in super::super) fn one(
    db: &Connection,
    vault: &Vault,
    id: &str,
) -> Result<Option<Owed>, Failure> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM notifications WHERE id = ?1"
    ))?
    .query_row([id], read)
    .optional()?
    .map(|row| row.open(vault))
    .transpose()
}

pub(in super::super) fn redeliver(
    db: &Connection,
    vault: &Vault,
    id: &str,
    now: Timestamp,
) -> Result<Option<Owed>, Failure> {
    db.prepare_cached(
        "UPDATE notifications SET next_attempt_ms = ?2,
             state = CASE WHEN leased_until_ms IS NULL THEN 'PENDING' ELSE ?3 END
         WHERE id = ?1",
    )?
    .execute(params![id, now.as_millisecond(), ASKED_AGAIN])?;
    one(db, vault, id)
}

fn read(row: &Row<'_>) -> rusqlite::Result<OwedRow> {
    Ok(OwedRow {
        brand_id: row.get(0)?,
        id: row.get(1)?,
        card_id: row.get(2)?,
        event_type: row.get(3)?,
        notify_url: row.get(4)?,
        scheme: row.get(5)?,
        identity: row.get(6)?,
        body: row.get(7)?,
        create_ms: row.get(8)?,
        state: row.get(9)?,
        attempts: row.get(10)?,
        next_attempt_ms: row.get(11)?,
        leased_until_ms: row.get(12)?,
    })
}
