use rusqlite::{Connection, OptionalExtension as _, params};

use crate::store::{
    Failure,
    workspace::{Mark, Record},
};

pub(super) fn one(
    db: &Connection,
    brand_id: &str,
    kind: &str,
    id: &str,
) -> Result<Option<Record>, Failure> {
    let document = db
        .prepare_cached(
            "SELECT document FROM records WHERE brand_id = ?1 AND kind = ?2 AND id = ?3",
        )?
        .query_row([brand_id, kind, id], |row| row.get(0))
        .optional()?;
    Ok(document.map(|document| Record {
        kind: kind.to_owned(),
        id: id.to_owned(),
        document,
    }))
}

/// Each with its brand.
pub(super) fn all(db: &Connection) -> Result<Vec<(String, Record)>, Failure> {
    let mut statement = db.prepare("SELECT brand_id, kind, id, document FROM records")?;
    let rows = statement.query_map([], |row| {
        let record = Record {
            kind: row.get(1)?,
            id: row.get(2)?,
            document: row.get(3)?,
        };
        Ok((row.get(0)?, record))
    })?;
    rows.map(|row| Ok(row?)).collect()
}

pub(super) fn write(
    db: &Connection,
    brand_id: &str,
    record: &Record,
    mark: Mark,
) -> Result<(), Failure> {
    let sql = match mark {
        Mark::New => "INSERT INTO records (brand_id, kind, id, document) VALUES (?1, ?2, ?3, ?4)",
        _ => "UPDATE records SET document = ?4 WHERE brand_id = ?1 AND kind = ?2 AND id = ?3",
    };
    db.prepare_cached(sql)?
        .execute(params![brand_id, record.kind, record.id, record.document])?;
    Ok(())
}
