//! The SQL, each function inside a transaction that somebody else holds.

mod activities;
mod card_templates;
mod contents;
mod grants;
mod keys;
mod meta;
mod outbox;
mod records;
mod shared;
mod user_cards;

use rusqlite::{Connection, Params, Row, Statement};

use crate::{
    store::{ClockSetting, Failure, Needs, Standing, Workspace},
    vault::Vault,
};

pub(super) use activities::list as activities;
pub(super) use card_templates::list as card_templates;
pub(super) use contents::{
    bytes as stored_bytes, everything, replace as replace_contents, replace_everything,
};
pub(super) use grants::{all as grants, set as set_grant};
pub(super) use keys::{any as has_keys, book as key_book, change as change_keys};
pub(super) use meta::{clock, put_clock};
pub(super) use outbox::{
    latest as notifications, lease_due, next_due, note_attempt, one as notification, pending,
    redeliver,
};
pub(super) use shared::{
    faults, mark_request, set_faults, set_rate_limits, sweep_marks, take_calls, watched,
};
pub(super) use user_cards::list as user_cards;

/// The rows that a rule wants to see.
pub(super) fn load(db: &Connection, vault: &Vault, needs: &Needs) -> Result<Workspace, Failure> {
    let brand_id = needs.brand_id.as_str();
    let (standing, card) = match &needs.user_card {
        None => (standing(db, needs)?, None),
        Some((card_id, code)) => user_cards::in_sight(db, vault, needs, card_id, code)?,
    };
    let mut workspace = Workspace::of(brand_id, standing);
    workspace.user_cards.load(card);
    if let Some(card_id) = &needs.card_template {
        let found = card_templates::one(db, brand_id, card_id)?;
        workspace.card_templates.load(found);
    }
    if let Some((card_id, openid)) = &needs.user_cards_of {
        let found = user_cards::of_a_template(db, vault, brand_id, card_id, openid)?;
        workspace.user_cards.load(found);
    }
    if let Some(activity_id) = &needs.activity {
        let found = activities::one(db, brand_id, activity_id)?;
        workspace.activities.load(found);
    }
    if let Some(card_id) = &needs.activities_of {
        let found = activities::of_a_template(db, brand_id, card_id)?;
        workspace.activities.load(found);
    }
    for (kind, id) in &needs.records {
        let found = records::one(db, brand_id, kind, id)?;
        workspace.records.load(found);
    }
    Ok(workspace)
}

/// What a rule has put, removed and owed.
pub(super) fn save(db: &Connection, vault: &Vault, workspace: &Workspace) -> Result<(), Failure> {
    let brand_id = workspace.brand_id();
    for id in &workspace.removed_user_cards {
        user_cards::remove(db, id)?;
    }
    for (template, mark) in workspace.card_templates.to_write() {
        card_templates::write(db, template, mark)?;
    }
    for (card, mark) in workspace.user_cards.to_write() {
        user_cards::write(db, vault, card, mark)?;
    }
    for (activity, mark) in workspace.activities.to_write() {
        activities::write(db, activity, mark)?;
    }
    for (record, mark) in workspace.records.to_write() {
        records::write(db, brand_id, record, mark)?;
    }
    for owed in &workspace.owed {
        outbox::insert(db, vault, owed)?;
    }
    Ok(())
}

/// How the one who asks stands to the brand, and the clock.
fn standing(db: &Connection, needs: &Needs) -> Result<Standing, Failure> {
    let mut statement = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM grants WHERE brand_id = ?1 AND mchid = ?2),
                (SELECT value FROM meta WHERE name = 'clock')",
    )?;
    let (granted, clock): (bool, Option<String>) = statement
        .query_row((&needs.brand_id, &needs.mchid), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    standing_of(needs, granted, clock.as_deref())
}

fn standing_of(needs: &Needs, granted: bool, clock: Option<&str>) -> Result<Standing, Failure> {
    Ok(Standing {
        served: granted || needs.mchid.is_none(),
        clock: ClockSetting::from_stored(clock)?,
    })
}

/// Every row that a statement gives, each turned into what it stands for.
fn collect<'db, T, R>(
    mut statement: impl std::ops::DerefMut<Target = Statement<'db>>,
    key: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<R>,
    mut open: impl FnMut(R) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let rows = statement.query_map(key, read)?;
    rows.map(|row| open(row?)).collect()
}

/// The number in a row that has nothing else.
fn count(row: &Row<'_>) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(0)?.unsigned_abs())
}
