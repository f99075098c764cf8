use rusqlite::{Connection, OptionalExtension as _, params};

use super::{collect, count};
use crate::{
    domain::{Activity, ActivityStage},
    store::{ActivitiesOf, Failure, Page, Window, document::ActivityRow, workspace::Mark},
};

pub(super) fn one(
    db: &Connection,
    brand_id: &str,
    activity_id: &str,
) -> Result<Option<Activity>, Failure> {
    db.prepare_cached("SELECT document FROM activities WHERE brand_id = ?1 AND activity_id = ?2")?
        .query_row([brand_id, activity_id], |row| row.get(0))
        .optional()?
        .map(open)
        .transpose()
}

pub(super) fn all(db: &Connection) -> Result<Vec<Activity>, Failure> {
    let statement = db.prepare_cached("SELECT document FROM activities")?;
    collect(statement, [], |row| row.get(0), open)
}

pub(super) fn of_a_template(
    db: &Connection,
    brand_id: &str,
    card_id: &str,
) -> Result<Vec<Activity>, Failure> {
    let statement =
        db.prepare_cached("SELECT document FROM activities WHERE brand_id = ?1 AND card_id = ?2")?;
    collect(statement, [brand_id, card_id], |row| row.get(0), open)
}

pub(in super::super) fn list(
    db: &Connection,
    of: &ActivitiesOf,
    window: Window,
) -> Result<Page<Activity>, Failure> {
    let template = match of.card_id {
        None => "?2 = ''",
        Some(_) => "card_id = ?2",
    };
    let stage = match of.stage {
        None => "?3 = ?3",
        Some(ActivityStage::Created) => "NOT terminated AND begin_ms > ?3",
        Some(ActivityStage::Effective) => "NOT terminated AND begin_ms <= ?3 AND end_ms > ?3",
        Some(ActivityStage::Expired) => "NOT terminated AND end_ms <= ?3",
        Some(ActivityStage::Terminated) => "terminated AND ?3 = ?3",
    };
    let filter = format!("brand_id = ?1 AND {template} AND {stage}");
    let card_id = of.card_id.as_deref().unwrap_or_default();
    let now = of.now.as_millisecond();
    let total = db
        .prepare_cached(&format!("SELECT count(*) FROM activities WHERE {filter}"))?
        .query_row(params![of.brand_id, card_id, now], count)?;
    let statement = db.prepare_cached(&format!(
        "SELECT document FROM activities WHERE {filter}
         ORDER BY create_ms DESC, activity_id LIMIT ?5 OFFSET ?4"
    ))?;
    let key = params![
        of.brand_id,
        card_id,
        now,
        window.offset_i64(),
        window.limit_i64()
    ];
    let rows = collect(statement, key, |row| row.get(0), open)?;
    Ok(Page { rows, total })
}

pub(super) fn write(db: &Connection, activity: &Activity, mark: Mark) -> Result<(), Failure> {
    let sql = match mark {
        Mark::New => {
            "INSERT INTO activities (brand_id, activity_id, card_id, begin_ms, end_ms,
                 terminated, create_ms, document)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        }
        _ => {
            "UPDATE activities SET card_id = ?3, begin_ms = ?4, end_ms = ?5,
                 terminated = ?6, create_ms = ?7, document = ?8
             WHERE brand_id = ?1 AND activity_id = ?2"
        }
    };
    let row = ActivityRow::of(activity)?;
    db.prepare_cached(sql)?.execute(params![
        activity.brand_id,
        activity.activity_id,
        activity.card_id,
        row.begin_ms,
        row.end_ms,
        activity.terminated,
        row.create_ms,
        row.document
    ])?;
    Ok(())
}

fn open(document: String) -> Result<Activity, Failure> {
    ActivityRow::open(&document)
}
