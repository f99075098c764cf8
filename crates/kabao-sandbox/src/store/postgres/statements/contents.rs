//! Everything at once: the first contents, and other ones.

use tokio_postgres::Row;

use super::{
    super::{
        session::Session,
        text::owned,
        trouble::Trouble,
        write::{Write, values},
    },
    activities, card_templates, get, get_opt, keys,
    meta::{claim_first_contents, set_clock},
    outbox, records, user_cards,
};
use crate::{
    store::{
        ClockSetting, Contents, Everything, Failure, KeyBook, KeySettings, Record, StoredKey,
        document::{ActivityRow, CardTemplateRow},
    },
    vault::Vault,
};

pub(in super::super) async fn grants(
    session: &mut Session,
) -> Result<Vec<(String, String)>, Trouble> {
    let rows = session
        .query("SELECT mchid, brand_id FROM grants", &[])
        .await?;
    let grants = rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?)));
    let mut grants = grants.collect::<Result<Vec<_>, tokio_postgres::Error>>()?;
    // By brand and then by merchant, whatever order the server's language has.
    grants.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
    Ok(grants)
}

pub(in super::super) fn set_grant(mchid: &str, brand_id: &str, granted: bool) -> Write {
    let sql = match granted {
        true => "INSERT INTO grants (brand_id, mchid) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        false => "DELETE FROM grants WHERE brand_id = $1 AND mchid = $2",
    };
    Write::any(sql, values![owned(brand_id), owned(mchid)])
}

/// The first keys and contents; another was first if they were put in before.
pub(in super::super) fn first_contents(
    keys: &[StoredKey],
    contents: &Contents,
    vault: &Vault,
) -> Result<Vec<Write>, Failure> {
    let mut writes = vec![claim_first_contents()];
    for (position, key) in (1..).zip(keys) {
        writes.push(keys::insert(key, position, vault)?);
    }
    writes.append(&mut replace(contents, vault)?);
    Ok(writes)
}

/// Templates go first: a rule that keeps its template from being changed is
/// waited for, and what it made is then seen by the statements that follow.
pub(in super::super) fn replace(contents: &Contents, vault: &Vault) -> Result<Vec<Write>, Failure> {
    let mut writes = [
        // As long as it takes.
        "SET LOCAL statement_timeout = 0",
        "DELETE FROM card_templates",
        "DELETE FROM user_cards",
        "DELETE FROM activities",
        "DELETE FROM records",
        "DELETE FROM notifications",
        "DELETE FROM grants",
        "DELETE FROM rate_allowances",
        "DELETE FROM replay_marks",
        "DELETE FROM meta WHERE owner = 'platform' AND name = 'faults'",
    ]
    .map(|sql| Write::any(sql, values![]))
    .into_iter()
    .collect::<Vec<_>>();
    writes.push(set_clock(contents.clock));
    for (mchid, brand_id) in &contents.grants {
        writes.push(Write::one(
            "INSERT INTO grants (brand_id, mchid) VALUES ($1, $2)",
            values![owned(brand_id), owned(mchid)],
        ));
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

/// The key book is changed last, from what it was.
pub(in super::super) fn replace_everything(
    everything: &Everything,
    before: &KeySettings,
    vault: &Vault,
) -> Result<Vec<Write>, Failure> {
    let mut writes = replace(&everything.contents, vault)?;
    writes.append(&mut keys::replace(before, &everything.key_book, vault)?);
    Ok(writes)
}

pub(in super::super) async fn everything(
    session: &mut Session,
    vault: &Vault,
) -> Result<Everything, Trouble> {
    let [
        meta,
        grants,
        templates,
        cards,
        activities,
        records,
        owed,
        keys,
    ] = session
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
    let meta = |name: &str| {
        let mut rows = meta.iter();
        let row = rows.find(|row| row.try_get(0).is_ok_and(|found: &str| found == name));
        row.map(|row| get(row, 1)).transpose()
    };
    Ok(Everything {
        contents: Contents {
            grants: each(&grants, |row| Ok((get(row, 0)?, get(row, 1)?)))?,
            card_templates: each(&templates, |row| {
                CardTemplateRow::open(row.try_get(0)?, get_opt(row, 1)?)
            })?,
            user_cards: each(&cards, |row| user_cards::keyed(row, vault))?,
            activities: each(&activities, |row| ActivityRow::open(row.try_get(0)?))?,
            records: each(&records, |row| {
                let record = Record {
                    kind: get(row, 1)?,
                    id: get(row, 2)?,
                    document: row.try_get(3)?,
                };
                Ok((get(row, 0)?, record))
            })?,
            notifications: each(&owed, |row| outbox::read(row)?.open(vault))?,
            clock: ClockSetting::from_stored(meta("clock")?.as_deref())?,
        },
        key_book: KeyBook {
            keys: each(&keys, |row| keys::open(row, vault))?,
            settings: keys::settings_of(meta("keys")?.as_deref())?,
        },
    })
}

fn each<T>(rows: &[Row], open: impl FnMut(&Row) -> Result<T, Failure>) -> Result<Vec<T>, Failure> {
    rows.iter().map(open).collect()
}
