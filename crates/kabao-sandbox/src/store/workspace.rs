//! What a rule sees and changes: some rows of one brand, in memory.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use super::{Owed, Standing};
use crate::{
    domain::{Activity, CardTemplate, UserCard, UserCardId},
    refusal::Refusal,
};

/// Decides: reads the workspace, writes into it, or refuses and leaves no trace.
/// It may run more than once if a race is lost, so it must come to the same
/// conclusion about the same workspace; time and random names are given to it.
///
/// Nobody changes what it went by before it is saved. Where it goes by the absence
/// of a row it must put that row, or another may do so meanwhile: a code that is
/// free, a number that was not used, a user without a live card of a template.
pub type Rule = Arc<dyn Fn(&mut Workspace) -> Result<(), Refusal> + Send + Sync>;

/// Which rows a rule wants to see, all of one brand. How the one who asks stands
/// to it, and the clock, come with them.
///
/// ```
/// use kabao_sandbox::store::Needs;
///
/// let needs = Needs::of("1004").card_template("pbLatj").user_card("pbLatj", "4785");
/// assert_eq!(needs.brand_id, "1004");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// The tenant.
    pub brand_id: String,
    /// The merchant that asks, if one does: a brand needs nobody's leave.
    pub mchid: Option<String>,
    /// A template, by id.
    pub card_template: Option<String>,
    /// A card, by template and code.
    pub user_card: Option<(String, String)>,
    /// All cards of a user made from a template: card id and openid.
    pub user_cards_of: Option<(String, String)>,
    /// An activity, by id.
    pub activity: Option<String>,
    /// All activities of a template.
    pub activities_of: Option<String>,
    /// Records, by kind and id.
    pub records: Vec<(&'static str, String)>,
}

impl Needs {
    /// Nothing yet, of this brand.
    pub fn of(brand_id: impl Into<String>) -> Self {
        Self {
            brand_id: brand_id.into(),
            ..Self::default()
        }
    }

    /// On behalf of this merchant, if one is named.
    #[must_use]
    pub fn by(mut self, mchid: Option<&str>) -> Self {
        self.mchid = mchid.map(ToOwned::to_owned);
        self
    }

    /// Also this template.
    #[must_use]
    pub fn card_template(mut self, card_id: impl Into<String>) -> Self {
        self.card_template = Some(card_id.into());
        self
    }

    /// Also the card with this code.
    #[must_use]
    pub fn user_card(mut self, card_id: impl Into<String>, code: impl Into<String>) -> Self {
        self.user_card = Some((card_id.into(), code.into()));
        self
    }

    /// Also every card that the user has or had of this template.
    #[must_use]
    pub fn user_cards_of(mut self, card_id: impl Into<String>, openid: impl Into<String>) -> Self {
        self.user_cards_of = Some((card_id.into(), openid.into()));
        self
    }

    /// Also this activity.
    #[must_use]
    pub fn activity(mut self, activity_id: impl Into<String>) -> Self {
        self.activity = Some(activity_id.into());
        self
    }

    /// Also every activity of this template.
    #[must_use]
    pub fn activities_of(mut self, card_id: impl Into<String>) -> Self {
        self.activities_of = Some(card_id.into());
        self
    }

    /// Also the record of this kind and id.
    #[must_use]
    pub fn record<T: Kept>(mut self, id: impl Into<String>) -> Self {
        self.records.push((T::KIND, id.into()));
        self
    }

    /// Whether it is a single card at most, as it is for most requests.
    #[cfg(feature = "sqlite")]
    pub(super) fn is_a_card_at_most(&self) -> bool {
        self.card_template.is_none()
            && self.user_cards_of.is_none()
            && self.activity.is_none()
            && self.activities_of.is_none()
            && self.records.is_empty()
    }
}

/// Something small that is only ever found by its name: a request number, a
/// token, a balance. A store keeps it as a document.
pub trait Kept: Serialize + DeserializeOwned {
    /// Tells the kinds apart. It is in the store, so it stays.
    const KIND: &'static str;

    /// The name, unique within brand and kind.
    fn id(&self) -> String;
}

/// A [`Kept`] thing as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// [`Kept::KIND`].
    pub kind: String,
    /// [`Kept::id`].
    pub id: String,
    /// JSON.
    pub document: String,
}

/// The rows that were asked for, and what became of them. The store saves what
/// was put, removed and owed, in one transaction.
#[derive(Debug, Default)]
pub struct Workspace {
    brand_id: String,
    standing: Standing,
    pub(super) card_templates: Rows<CardTemplate>,
    pub(super) user_cards: Rows<UserCard>,
    pub(super) activities: Rows<Activity>,
    pub(super) records: Rows<Record>,
    pub(super) removed_user_cards: Vec<UserCardId>,
    pub(super) owed: Vec<Owed>,
}

impl Workspace {
    /// An empty one, for a store to fill.
    pub(super) fn of(brand_id: impl Into<String>, standing: Standing) -> Self {
        Self {
            brand_id: brand_id.into(),
            standing,
            ..Self::default()
        }
    }

    /// The brand that everything here belongs to.
    #[must_use]
    pub fn brand_id(&self) -> &str {
        &self.brand_id
    }

    /// Whether who asks may manage the brand's members, and where the clock
    /// stands. It is read with the rows, at the same moment.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    /// A template, if it was asked for and is there.
    #[must_use]
    pub fn card_template(&self, card_id: &str) -> Option<&CardTemplate> {
        self.card_templates
            .find(|template| template.card.card_id == card_id)
    }

    /// The card with this code.
    #[must_use]
    pub fn user_card(&self, card_id: &str, code: &str) -> Option<&UserCard> {
        self.user_cards
            .find(|card| card.id.card_id == card_id && card.id.user_card_code == code)
    }

    /// Takes the card with this code out, for who only wanted to see it.
    #[must_use]
    pub fn into_user_card(self, card_id: &str, code: &str) -> Option<UserCard> {
        let mut cards = self.user_cards.0.into_iter().map(|row| row.value);
        cards.find(|card| card.id.card_id == card_id && card.id.user_card_code == code)
    }

    /// The cards of a user made from a template, in no particular order.
    pub fn user_cards_of<'a>(
        &'a self,
        card_id: &'a str,
        openid: &'a str,
    ) -> impl Iterator<Item = &'a UserCard> {
        self.user_cards
            .values()
            .filter(move |card| card.id.card_id == card_id && card.openid == openid)
    }

    /// An activity.
    #[must_use]
    pub fn activity(&self, activity_id: &str) -> Option<&Activity> {
        self.activities
            .find(|activity| activity.activity_id == activity_id)
    }

    /// The activities that were asked for, in no particular order.
    pub fn activities(&self) -> impl Iterator<Item = &Activity> {
        self.activities.values()
    }

    /// A record.
    ///
    /// # Errors
    /// 500 if what is stored is not of this kind.
    pub fn record<T: Kept>(&self, id: &str) -> Result<Option<T>, Refusal> {
        let found = self
            .records
            .find(|record| record.kind == T::KIND && record.id == id);
        found
            .map(|record| serde_json::from_str(&record.document))
            .transpose()
            .map_err(|error| {
                tracing::error!(kind = T::KIND, %error, "a record cannot be read");
                Refusal::system_error()
            })
    }

    /// Puts a template, new or changed.
    pub fn put_card_template(&mut self, template: CardTemplate) {
        self.card_templates.put(template);
    }

    /// Puts a card, new or changed. One that is there already but was not asked
    /// for is a failure of the store.
    pub fn put_user_card(&mut self, card: UserCard) {
        self.user_cards.put(card);
    }

    /// Takes a card away, so that it can be put under another code.
    pub fn remove_user_card(&mut self, id: &UserCardId) {
        self.user_cards.0.retain(|row| row.value.id != *id);
        self.removed_user_cards.push(id.clone());
    }

    /// Puts an activity, new or changed.
    pub fn put_activity(&mut self, activity: Activity) {
        self.activities.put(activity);
    }

    /// Puts a record, new or changed.
    ///
    /// # Errors
    /// 500 if it cannot be written as JSON.
    pub fn put_record<T: Kept>(&mut self, kept: &T) -> Result<(), Refusal> {
        let document = serde_json::to_string(kept).map_err(|error| {
            tracing::error!(kind = T::KIND, %error, "a record cannot be written");
            Refusal::system_error()
        })?;
        self.records_put(Record {
            kind: T::KIND.to_owned(),
            id: kept.id(),
            document,
        });
        Ok(())
    }

    /// Puts a record as a store keeps it.
    pub(super) fn records_put(&mut self, record: Record) {
        self.records.put(record);
    }

    /// Owes a notification.
    pub fn owe(&mut self, owed: Owed) {
        self.owed.push(owed);
    }
}

/// Rows of one table.
#[derive(Debug)]
pub(super) struct Rows<T>(Vec<Row<T>>);

#[derive(Debug)]
struct Row<T> {
    value: T,
    mark: Mark,
}

/// What is to be done with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Nothing.
    Loaded,
    /// It was loaded and is another now.
    Changed,
    /// It was not loaded.
    New,
}

/// A row with a key.
pub(super) trait Keyed {
    /// Whether both are the same row of the same brand.
    fn is_row_of(&self, other: &Self) -> bool;
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Keyed> Rows<T> {
    /// Adds what was loaded. Two needs may have found the same row.
    pub(super) fn load(&mut self, values: impl IntoIterator<Item = T>) {
        for value in values {
            if self.find(|row| row.is_row_of(&value)).is_none() {
                let mark = Mark::Loaded;
                self.0.push(Row { value, mark });
            }
        }
    }

    /// What is to be written, and how.
    pub(super) fn to_write(&self) -> impl Iterator<Item = (&T, Mark)> {
        self.0
            .iter()
            .filter(|row| row.mark != Mark::Loaded)
            .map(|row| (&row.value, row.mark))
    }

    fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|row| &row.value)
    }

    fn find(&self, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        self.values().find(|value| is_it(value))
    }

    fn put(&mut self, value: T) {
        match self.0.iter_mut().find(|row| row.value.is_row_of(&value)) {
            Some(row) => {
                row.value = value;
                if row.mark == Mark::Loaded {
                    row.mark = Mark::Changed;
                }
            }
            None => self.0.push(Row {
                value,
                mark: Mark::New,
            }),
        }
    }
}

impl Keyed for CardTemplate {
    fn is_row_of(&self, other: &Self) -> bool {
        self.card.card_id == other.card.card_id
    }
}

impl Keyed for UserCard {
    fn is_row_of(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Keyed for Activity {
    fn is_row_of(&self, other: &Self) -> bool {
        self.activity_id == other.activity_id
    }
}

impl Keyed for Record {
    fn is_row_of(&self, other: &Self) -> bool {
        self.kind == other.kind && self.id == other.id
    }
}
