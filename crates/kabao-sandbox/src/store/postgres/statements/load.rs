//! What a rule wants to see, in one statement: at one moment, for one round
//! trip.

use std::{borrow::Cow, collections::BTreeMap};

use tokio_postgres::{Row, types::ToSql};

use super::get_opt;
use crate::{
    domain::UserCardId,
    store::{
        ClockSetting, Failure, Needs, Record, Standing, Workspace,
        document::{ActivityRow, CardTemplateRow, UserCardRow},
        postgres::{
            session::Session,
            text::{Text, text},
            trouble::Trouble,
        },
    },
    vault::Vault,
};

/// Which row, by its key after the brand. Rows are locked in this order by
/// everybody, so that nobody waits for whoever waits for him.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::store::postgres) enum Key {
    /// By id.
    CardTemplate(String),
    /// By template and code.
    UserCard(String, String),
    /// By id.
    Activity(String),
    /// By kind and id.
    Record(String, String),
}

impl Key {
    /// Where its table stands among those that a reset empties, one by one
    /// (`document/emptied.rs`).
    pub(super) fn table(&self) -> usize {
        match self {
            Self::CardTemplate(..) => 0,
            Self::UserCard(..) => 1,
            Self::Activity(..) => 2,
            Self::Record(..) => 3,
        }
    }
}

/// Every row that was read, and the version it had.
pub(in crate::store::postgres) type Seen = BTreeMap<Key, i64>;

/// How the one who asks stands to the brand; its rows come beside it, or none.
const STANDING: &str = "SELECT EXISTS (SELECT 1 FROM grants WHERE brand_id = $1 AND mchid = $2),
     (SELECT value FROM meta WHERE owner = 'platform' AND name = 'clock')";

/// Where the columns of what was found begin, with what it is.
const KIND: usize = 2;

/// The rows that a rule wants to see.
pub(in crate::store::postgres) async fn load(
    session: &mut Session,
    vault: &Vault,
    needs: &Needs,
) -> Result<(Workspace, Seen), Trouble> {
    let look = Look::at(needs);
    let values = look.values.iter().map(|value| value as _);
    let values: Vec<&(dyn ToSql + Sync)> = values.collect();
    let rows = session.query(&look.statement(), &values).await?;
    let first = rows.first();
    let first = first.ok_or_else(|| Failure::from("a row that is always there is not"))?;
    let granted: bool = first.try_get(0)?;
    let standing = Standing {
        served: granted || needs.mchid.is_none(),
        clock: ClockSetting::from_stored(first.try_get(1)?)?,
    };
    let mut workspace = Workspace::of(&*needs.brand_id, standing);
    let mut seen = Seen::new();
    for row in &rows {
        if let Some((key, version)) = take(row, vault, &mut workspace)? {
            seen.insert(key, version);
        }
    }
    Ok((workspace, seen))
}

/// A statement in the making: one part per need, all with the same columns.
struct Look<'a> {
    parts: Vec<String>,
    values: Vec<Option<Text<'a>>>,
}

impl<'a> Look<'a> {
    fn at(needs: &'a Needs) -> Self {
        let mut look = Self {
            parts: Vec::new(),
            values: vec![
                Some(text(&needs.brand_id)),
                needs.mchid.as_deref().map(text),
            ],
        };
        if let Some(card_id) = &needs.card_template {
            let card_id = look.value(card_id);
            look.card_templates(&format!("card_id = {card_id}"));
        }
        if let Some((card_id, code)) = &needs.user_card {
            let (card_id, code) = (look.value(card_id), look.value(code));
            look.user_cards(&format!("card_id = {card_id} AND user_card_code = {code}"));
        }
        if let Some((card_id, openid)) = &needs.user_cards_of {
            let (card_id, openid) = (look.value(card_id), look.value(openid));
            look.user_cards(&format!("card_id = {card_id} AND openid = {openid}"));
        }
        if let Some(activity_id) = &needs.activity {
            let activity_id = look.value(activity_id);
            look.activities(&format!("activity_id = {activity_id}"));
        }
        if let Some(card_id) = &needs.activities_of {
            let card_id = look.value(card_id);
            look.activities(&format!("card_id = {card_id}"));
        }
        for (kind, id) in &needs.records {
            let (kind, id) = (look.value(kind), look.value(id));
            look.records(&format!("kind = {kind} AND id = {id}"));
        }
        look
    }

    /// Where a value stands in the statement.
    fn value(&mut self, value: &'a str) -> String {
        self.values.push(Some(text(value)));
        format!("${}", self.values.len())
    }

    fn statement(&self) -> Cow<'static, str> {
        match self.parts.is_empty() {
            true => Cow::Borrowed(STANDING),
            false => Cow::Owned(format!(
                "{STANDING}, found.* FROM (SELECT 1) AS always LEFT JOIN ({}) AS found
                     (kind, first, second, third, pickup_ms, state, version, document, personal)
                     ON true",
                self.parts.join(" UNION ALL ")
            )),
        }
    }

    fn card_templates(&mut self, which: &str) {
        self.parts.push(format!(
            "SELECT 'card_template', card_id, NULL::TEXT, created_by_mchid, 0::BIGINT, NULL::TEXT,
                 version, document, NULL::BYTEA
             FROM card_templates WHERE brand_id = $1 AND {which}"
        ));
    }

    fn user_cards(&mut self, which: &str) {
        self.parts.push(format!(
            "SELECT 'user_card', card_id, user_card_code, openid, pickup_ms, state,
                 version, document, personal
             FROM user_cards WHERE brand_id = $1 AND {which}"
        ));
    }

    fn activities(&mut self, which: &str) {
        self.parts.push(format!(
            "SELECT 'activity', activity_id, NULL::TEXT, NULL::TEXT, 0::BIGINT, NULL::TEXT,
                 version, document, NULL::BYTEA
             FROM activities WHERE brand_id = $1 AND {which}"
        ));
    }

    fn records(&mut self, which: &str) {
        self.parts.push(format!(
            "SELECT 'record', kind, id, NULL::TEXT, 0::BIGINT, NULL::TEXT,
                 version, document, NULL::BYTEA
             FROM records WHERE brand_id = $1 AND {which}"
        ));
    }
}

/// What was found, if anything was.
fn take(
    row: &Row,
    vault: &Vault,
    workspace: &mut Workspace,
) -> Result<Option<(Key, i64)>, Failure> {
    if row.len() == KIND {
        return Ok(None);
    }
    let Some(kind) = row.try_get::<_, Option<&str>>(KIND)? else {
        return Ok(None);
    };
    let first = get_opt(row, KIND + 1)?.unwrap_or_default();
    let second = get_opt(row, KIND + 2)?.unwrap_or_default();
    let third = get_opt(row, KIND + 3)?;
    let document: &str = row.try_get(KIND + 7)?;
    let key = match kind {
        "card_template" => {
            let template = CardTemplateRow::open(document, third)?;
            workspace.card_templates.load([template]);
            Key::CardTemplate(first)
        }
        "user_card" => {
            let id = UserCardId {
                brand_id: workspace.brand_id().to_owned(),
                card_id: first.clone(),
                user_card_code: second.clone(),
            };
            let stored = UserCardRow {
                openid: third.unwrap_or_default(),
                pickup_ms: row.try_get(KIND + 4)?,
                // It follows from the others.
                end_ms: None,
                state: row.try_get(KIND + 5)?,
                document: document.to_owned(),
                personal: row.try_get(KIND + 8)?,
            };
            workspace.user_cards.load([stored.open(id, vault)?]);
            Key::UserCard(first, second)
        }
        "activity" => {
            workspace.activities.load([ActivityRow::open(document)?]);
            Key::Activity(first)
        }
        _ => {
            workspace.records.load([Record {
                kind: first.clone(),
                id: second.clone(),
                document: document.to_owned(),
            }]);
            Key::Record(first, second)
        }
    };
    Ok(Some((key, row.try_get(KIND + 6)?)))
}
