//! What belongs to no tenant: the clock, and that the first keys were put in.

use super::super::{
    session::Session,
    trouble::Trouble,
    write::{Write, values},
};
use crate::store::ClockSetting;

pub(in super::super) async fn clock(session: &mut Session) -> Result<ClockSetting, Trouble> {
    let row = session
        .query_opt(
            "SELECT value FROM meta WHERE owner = 'platform' AND name = 'clock'",
            &[],
        )
        .await?;
    let text = row.as_ref().map(|row| row.try_get(0)).transpose()?;
    Ok(ClockSetting::from_stored(text)?)
}

pub(in super::super) fn set_clock(setting: ClockSetting) -> Write {
    Write::one(
        "INSERT INTO meta (owner, name, value) VALUES ('platform', 'clock', $1)
         ON CONFLICT (owner, name) DO UPDATE SET value = excluded.value",
        values![setting.to_stored()],
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
