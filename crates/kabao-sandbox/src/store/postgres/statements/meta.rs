//! What belongs to no tenant: the clock, and that the first keys were put in.

use super::super::{
    session::Session,
    trouble::Trouble,
    write::{Write, values},
};
use crate::store::ClockSetting;

pub(in super::super) async fn clock(session: &mut Session) -> Result<ClockSetting, Trouble> {
    let stored = stored_clock(session).await?;
    Ok(ClockSetting::from_stored(stored.as_deref())?)
}

async fn stored_clock(session: &mut Session) -> Result<Option<String>, Trouble> {
    let row = session
        .query_opt(
            "SELECT value FROM meta WHERE owner = 'platform' AND name = 'clock'",
            &[],
        )
        .await?;
    Ok(row.as_ref().map(|row| row.try_get(0)).transpose()?)
}

/// Whether it stood at `from`, and now stands at `to`.
pub(in super::super) async fn set_clock(
    session: &mut Session,
    from: ClockSetting,
    to: ClockSetting,
) -> Result<bool, Trouble> {
    let stored = stored_clock(session).await?;
    if ClockSetting::from_stored(stored.as_deref())? != from {
        return Ok(false);
    }
    let set = match stored {
        None => Write::one(
            "INSERT INTO meta (owner, name, value) VALUES ('platform', 'clock', $1)
             ON CONFLICT (owner, name) DO NOTHING",
            values![to.to_stored()],
        ),
        Some(stored) => Write::one(
            "UPDATE meta SET value = $1
             WHERE owner = 'platform' AND name = 'clock' AND value = $2",
            values![to.to_stored(), stored],
        ),
    };
    session.save(&[set]).await?;
    Ok(true)
}

/// However it stands.
pub(super) fn put_clock(setting: ClockSetting) -> Write {
    Write::one(
        "INSERT INTO meta (owner, name, value) VALUES ('platform', 'clock', $1)
         ON CONFLICT (owner, name) DO UPDATE SET value = excluded.value",
        values![setting.to_stored()],
    )
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
    Write::one(
        "INSERT INTO meta (owner, name, value) VALUES ('platform', 'contents', 'made')
         ON CONFLICT (owner, name) DO NOTHING",
        values![],
    )
}

pub(in super::super) async fn has_contents(session: &mut Session) -> Result<bool, Trouble> {
    let row = session
        .query_opt(
            "SELECT 1 FROM meta WHERE owner = 'platform' AND name = 'contents'",
            &[],
        )
        .await?;
    Ok(row.is_some())
}
