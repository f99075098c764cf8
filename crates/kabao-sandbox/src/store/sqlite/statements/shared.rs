use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::meta;
use crate::{
    limits::{Allowance, RateLimits, Taken},
    store::{Calls, Failure, OrderedFault, SignedRequest, Watched},
};

/// One statement, which is one moment.
pub(in super::super) fn watched(db: &Connection) -> Result<Watched, Failure> {
    let mut statement = db.prepare_cached(
        "SELECT name, value FROM meta WHERE name IN ('keys', 'rate_limits', 'clock', 'faults')",
    )?;
    let mut rows = statement.query([])?;
    let mut watched = Watched::default();
    while let Some(row) = rows.next()? {
        watched.take(row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?)?;
    }
    Ok(watched)
}

pub(in super::super) fn set_rate_limits(
    db: &Connection,
    limits: Option<&RateLimits>,
) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM rate_allowances")?
        .execute([])?;
    match limits {
        None => meta::remove(db, "rate_limits"),
        Some(limits) => meta::put(db, "rate_limits", &serde_json::to_string(limits)?),
    }
}

/// The transaction was begun for writing, so nobody comes between.
pub(in super::super) fn take_calls(
    db: &Connection,
    calls: &Calls,
    wanted: u32,
    real_now: Timestamp,
) -> Result<Taken, Failure> {
    let used_until_us = db
        .prepare_cached(
            "SELECT used_until_us FROM rate_allowances WHERE owner = ?1 AND operation = ?2",
        )?
        .query_row([&*calls.owner, calls.operation], |row| row.get(0))
        .optional()?;
    let found = used_until_us.map(|used_until_us| Allowance { used_until_us });
    let mut allowance = found.unwrap_or(Allowance::UNUSED);
    let taken = allowance.take(wanted, calls.per_second, real_now.as_microsecond());
    // Refusing writes nothing, unless a clock was put back.
    if Some(allowance) != found {
        db.prepare_cached(
            "INSERT INTO rate_allowances (owner, operation, used_until_us) VALUES (?1, ?2, ?3)
             ON CONFLICT (owner, operation) DO UPDATE SET used_until_us = excluded.used_until_us",
        )?
        .execute(params![
            calls.owner,
            calls.operation,
            allowance.used_until_us
        ])?;
    }
    Ok(taken)
}

pub(in super::super) fn mark_request(
    db: &Connection,
    request: &SignedRequest,
    until: Timestamp,
    real_now: Timestamp,
) -> Result<bool, Failure> {
    let marked = db
        .prepare_cached(
            "INSERT INTO replay_marks (owner, signature, until_s) VALUES (?1, ?2, ?3)
             ON CONFLICT (owner, signature) DO UPDATE SET until_s = excluded.until_s
                 WHERE replay_marks.until_s <= ?4",
        )?
        .execute(params![
            request.owner,
            request.signature,
            until.as_second(),
            real_now.as_second(),
        ])?;
    Ok(marked == 1)
}

pub(in super::super) fn sweep_marks(
    db: &Connection,
    real_now: Timestamp,
    at_most: u32,
) -> Result<u64, Failure> {
    let swept = db
        .prepare_cached(
            "DELETE FROM replay_marks WHERE (owner, signature) IN
                 (SELECT owner, signature FROM replay_marks WHERE until_s <= ?1 LIMIT ?2)",
        )?
        .execute(params![real_now.as_second(), at_most])?;
    Ok(swept as u64)
}

pub(in super::super) fn faults(db: &Connection) -> Result<Vec<OrderedFault>, Failure> {
    let text = meta::value(db, "faults")?;
    Ok(text.map_or_else(|| Ok(Vec::new()), |text| serde_json::from_str(&text))?)
}

pub(in super::super) fn set_faults(
    db: &Connection,
    faults: &[OrderedFault],
) -> Result<(), Failure> {
    meta::put(db, "faults", &serde_json::to_string(faults)?)
}

pub(super) fn forget_faults(db: &Connection) -> Result<(), Failure> {
    meta::remove(db, "faults")
}
