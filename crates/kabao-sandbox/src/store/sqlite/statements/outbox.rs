use jiff::Timestamp;
use kabao_core::signature::Scheme;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{super::failure::Failure, collect};
use crate::{
    store::{Attempt, Owed, OwedState, Then},
    vault::{Compartment, Vault},
};

const COLUMNS: &str = "brand_id, id, card_id, event_type, notify_url, scheme, identity, body,
    create_ms, state, attempts, next_attempt_ms, leased_until_ms";

pub(super) fn insert(db: &Connection, vault: &Vault, owed: &Owed) -> Result<(), Failure> {
    let sealed = vault.seal(
        Compartment::Personal,
        &place(&owed.brand_id, &owed.id),
        &owed.body,
    )?;
    db.prepare_cached(&format!(
        "INSERT INTO notifications ({COLUMNS})
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
    ))?
    .execute(params![
        owed.brand_id,
        owed.id,
        owed.card_id,
        owed.event_type,
        owed.notify_url,
        owed.scheme.as_str(),
        owed.identity,
        sealed,
        owed.create_time.as_millisecond(),
        owed.state.as_str(),
        serde_json::to_string(&owed.attempts)?,
        owed.next_attempt.map(Timestamp::as_millisecond),
        owed.leased_until.map(Timestamp::as_millisecond),
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
    let mut due = collect(statement, key, OwedRow::read, |row| row.open(vault))?;
    for owed in &mut due {
        owed.leased_until = Some(until);
        db.prepare_cached(
            "UPDATE notifications SET leased_until_ms = ?3 WHERE brand_id = ?1 AND id = ?2",
        )?
        .execute(params![owed.brand_id, owed.id, until.as_millisecond()])?;
    }
    Ok(due)
}

pub(in super::super) fn note_attempt(
    db: &Connection,
    brand_id: &str,
    id: &str,
    attempt: Attempt,
    then: Then,
) -> Result<(), Failure> {
    let found = db
        .prepare_cached(
            "SELECT state, attempts FROM notifications WHERE brand_id = ?1 AND id = ?2",
        )?
        .query_row([brand_id, id], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    let Some((state, attempts)) = found else {
        return Ok(());
    };
    let mut attempts: Vec<Attempt> = serde_json::from_str(&attempts)?;
    attempts.push(attempt);
    // Whoever was too slow does not undo what another has achieved.
    let then = match OwedState::from_name(&state) {
        Some(OwedState::Delivered) => Then::Delivered,
        _ => then,
    };
    db.prepare_cached(
        "UPDATE notifications SET state = ?3, attempts = ?4, next_attempt_ms = ?5,
             leased_until_ms = NULL
         WHERE brand_id = ?1 AND id = ?2",
    )?
    .execute(params![
        brand_id,
        id,
        then.state().as_str(),
        serde_json::to_string(&attempts)?,
        then.next_attempt().map(Timestamp::as_millisecond),
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

pub(in super::super) fn latest(
    db: &Connection,
    vault: &Vault,
    limit: usize,
) -> Result<Vec<Owed>, Failure> {
    let statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM notifications ORDER BY create_ms DESC, id LIMIT ?1"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    collect(statement, [limit], OwedRow::read, |row| row.open(vault))
}

pub(in super::super) fn one(
    db: &Connection,
    vault: &Vault,
    id: &str,
) -> Result<Option<Owed>, Failure> {
    db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM notifications WHERE id = ?1"
    ))?
    .query_row([id], OwedRow::read)
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
        "UPDATE notifications
         SET state = 'PENDING', next_attempt_ms = ?2, leased_until_ms = NULL WHERE id = ?1",
    )?
    .execute(params![id, now.as_millisecond()])?;
    one(db, vault, id)
}

/// A row as it is stored.
struct OwedRow {
    brand_id: String,
    id: String,
    card_id: Option<String>,
    event_type: String,
    notify_url: String,
    scheme: String,
    identity: String,
    sealed: Vec<u8>,
    create_ms: i64,
    state: String,
    attempts: String,
    next_attempt_ms: Option<i64>,
    leased_until_ms: Option<i64>,
}

impl OwedRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            brand_id: row.get(0)?,
            id: row.get(1)?,
            card_id: row.get(2)?,
            event_type: row.get(3)?,
            notify_url: row.get(4)?,
            scheme: row.get(5)?,
            identity: row.get(6)?,
            sealed: row.get(7)?,
            create_ms: row.get(8)?,
            state: row.get(9)?,
            attempts: row.get(10)?,
            next_attempt_ms: row.get(11)?,
            leased_until_ms: row.get(12)?,
        })
    }

    fn open(self, vault: &Vault) -> Result<Owed, Failure> {
        let at = |ms: Option<i64>| ms.map(Timestamp::from_millisecond).transpose();
        let place = place(&self.brand_id, &self.id);
        let body = vault.open(Compartment::Personal, &place, &self.sealed)?;
        Ok(Owed {
            scheme: Scheme::from_name(&self.scheme)
                .ok_or_else(|| format!("`{}` is not a scheme", self.scheme))?,
            state: OwedState::from_name(&self.state)
                .ok_or_else(|| format!("`{}` is not a state of a notification", self.state))?,
            attempts: serde_json::from_str(&self.attempts)?,
            create_time: Timestamp::from_millisecond(self.create_ms)?,
            next_attempt: at(self.next_attempt_ms)?,
            leased_until: at(self.leased_until_ms)?,
            body: body.to_vec(),
            brand_id: self.brand_id,
            id: self.id,
            card_id: self.card_id,
            event_type: self.event_type,
            notify_url: self.notify_url,
            identity: self.identity,
        })
    }
}

fn place<'a>(brand_id: &'a str, id: &'a str) -> [&'a str; 3] {
    ["notifications", brand_id, id]
}
