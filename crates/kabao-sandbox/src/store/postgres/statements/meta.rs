//! What belongs to no tenant, by its name.

use super::{
    super::{
        session::Session,
        text::{owned, text},
        trouble::Trouble,
        write::{Write, values},
    },
    get,
};
use crate::store::ClockSetting;

pub(super) async fn value(session: &mut Session, name: &str) -> Result<Option<String>, Trouble> {
    let sql = "SELECT value FROM meta WHERE owner = 'platform' AND name = $1";
    let row = session.query_opt(sql, &[&text(name)]).await?;
    Ok(row.map(|row| get(&row, 0)).transpose()?)
}

/// Whatever it was.
pub(super) fn put(name: &'static str, value: &str) -> Write {
    Write::one(
        "INSERT INTO meta (owner, name, value) VALUES ('platform', $1, $2)
         ON CONFLICT (owner, name) DO UPDATE SET value = excluded.value",
        values![name, owned(value)],
    )
}

/// Another was first if it is not as it was.
pub(super) fn swap(name: &'static str, before: Option<&str>, after: &str) -> Write {
    match before {
        None => Write::one(
            "INSERT INTO meta (owner, name, value) VALUES ('platform', $1, $2)
             ON CONFLICT (owner, name) DO NOTHING",
            values![name, owned(after)],
        ),
        Some(before) => Write::one(
            "UPDATE meta SET value = $2
             WHERE owner = 'platform' AND name = $1 AND value = $3",
            values![name, owned(after), owned(before)],
        ),
    }
}

pub(super) fn remove(name: &'static str) -> Write {
    Write::any(
        "DELETE FROM meta WHERE owner = 'platform' AND name = $1",
        values![name],
    )
}

pub(in super::super) async fn clock(session: &mut Session) -> Result<ClockSetting, Trouble> {
    let stored = value(session, "clock").await?;
    Ok(ClockSetting::from_stored(stored.as_deref())?)
}

/// Whether it stood at `from`, and now stands at `to`.
pub(in super::super) async fn set_clock(
    session: &mut Session,
    from: ClockSetting,
    to: ClockSetting,
) -> Result<bool, Trouble> {
    let stored = value(session, "clock").await?;
    let is_as_read = ClockSetting::from_stored(stored.as_deref())? == from;
    if is_as_read {
        let swap = swap("clock", stored.as_deref(), &to.to_stored());
        session.save(&[swap]).await?;
    }
    Ok(is_as_read)
}

/// However it stands.
pub(super) fn put_clock(setting: ClockSetting) -> Write {
    put("clock", &setting.to_stored())
}

/// Keeps the contents from being replaced until the transaction ends.
pub(super) fn hold_contents() -> Write {
    Write::look(
        "SELECT 1 FROM meta WHERE owner = 'platform' AND name = 'contents' FOR SHARE",
        values![],
    )
}

/// Begins to replace the contents, once nobody holds them.
pub(super) fn change_contents() -> Write {
    Write::one(
        "UPDATE meta SET value = 'made' WHERE owner = 'platform' AND name = 'contents'",
        values![],
    )
}

/// Of several that start at once one is the first.
pub(super) fn claim_first_contents() -> Write {
    swap("contents", None, "made")
}

pub(in super::super) async fn has_contents(session: &mut Session) -> Result<bool, Trouble> {
    Ok(value(session, "contents").await?.is_some())
}
