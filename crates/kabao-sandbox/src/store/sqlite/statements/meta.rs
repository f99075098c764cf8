//! What belongs to no tenant, by its name.

use rusqlite::{Connection, OptionalExtension as _};

use crate::store::{ClockSetting, Failure};

pub(super) fn value(db: &Connection, name: &str) -> Result<Option<String>, Failure> {
    let mut statement = db.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

pub(super) fn put(db: &Connection, name: &str, value: &str) -> Result<(), Failure> {
    db.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute([name, value])?;
    Ok(())
}

pub(super) fn remove(db: &Connection, name: &str) -> Result<(), Failure> {
    db.prepare_cached("DELETE FROM meta WHERE name = ?1")?
        .execute([name])?;
    Ok(())
}

pub(in super::super) fn clock(db: &Connection) -> Result<ClockSetting, Failure> {
    ClockSetting::from_stored(value(db, "clock")?.as_deref())
}

pub(in super::super) fn put_clock(db: &Connection, setting: ClockSetting) -> Result<(), Failure> {
    put(db, "clock", &setting.to_stored())
}
