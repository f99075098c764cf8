//! Everything at once: the first contents, and other ones.

use super::{
    super::{
        session::Session,
        text::{owned, text},
        trouble::Trouble,
        write::{Write, values},
    },
    card_templates, get, keys,
    meta::{claim_first_contents, set_clock},
    user_cards,
};
use crate::{
    store::{ClockSetting, Contents, Failure, Standing, StoredKey},
    vault::Vault,
};

/// One statement: one round trip, and one moment.
pub(in super::super) async fn standing(
    session: &mut Session,
    mchid: Option<&str>,
    brand_id: &str,
) -> Result<Standing, Trouble> {
    let found = session
        .query_opt(
            "SELECT EXISTS (SELECT 1 FROM grants WHERE brand_id = $1 AND mchid = $2),
                 (SELECT value FROM meta WHERE owner = 'platform' AND name = 'clock')",
            &[&text(brand_id), &mchid.map(text)],
        )
        .await?;
    let row = found.ok_or_else(|| Failure::from("a row that is always there is not"))?;
    let granted: bool = row.try_get(0)?;
    Ok(Standing {
        served: granted || mchid.is_none(),
        clock: ClockSetting::from_stored(row.try_get(1)?)?,
    })
}

pub(in super::super) async fn grants(
    session: &mut Session,
) -> Result<Vec<(String, String)>, Trouble> {
    let rows = session
        .query("SELECT mchid, brand_id FROM grants", &[])
        .await?;
    let grants = rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?)));
    let mut grants = grants.collect::<Result<Vec<_>, tokio_postgres::Error>>()?;
    // By brand and then by merchant, whatever order the server's language has.
    grants.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
    Ok(grants)
}

pub(in super::super) fn set_grant(mchid: &str, brand_id: &str, granted: bool) -> Write {
    let sql = match granted {
        true => "INSERT INTO grants (brand_id, mchid) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        false => "DELETE FROM grants WHERE brand_id = $1 AND mchid = $2",
    };
    Write::any(sql, values![owned(brand_id), owned(mchid)])
}

/// The first keys and contents; another was first if they were put in before.
pub(in super::super) fn first_contents(
    keys: &[StoredKey],
    contents: &Contents,
    vault: &Vault,
) -> Result<Vec<Write>, Failure> {
    let mut writes = vec![claim_first_contents()];
    for (position, key) in (1..).zip(keys) {
        writes.push(keys::insert(key, position, vault)?);
    }
    writes.append(&mut replace(contents, vault)?);
    Ok(writes)
}

/// Templates go first: a rule that keeps its template from being changed is
/// waited for, and what it made is then seen by the statements that follow.
pub(in super::super) fn replace(contents: &Contents, vault: &Vault) -> Result<Vec<Write>, Failure> {
    let mut writes = [
        // As long as it takes.
        "SET LOCAL statement_timeout = 0",
        "DELETE FROM card_templates",
        "DELETE FROM user_cards",
        "DELETE FROM activities",
        "DELETE FROM records",
        "DELETE FROM notifications",
        "DELETE FROM grants",
    ]
    .map(|sql| Write::any(sql, values![]))
    .into_iter()
    .collect::<Vec<_>>();
    writes.push(set_clock(ClockSetting::default()));
    for (mchid, brand_id) in &contents.grants {
        writes.push(Write::one(
            "INSERT INTO grants (brand_id, mchid) VALUES ($1, $2)",
            values![owned(brand_id), owned(mchid)],
        ));
    }
    for template in &contents.card_templates {
        writes.push(card_templates::insert(template)?);
    }
    for card in &contents.user_cards {
        writes.push(user_cards::insert(card, vault)?);
    }
    Ok(writes)
}
