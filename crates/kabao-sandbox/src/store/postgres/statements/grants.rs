use super::{
    super::{
        session::Session,
        text::owned,
        trouble::Trouble,
        write::{Write, values},
    },
    get,
};

pub(in super::super) async fn all(session: &mut Session) -> Result<Vec<(String, String)>, Trouble> {
    let rows = session
        .query("SELECT mchid, brand_id FROM grants", &[])
        .await?;
    let grants = rows.iter().map(|row| Ok((get(row, 0)?, get(row, 1)?)));
    let mut grants = grants.collect::<Result<Vec<_>, tokio_postgres::Error>>()?;
    // By brand and then by merchant, whatever order the server's language has.
    grants.sort_by(|one, other| (&one.1, &one.0).cmp(&(&other.1, &other.0)));
    Ok(grants)
}

pub(in super::super) fn set(mchid: &str, brand_id: &str, granted: bool) -> Write {
    let sql = match granted {
        true => "INSERT INTO grants (brand_id, mchid) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        false => "DELETE FROM grants WHERE brand_id = $1 AND mchid = $2",
    };
    Write::any(sql, values![owned(brand_id), owned(mchid)])
}

/// One that is not there.
pub(super) fn insert(mchid: &str, brand_id: &str) -> Write {
    Write::one(
        "INSERT INTO grants (brand_id, mchid) VALUES ($1, $2)",
        values![owned(brand_id), owned(mchid)],
    )
}
