//! Everything at once: read, and replaced.

use rusqlite::Connection;

use super::{
    activities, card_templates, clock, count, grants, key_book, keys, outbox, put_clock, records,
    shared::forget_faults, user_cards,
};
use crate::{
    store::{
        Contents, Everything, Failure,
        document::emptied::{CONTENTS, COUNTS},
        workspace::Mark,
    },
    vault::Vault,
};

pub(in super::super) fn bytes(db: &Connection, _: &Vault) -> Result<u64, Failure> {
    Ok(db
        .prepare(
            "SELECT ifnull(sum(bytes), 0) FROM (
         SELECT octet_length(document) AS bytes FROM card_templates
         UNION ALL
         SELECT octet_length(document) + coalesce(octet_length(personal), 0) FROM user_cards
         UNION ALL
         SELECT octet_length(document) FROM activities
         UNION ALL
         SELECT octet_length(document) FROM records
         UNION ALL
         SELECT octet_length(body) + octet_length(attempts) FROM notifications
     )",
        )?
        .query_row([], count)?)
}

pub(in super::super) fn everything(db: &Connection, vault: &Vault) -> Result<Everything, Failure> {
    Ok(Everything {
        contents: Contents {
            grants: grants::all(db)?,
            card_templates: card_templates::all(db)?,
            user_cards: user_cards::all(db, vault)?,
            activities: activities::all(db)?,
            records: records::all(db)?,
            notifications: outbox::latest(db, vault, usize::MAX)?,
            clock: clock(db)?,
        },
        key_book: key_book(db, vault)?,
    })
}

pub(in super::super) fn replace(
    db: &Connection,
    vault: &Vault,
    contents: &Contents,
) -> Result<(), Failure> {
    for sql in CONTENTS.into_iter().chain(COUNTS) {
        db.execute(sql, [])?;
    }
    forget_faults(db)?;
    put_clock(db, contents.clock)?;
    for (mchid, brand_id) in &contents.grants {
        grants::insert(db, mchid, brand_id)?;
    }
    for template in &contents.card_templates {
        card_templates::write(db, template, Mark::New)?;
    }
    for card in &contents.user_cards {
        user_cards::write(db, vault, card, Mark::New)?;
    }
    for activity in &contents.activities {
        activities::write(db, activity, Mark::New)?;
    }
    for (brand_id, record) in &contents.records {
        records::write(db, brand_id, record, Mark::New)?;
    }
    for owed in &contents.notifications {
        outbox::insert(db, vault, owed)?;
    }
    Ok(())
}

pub(in super::super) fn replace_everything(
    db: &Connection,
    vault: &Vault,
    everything: &Everything,
) -> Result<(), Failure> {
    replace(db, vault, &everything.contents)?;
    keys::replace(db, vault, &everything.key_book)
}
