use super::{
    super::write::{Write, values},
    page,
};
use crate::{
    domain::{Activity, ActivityStage},
    random,
    store::{
        ActivitiesOf, Failure, Page, Window,
        document::ActivityRow,
        postgres::{
            session::Session,
            text::{owned, text},
            trouble::Trouble,
        },
    },
};

pub(in super::super) async fn list(
    session: &mut Session,
    of: &ActivitiesOf,
    window: Window,
) -> Result<Page<Activity>, Trouble> {
    let template = match of.card_id {
        None => "$4 = ''",
        Some(_) => "card_id = $4",
    };
    let stage = match of.stage {
        None => "$5::BIGINT IS NOT NULL",
        Some(ActivityStage::Created) => "NOT terminated AND begin_ms > $5",
        Some(ActivityStage::Effective) => "NOT terminated AND begin_ms <= $5 AND end_ms > $5",
        Some(ActivityStage::Expired) => "NOT terminated AND end_ms <= $5",
        Some(ActivityStage::Terminated) => "terminated AND $5::BIGINT IS NOT NULL",
    };
    let counted = format!("activities WHERE brand_id = $1 AND {template} AND {stage}");
    page(
        session,
        &counted,
        &format!("SELECT document, create_ms, activity_id FROM {counted}"),
        "create_ms DESC, activity_id",
        &[
            &text(&of.brand_id),
            &window.limit_i64(),
            &window.offset_i64(),
            &text(of.card_id.as_deref().unwrap_or_default()),
            &of.now.as_millisecond(),
        ],
        |row| ActivityRow::open(row.try_get(0)?),
    )
    .await
}

pub(super) fn look(brand_id: &str, activity_id: &str, version: i64) -> Write {
    Write::look(
        "SELECT 1 FROM activities
         WHERE brand_id = $1 AND activity_id = $2 AND version = $3 FOR SHARE",
        values![owned(brand_id), owned(activity_id), version],
    )
}

pub(super) fn insert(activity: &Activity) -> Result<Write, Failure> {
    let row = ActivityRow::of(activity)?;
    Ok(Write::one(
        "INSERT INTO activities (brand_id, activity_id, card_id, begin_ms, end_ms,
             terminated, create_ms, version, document)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        values![
            owned(&activity.brand_id),
            owned(&activity.activity_id),
            owned(&activity.card_id),
            row.begin_ms,
            row.end_ms,
            activity.terminated,
            row.create_ms,
            random::number(),
            row.document,
        ],
    ))
}

pub(super) fn update(activity: &Activity, version: i64) -> Result<Write, Failure> {
    let row = ActivityRow::of(activity)?;
    Ok(Write::one(
        "UPDATE activities SET card_id = $4, begin_ms = $5, end_ms = $6, terminated = $7,
             create_ms = $8, version = $9, document = $10
         WHERE brand_id = $1 AND activity_id = $2 AND version = $3",
        values![
            owned(&activity.brand_id),
            owned(&activity.activity_id),
            version,
            owned(&activity.card_id),
            row.begin_ms,
            row.end_ms,
            activity.terminated,
            row.create_ms,
            random::number(),
            row.document,
        ],
    ))
}
