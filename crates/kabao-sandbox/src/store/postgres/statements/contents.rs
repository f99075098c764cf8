//! Everything at once: the first contents, and other ones.

use std::sync::Arc;

use tokio_postgres::Row;

use super::{
    super::{
        session::Session,
        trouble::Trouble,
        write::{Write, values},
    },
    activities, card_templates, get, get_opt, grants, keys,
    meta::{change_contents, claim_first_contents, put_clock},
    outbox, records,
    shared::forget_faults,
    user_cards,
};
use crate::{
    store::{
        ClockSetting, Contents, Everything, Failure, KeyBook, KeySettings, Record,
        document::{
            ActivityRow, CardTemplateRow,
            emptied::{CONTENTS, COUNTS},
        },
    },
    vault::Vault,
};

/// The first of all; another was first if there was something before.
pub(in super::super) fn first(
    everything: &Everything,
    vault: &Vault,
) -> Result<Vec<Write>, Failure> {
    let mut writes = vec![claim_first_contents()];
    writes.append(&mut replace_everything(
        everything,
        &KeySettings::default(),
        vault,
    )?);
    Ok(writes)
}

/// Other contents, and nothing of what was counted.
pub(in super::super) fn replace(contents: &Contents, vault: &Vault) -> Result<Vec<Write>, Failure> {
    let mut writes = replace_contents(contents, vault)?;
    writes.extend(empty(COUNTS));
    Ok(writes)
}

/// The same, with another key book, which is changed from what it was.
pub(in super::super) fn replace_everything(
    everything: &Everything,
    before: &KeySettings,
    vault: &Vault,
) -> Result<Vec<Write>, Failure> {
    let mut writes = replace_contents(&everything.contents, vault)?;
    writes.append(&mut keys::replace(before, &everything.key_book, vault)?);
    writes.extend(empty(COUNTS));
    Ok(writes)
}

/// A rule that is being saved is waited for, and what it made is then seen by the
/// statements that follow: by its row of `meta` or, which is most often the case,
/// by a row of a table that is emptied before those that it adds to
/// ([`Key::table`](super::load::Key::table)).
fn replace_contents(contents: &Contents, vault: &Vault) -> Result<Vec<Write>, Failure> {
    // As long as it takes.
    let patience = Write::any("SET LOCAL statement_timeout = 0", values![]);
    let mut writes = vec![patience, change_contents()];
    writes.extend(empty(CONTENTS));
    writes.push(forget_faults());
    writes.push(put_clock(contents.clock));
    for (mchid, brand_id) in &contents.grants {
        writes.push(grants::insert(mchid, brand_id));
    }
    for template in &contents.card_templates {
        writes.push(card_templates::insert(template)?);
    }
    for card in &contents.user_cards {
        writes.push(user_cards::insert(card, vault)?);
    }
    for activity in &contents.activities {
        writes.push(activities::insert(activity)?);
    }
    for (brand_id, record) in &contents.records {
        writes.push(records::insert(brand_id, record));
    }
    for owed in &contents.notifications {
        writes.push(outbox::insert(owed, vault)?);
    }
    Ok(writes)
}

fn empty<const N: usize>(tables: [&'static str; N]) -> [Write; N] {
    tables.map(|sql| Write::any(sql, values![]))
}

pub(in super::super) async fn bytes(session: &mut Session) -> Result<u64, Trouble> {
    let [rows] = session
        .query_at_one_moment(["SELECT CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM (
         SELECT octet_length(document) AS bytes FROM card_templates
         UNION ALL
         SELECT octet_length(document) + coalesce(octet_length(personal), 0) FROM user_cards
         UNION ALL
         SELECT octet_length(document) FROM activities
         UNION ALL
         SELECT octet_length(document) FROM records
         UNION ALL
         SELECT octet_length(body) + octet_length(attempts) FROM notifications
     ) AS parts"])
        .await?;
    let bytes: Option<i64> = rows.first().map(|row| row.try_get(0)).transpose()?;
    Ok(bytes.unwrap_or_default().unsigned_abs())
}

pub(in super::super) async fn everything(
    session: &mut Session,
    vault: &Arc<Vault>,
) -> Result<Everything, Trouble> {
    let rows = session
        .query_at_one_moment([
            "SELECT name, value FROM meta WHERE owner = 'platform'",
            "SELECT mchid, brand_id FROM grants",
            "SELECT document, created_by_mchid FROM card_templates",
            user_cards::ALL,
            "SELECT document FROM activities",
            "SELECT brand_id, kind, id, document FROM records",
            outbox::ALL,
            keys::ALL,
        ])
        .await?;
    // Fifty thousand cards take half a second to open, which others need not wait.
    let vault = Arc::clone(vault);
    let opening = tokio::task::spawn_blocking(move || open(&rows, &vault));
    Ok(opening.await.map_err(Failure::from)??)
}

fn open(rows: &[Vec<Row>; 8], vault: &Vault) -> Result<Everything, Failure> {
    let [
        meta,
        grants,
        templates,
        cards,
        activities,
        records,
        owed,
        keys,
    ] = rows;
    let meta = |name: &str| {
        let mut rows = meta.iter();
        let row = rows.find(|row| row.try_get(0).is_ok_and(|found: &str| found == name));
        row.map(|row| get(row, 1)).transpose()
    };
    Ok(Everything {
        contents: Contents {
            grants: each(grants, |row| Ok((get(row, 0)?, get(row, 1)?)))?,
            card_templates: each(templates, |row| {
                CardTemplateRow::open(row.try_get(0)?, get_opt(row, 1)?)
            })?,
            user_cards: each(cards, |row| user_cards::keyed(row, vault))?,
            activities: each(activities, |row| ActivityRow::open(row.try_get(0)?))?,
            records: each(records, |row| {
                let record = Record {
                    kind: get(row, 1)?,
                    id: get(row, 2)?,
                    document: row.try_get(3)?,
                };
                Ok((get(row, 0)?, record))
            })?,
            notifications: each(owed, |row| outbox::read(row)?.open(vault))?,
            clock: ClockSetting::from_stored(meta("clock")?.as_deref())?,
        },
        key_book: KeyBook {
            keys: each(keys, |row| keys::open(row, vault))?,
            settings: keys::settings_of(meta("keys")?.as_deref())?,
        },
    })
}

fn each<T>(rows: &[Row], open: impl FnMut(&Row) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
    rows.iter().map(open).collect()
}
