//! The SQL. What reads is given a session; what writes is only described, so
//! that a transaction goes to the server as a whole.

mod activities;
mod card_templates;
mod contents;
mod grants;
mod keys;
mod load;
mod meta;
mod outbox;
mod records;
mod save;
mod shared;
mod user_cards;

use tokio_postgres::{Row, types::ToSql};

use super::{session::Session, text::Text, trouble::Trouble};
use crate::store::{Failure, Page};

pub(super) use activities::list as activities;
pub(super) use card_templates::list as card_templates;
pub(super) use contents::{
    bytes as stored_bytes, everything, first as first_contents, replace as replace_contents,
    replace_everything,
};
pub(super) use grants::{all as grants, set as set_grant};
pub(super) use keys::{book as key_book, change as change_keys, settings as key_settings};
pub(super) use load::load;
pub(super) use meta::{clock, has_contents, set_clock};
pub(super) use outbox::{
    latest as notifications, lease_due, next_due, note_attempt, one as notification, pending,
    redeliver,
};
pub(super) use save::save;
pub(super) use shared::{
    faults, faults_of, mark_request, set_rate_limits, swap_faults, sweep_marks, take_calls, watched,
};
pub(super) use user_cards::list as user_cards;

/// A page of a list and how many there are in all, in one statement and thus at
/// one moment. `rows` gives the page, `order` its order; a page past the end
/// still tells the total.
async fn page<T>(
    session: &mut Session,
    counted: &str,
    rows: &str,
    order: &str,
    values: &[&(dyn ToSql + Sync)],
    open: impl Fn(&Row) -> Result<T, Failure>,
) -> Result<Page<T>, Trouble> {
    let sql = format!(
        "SELECT page.*, counted.total
         FROM (SELECT count(*) AS total FROM {counted}) AS counted
         LEFT JOIN ({rows} ORDER BY {order} LIMIT $2 OFFSET $3) AS page ON true
         ORDER BY {order}"
    );
    let found = session.query(&sql, values).await?;
    let mut page = Page {
        rows: Vec::with_capacity(found.len()),
        total: 0,
    };
    for row in &found {
        let total: i64 = row.try_get("total")?;
        page.total = total.unsigned_abs();
        // The total of an empty page stands alone.
        if row.try_get::<_, Option<&str>>("document")?.is_some() {
            page.rows.push(open(row)?);
        }
    }
    Ok(page)
}

/// A text of a row, in full.
fn get(row: &Row, at: usize) -> Result<String, tokio_postgres::Error> {
    row.try_get(at).map(Text::into_string)
}

/// A text that may be missing.
fn get_opt(row: &Row, at: usize) -> Result<Option<String>, tokio_postgres::Error> {
    let found: Option<Text<'static>> = row.try_get(at)?;
    Ok(found.map(Text::into_string))
}
