use jiff::Timestamp;
use tokio_postgres::Row;

use super::{
    super::{
        session::Session,
        text::{owned, text},
        trouble::Trouble,
        write::{Write, values},
    },
    get, get_opt,
};
use crate::{
    random,
    store::{
        Attempt, Failure, Owed, Then,
        document::{ASKED_AGAIN, OwedRow},
    },
    vault::Vault,
};

/// What [`read`] reads, and then the version.
macro_rules! columns {
    () => {
        "brand_id, id, card_id, event_type, notify_url, scheme, identity, body,
         create_ms, state, attempts, next_attempt_ms, leased_until_ms, version"
    };
}

const COLUMNS: &str = columns!();

pub(super) const ALL: &str = concat!("SELECT ", columns!(), " FROM notifications");

pub(super) fn insert(owed: &Owed, vault: &Vault) -> Result<Write, Failure> {
    let row = OwedRow::seal(owed, vault)?;
    Ok(Write::one(
        concat!(
            "INSERT INTO notifications (",
            columns!(),
            ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
        ),
        values![
            owned(&row.brand_id),
            owned(&row.id),
            row.card_id.as_deref().map(owned),
            owned(&row.event_type),
            owned(&row.notify_url),
            row.scheme,
            owned(&row.identity),
            row.body,
            row.create_ms,
            row.state,
            row.attempts,
            row.next_attempt_ms,
            row.leased_until_ms,
            random::number(),
        ],
    ))
}

/// Whoever changes an entry's version first has it; of the others nobody waits.
pub(in super::super) async fn lease_due(
    session: &mut Session,
    vault: &Vault,
    now: Timestamp,
    real_now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<Owed>, Trouble> {
    let sql = format!(
        "SELECT {COLUMNS} FROM notifications
         WHERE next_attempt_ms <= $1 AND (leased_until_ms IS NULL OR leased_until_ms <= $2)
         ORDER BY next_attempt_ms LIMIT $3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (due, real) = (now.as_millisecond(), real_now.as_millisecond());
    let rows = session.query(&sql, &[&due, &real, &limit]).await?;
    let mut leases = Vec::with_capacity(rows.len());
    let mut due = Vec::with_capacity(rows.len());
    for row in &rows {
        let version: i64 = row.try_get(13)?;
        let mut owed = read(row)?.open(vault)?;
        leases.push(Write::any(
            "UPDATE notifications SET leased_until_ms = $4, state = 'PENDING', version = $5
             WHERE brand_id = $1 AND id = $2 AND version = $3",
            values![
                owned(&owed.brand_id),
                owned(&owed.id),
                version,
                until.as_millisecond(),
                random::number(),
            ],
        ));
        owed.leased_until = Some(until);
        due.push(owed);
    }
    let taken = session.each(&leases).await?;
    let due = due.into_iter().zip(taken);
    Ok(due
        .filter_map(|(owed, taken)| (taken == 1).then_some(owed))
        .collect())
}

pub(in super::super) async fn note_attempt(
    session: &mut Session,
    vault: &Vault,
    leased: &Owed,
    attempt: &Attempt,
    then: Then,
) -> Result<(), Trouble> {
    let (brand_id, id) = (&leased.brand_id, &leased.id);
    let sql = format!("SELECT {COLUMNS} FROM notifications WHERE brand_id = $1 AND id = $2");
    let key = (text(brand_id), text(id));
    let Some(found) = session.query_opt(&sql, &[&key.0, &key.1]).await? else {
        return Ok(());
    };
    let version: i64 = found.try_get(13)?;
    let mut row = read(&found)?;
    row.note(leased.leased_until, attempt.clone(), then, vault)?;
    let noted = Write::one(
        "UPDATE notifications SET state = $4, attempts = $5, next_attempt_ms = $6,
             leased_until_ms = $7, version = $8
         WHERE brand_id = $1 AND id = $2 AND version = $3",
        values![
            owned(brand_id),
            owned(id),
            version,
            row.state,
            row.attempts,
            row.next_attempt_ms,
            row.leased_until_ms,
            random::number(),
        ],
    );
    session.save(&[noted]).await
}

pub(in super::super) async fn next_due(
    session: &mut Session,
    real_now: Timestamp,
) -> Result<Option<Timestamp>, Trouble> {
    let found = session
        .query_opt(
            "SELECT next_attempt_ms FROM notifications
             WHERE next_attempt_ms IS NOT NULL
               AND (leased_until_ms IS NULL OR leased_until_ms <= $1)
             ORDER BY next_attempt_ms LIMIT 1",
            &[&real_now.as_millisecond()],
        )
        .await?;
    let due: Option<i64> = found.map(|row| row.try_get(0)).transpose()?;
    let due = due.map(Timestamp::from_millisecond).transpose();
    Ok(due.map_err(Failure::from)?)
}

pub(in super::super) async fn pending(session: &mut Session) -> Result<u64, Trouble> {
    let sql = "SELECT count(*) FROM notifications WHERE next_attempt_ms IS NOT NULL";
    let found = session.query_opt(sql, &[]).await?;
    let pending: Option<i64> = found.map(|row| row.try_get(0)).transpose()?;
    Ok(pending.unwrap_or_default().unsigned_abs())
}

pub(in super::super) async fn latest(
    session: &mut Session,
    vault: &Vault,
    limit: usize,
) -> Result<Vec<Owed>, Trouble> {
    let sql = format!("SELECT {COLUMNS} FROM notifications ORDER BY create_ms DESC, id LIMIT $1");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = session.query(&sql, &[&limit]).await?;
    let owed = rows.iter().map(|row| read(row)?.open(vault));
    Ok(owed.collect::<Result<_, Failure>>()?)
}

pub(in super::super) async fn one(
    session: &mut Session,
    vault: &Vault,
    id: &str,
) -> Result<Option<Owed>, Trouble> {
    let sql = format!("SELECT {COLUMNS} FROM notifications WHERE id = $1");
    let found = session.query_opt(&sql, &[&text(id)]).await?;
    let owed = found.map(|row| read(&row)?.open(vault));
    Ok(owed.transpose()?)
}

pub(in super::super) async fn redeliver(
    session: &mut Session,
    vault: &Vault,
    id: &str,
    now: Timestamp,
) -> Result<Option<Owed>, Trouble> {
    let Some(owed) = one(session, vault, id).await? else {
        return Ok(None);
    };
    let due = Write::any(
        "UPDATE notifications SET next_attempt_ms = $3, version = $4,
             state = CASE WHEN leased_until_ms IS NULL THEN 'PENDING' ELSE $5 END
         WHERE brand_id = $1 AND id = $2",
        values![
            owned(&owed.brand_id),
            owned(id),
            now.as_millisecond(),
            random::number(),
            ASKED_AGAIN,
        ],
    );
    session.save(&[due]).await?;
    one(session, vault, id).await
}

pub(super) fn read(row: &Row) -> Result<OwedRow, Failure> {
    Ok(OwedRow {
        brand_id: get(row, 0)?,
        id: get(row, 1)?,
        card_id: get_opt(row, 2)?,
        event_type: get(row, 3)?,
        notify_url: get(row, 4)?,
        scheme: row.try_get(5)?,
        identity: get(row, 6)?,
        body: row.try_get(7)?,
        create_ms: row.try_get(8)?,
        state: row.try_get(9)?,
        attempts: row.try_get(10)?,
        next_attempt_ms: row.try_get(11)?,
        leased_until_ms: row.try_get(12)?,
    })
}
