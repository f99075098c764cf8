use kabao_core::card_member::CardState;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{collect, count};
use crate::{
    domain::CardTemplate,
    store::{CardTemplatesOf, Failure, Page, Window, document::CardTemplateRow, workspace::Mark},
};

pub(super) fn one(
    db: &Connection,
    brand_id: &str,
    card_id: &str,
) -> Result<Option<CardTemplate>, Failure> {
    db.prepare_cached(
        "SELECT document, created_by_mchid FROM card_templates
         WHERE brand_id = ?1 AND card_id = ?2",
    )?
    .query_row([brand_id, card_id], row)
    .optional()?
    .map(open)
    .transpose()
}

pub(super) fn all(db: &Connection) -> Result<Vec<CardTemplate>, Failure> {
    let statement = db.prepare_cached("SELECT document, created_by_mchid FROM card_templates")?;
    collect(statement, [], row, open)
}

pub(in super::super) fn list(
    db: &Connection,
    of: &CardTemplatesOf,
    window: Window,
) -> Result<Page<CardTemplate>, Failure> {
    let filter = match of.state {
        None => "?2 = ''",
        Some(_) => "state = ?2",
    };
    let state = of.state.as_ref().map_or("", CardState::as_str);
    let total = db
        .prepare_cached(&format!(
            "SELECT count(*) FROM card_templates WHERE brand_id = ?1 AND {filter}"
        ))?
        .query_row([&*of.brand_id, state], count)?;
    let statement = db.prepare_cached(&format!(
        "SELECT document, created_by_mchid FROM card_templates WHERE brand_id = ?1 AND {filter}
         ORDER BY create_ms DESC, card_id LIMIT ?4 OFFSET ?3"
    ))?;
    let key = params![of.brand_id, state, window.offset_i64(), window.limit_i64()];
    let rows = collect(statement, key, row, open)?;
    Ok(Page { rows, total })
}

pub(super) fn write(db: &Connection, template: &CardTemplate, mark: Mark) -> Result<(), Failure> {
    let card = &template.card;
    let sql = match mark {
        Mark::New => {
            "INSERT INTO card_templates
                 (brand_id, card_id, created_by_mchid, state, create_ms, document)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        }
        _ => {
            "UPDATE card_templates
             SET created_by_mchid = ?3, state = ?4, create_ms = ?5, document = ?6
             WHERE brand_id = ?1 AND card_id = ?2"
        }
    };
    let row = CardTemplateRow::of(template)?;
    db.prepare_cached(sql)?.execute(params![
        card.brand_id,
        card.card_id,
        template.created_by_mchid,
        row.state,
        row.create_ms,
        row.document
    ])?;
    Ok(())
}

fn row(row: &Row<'_>) -> rusqlite::Result<(String, Option<String>)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn open((document, created_by_mchid): (String, Option<String>)) -> Result<CardTemplate, Failure> {
    CardTemplateRow::open(&document, created_by_mchid)
}
