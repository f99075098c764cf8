use rusqlite::Connection;

use crate::store::Failure;

pub(in super::super) fn all(db: &Connection) -> Result<Vec<(String, String)>, Failure> {
    let mut statement =
        db.prepare_cached("SELECT mchid, brand_id FROM grants ORDER BY brand_id, mchid")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| Ok(row?)).collect()
}

pub(in super::super) fn set(
    db: &Connection,
    mchid: &str,
    brand_id: &str,
    granted: bool,
) -> Result<(), Failure> {
    let sql = match granted {
        true => "INSERT INTO grants (brand_id, mchid) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        false => "DELETE FROM grants WHERE brand_id = ?1 AND mchid = ?2",
    };
    db.prepare_cached(sql)?.execute([brand_id, mchid])?;
    Ok(())
}

/// One that is not there.
pub(super) fn insert(db: &Connection, mchid: &str, brand_id: &str) -> Result<(), Failure> {
    db.prepare_cached("INSERT INTO grants (brand_id, mchid) VALUES (?1, ?2)")?
        .execute([brand_id, mchid])?;
    Ok(())
}
