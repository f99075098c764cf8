//! What is set and counted together. Each is one statement on one row.

use jiff::Timestamp;

use super::{
    super::{
        session::Session,
        text::{owned, text},
        trouble::Trouble,
        write::{Write, values},
    },
    get, meta,
};
use crate::{
    limits::{RateLimits, SECOND_US, Taken, shares},
    store::{Calls, Failure, OrderedFault, SignedRequest, Watched},
};

pub(in super::super) async fn watched(session: &mut Session) -> Result<Watched, Trouble> {
    let rows = session
        .query(
            "SELECT name, value FROM meta
             WHERE owner = 'platform' AND name IN ('keys', 'rate_limits', 'clock', 'faults')",
            &[],
        )
        .await?;
    let mut watched = Watched::default();
    for row in &rows {
        watched.take(row.try_get(0)?, &get(row, 1)?)?;
    }
    Ok(watched)
}

pub(in super::super) fn set_rate_limits(
    limits: Option<&RateLimits>,
) -> Result<Vec<Write>, Failure> {
    let set = match limits {
        None => meta::remove("rate_limits"),
        Some(limits) => meta::put("rate_limits", &serde_json::to_string(limits)?),
    };
    let forget = Write::any("DELETE FROM rate_allowances", values![]);
    Ok(vec![set, forget])
}

/// [`Allowance::take`](crate::limits::Allowance::take) in the server, so that it
/// is one round trip and nobody comes between: `$3` is now, `$4` a call's share,
/// `$5` the end of what is free, `$6` the latest that is believed, `$7` how many
/// are wanted. Whole numbers divide to a whole one in PostgreSQL, and to a
/// decimal in CockroachDB.
pub(in super::super) async fn take_calls(
    session: &mut Session,
    calls: &Calls,
    wanted: u32,
    real_now: Timestamp,
) -> Result<Taken, Trouble> {
    let now_us = real_now.as_microsecond();
    let (one, all) = shares(calls.per_second);
    let end = now_us.saturating_add(all);
    let latest = end.saturating_add(SECOND_US);
    // All of it, if there is no row.
    let first = i64::from(wanted.min(calls.per_second.get()));
    let row = session
        .query_opt(
            "INSERT INTO rate_allowances AS a (owner, operation, used_until_us, granted)
             VALUES ($1, $2, $3::bigint + $4::bigint * $8::bigint, $8::bigint)
             ON CONFLICT (owner, operation) DO UPDATE SET
                 used_until_us = LEAST(GREATEST(a.used_until_us, $3), $6::bigint) + $4
                     * LEAST($7::bigint, GREATEST(0, CAST(
                         FLOOR(($5::bigint - GREATEST(a.used_until_us, $3)) / $4) AS BIGINT))),
                 granted = LEAST($7, GREATEST(0, CAST(
                     FLOOR(($5 - GREATEST(a.used_until_us, $3)) / $4) AS BIGINT)))
             RETURNING used_until_us, granted",
            &[
                &text(&calls.owner),
                &text(calls.operation),
                &now_us,
                &one,
                &end,
                &latest,
                &i64::from(wanted),
                &first,
            ],
        )
        .await?;
    let row = row.ok_or_else(|| Failure::from("a row that was written is not told"))?;
    let (used_until_us, granted) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Taken::of(granted, used_until_us, calls.per_second, now_us))
}

/// Finds one row if it is new, or was over.
pub(in super::super) fn mark_request(
    request: &SignedRequest,
    until: Timestamp,
    real_now: Timestamp,
) -> Write {
    Write::any(
        "INSERT INTO replay_marks AS m (owner, signature, until_s) VALUES ($1, $2, $3)
         ON CONFLICT (owner, signature) DO UPDATE SET until_s = excluded.until_s
             WHERE m.until_s <= $4",
        values![
            owned(&request.owner),
            owned(&request.signature),
            until.as_second(),
            real_now.as_second(),
        ],
    )
}

/// A mark that somebody renews meanwhile is not over any more: hence the second
/// look at it.
pub(in super::super) fn sweep_marks(real_now: Timestamp, at_most: u32) -> Write {
    Write::any(
        "DELETE FROM replay_marks WHERE until_s <= $1 AND (owner, signature) IN
             (SELECT owner, signature FROM replay_marks WHERE until_s <= $1 LIMIT $2)",
        values![real_now.as_second(), i64::from(at_most)],
    )
}

/// The text that [`swap_faults`] compares with.
pub(in super::super) async fn faults(session: &mut Session) -> Result<Option<String>, Trouble> {
    meta::value(session, "faults").await
}

pub(in super::super) fn faults_of(text: Option<&str>) -> Result<Vec<OrderedFault>, Failure> {
    Ok(text.map_or_else(|| Ok(Vec::new()), serde_json::from_str)?)
}

/// Another was first if the text is not as it was. It never is again: each order
/// has a name of its own, and what is left of it only grows less.
pub(in super::super) fn swap_faults(
    before: Option<&str>,
    after: &[OrderedFault],
) -> Result<Write, Failure> {
    Ok(meta::swap("faults", before, &serde_json::to_string(after)?))
}

pub(super) fn forget_faults() -> Write {
    meta::remove("faults")
}
