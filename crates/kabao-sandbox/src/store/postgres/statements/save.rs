//! What a rule has come to, as statements.

use std::collections::BTreeMap;

use super::{
    super::write::Write,
    activities, card_templates,
    load::{Key, Seen},
    meta::hold_contents,
    outbox, records, user_cards,
};
use crate::{
    domain::UserCardId,
    store::{Failure, Workspace, workspace::Mark},
    vault::Vault,
};

/// Every row that was seen is changed, removed, or at least kept as it was seen;
/// then comes what is new. A rule that wrote nothing needs nothing.
///
/// A reset beside it must come before all of it or after. It waits for the rows
/// that were seen, and then sees what came meanwhile into the tables that it has
/// not emptied yet; where something goes into another, all contents are held.
pub(in super::super) fn save(
    workspace: &Workspace,
    seen: &Seen,
    vault: &Vault,
) -> Result<Vec<Write>, Failure> {
    let brand_id = workspace.brand_id();
    let mut changes = Changes {
        seen,
        of_seen: BTreeMap::new(),
        others: Vec::new(),
        added_to: None,
    };
    for id in &workspace.removed_user_cards {
        changes.remove(id);
    }
    for (template, mark) in workspace.card_templates.to_write() {
        let key = Key::CardTemplate(template.card.card_id.clone());
        changes.put(
            key,
            mark,
            || card_templates::insert(template),
            |version| card_templates::update(template, version),
        )?;
    }
    for (card, mark) in workspace.user_cards.to_write() {
        let id = &card.id;
        let key = Key::UserCard(id.card_id.clone(), id.user_card_code.clone());
        changes.put(
            key,
            mark,
            || user_cards::insert(card, vault),
            |version| user_cards::update(card, vault, version),
        )?;
    }
    for (activity, mark) in workspace.activities.to_write() {
        let key = Key::Activity(activity.activity_id.clone());
        changes.put(
            key,
            mark,
            || activities::insert(activity),
            |version| activities::update(activity, version),
        )?;
    }
    for (record, mark) in workspace.records.to_write() {
        let key = Key::Record(record.kind.clone(), record.id.clone());
        changes.put(
            key,
            mark,
            || Ok(records::insert(brand_id, record)),
            |version| Ok(records::update(brand_id, record, version)),
        )?;
    }
    for owed in &workspace.owed {
        changes.others.push(outbox::insert(owed, vault)?);
    }
    Ok(changes.in_order(brand_id))
}

struct Changes<'a> {
    seen: &'a Seen,
    of_seen: BTreeMap<Key, Write>,
    others: Vec<Write>,
    /// The first table to be emptied that something new goes into. Notifications
    /// go last.
    added_to: Option<usize>,
}

impl Changes<'_> {
    fn remove(&mut self, id: &UserCardId) {
        let key = Key::UserCard(id.card_id.clone(), id.user_card_code.clone());
        match self.seen.get(&key) {
            Some(version) => {
                self.of_seen.insert(key, user_cards::delete(id, *version));
            }
            None => self.others.push(user_cards::delete_unseen(id)),
        }
    }

    fn put(
        &mut self,
        key: Key,
        mark: Mark,
        insert: impl FnOnce() -> Result<Write, Failure>,
        update: impl FnOnce(i64) -> Result<Write, Failure>,
    ) -> Result<(), Failure> {
        match (mark, self.seen.get(&key)) {
            (Mark::Changed, Some(version)) => {
                self.of_seen.insert(key, update(*version)?);
            }
            // One that was removed before is new, too.
            _ => {
                let table = key.table();
                self.added_to = Some(self.added_to.map_or(table, |first| first.min(table)));
                self.others.push(insert()?);
            }
        }
        Ok(())
    }

    fn in_order(mut self, brand_id: &str) -> Vec<Write> {
        if self.of_seen.is_empty() && self.others.is_empty() {
            return Vec::new();
        }
        let count = self.seen.len() + self.others.len();
        let mut writes = Vec::with_capacity(count + 1);
        let waits_at = self.seen.keys().next().map(Key::table);
        let is_waited_for = match (waits_at, self.added_to) {
            (Some(held), Some(added)) => held < added,
            (held, added) => held.is_some() && added.is_none(),
        };
        // A single change is never halved.
        if count > 1 && !is_waited_for {
            writes.push(hold_contents());
        }
        for (key, version) in self.seen {
            let change = self.of_seen.remove(key);
            writes.push(change.unwrap_or_else(|| look(brand_id, key, *version)));
        }
        writes.append(&mut self.others);
        writes
    }
}

fn look(brand_id: &str, key: &Key, version: i64) -> Write {
    match key {
        Key::CardTemplate(card_id) => card_templates::look(brand_id, card_id, version),
        Key::UserCard(card_id, code) => user_cards::look(brand_id, card_id, code, version),
        Key::Activity(activity_id) => activities::look(brand_id, activity_id, version),
        Key::Record(kind, id) => records::look(brand_id, kind, id, version),
    }
}
