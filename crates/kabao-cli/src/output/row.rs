//! A member of an answer as a row for people.

use jiff::Timestamp;
use kabao::{
    card_member::{JumpInformation, ValidDateInformation},
    core::time::Time,
};

use super::{label, paint::Tone, state, time};

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// For people.
    pub(crate) label: String,
    /// On the wire.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: String,
    /// How the value is meant.
    pub(crate) tone: Tone,
    /// A remark below the value.
    pub(crate) note: Option<String>,
    /// What stood there before, if that was something else.
    pub(crate) before: Option<String>,
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            label: label::of(&name),
            name,
            value: value.into(),
            tone: Tone::Plain,
            note: None,
            before: None,
        }
    }

    /// The same under another label.
    pub(crate) fn label(self, label: impl Into<String>) -> Self {
        let label = label.into();
        Self { label, ..self }
    }

    /// The same in a tone.
    pub(crate) fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// The same with a remark.
    pub(crate) fn note(self, note: Option<String>) -> Self {
        Self { note, ..self }
    }

    /// A text, if there is one.
    pub(crate) fn text(name: &str, value: Option<&String>) -> Option<Self> {
        value.map(|value| Self::new(name, value))
    }

    /// A choice between yes and no, if it was made.
    pub(crate) fn yes_or_no(name: &str, value: Option<bool>) -> Option<Self> {
        value.map(|value| Self::new(name, if value { "yes" } else { "no" }))
    }

    /// An instant, if there is one.
    pub(crate) fn time(name: &str, time: Option<&Time>) -> Option<Self> {
        time.map(|time| Self::new(name, time::clock(time)))
    }

    /// Where something stands.
    pub(crate) fn state(name: &str, state: &str) -> Self {
        Self::new(name, state).tone(state::tone(state))
    }

    /// A page of a mini program, if there is one.
    pub(crate) fn page(name: &str, page: Option<&JumpInformation>) -> Option<Self> {
        let page = page?;
        let parts = [page.jump_appid.as_deref(), page.jump_path.as_deref()];
        let text: Vec<&str> = parts.into_iter().flatten().collect();
        Some(Self::new(name, text.join(" ")))
    }

    /// From when to when something serves, and what is left of that.
    pub(crate) fn validity(
        validity: &ValidDateInformation,
        pickup: Option<&Time>,
        now: Option<Timestamp>,
    ) -> Self {
        let (words, note) = time::validity(validity, pickup, now);
        Self::new("valid_date_information", words).note(note)
    }

    /// Members that this version does not know, as JSON.
    pub(crate) fn others(
        extra: &serde_json::Map<String, serde_json::Value>,
    ) -> impl Iterator<Item = Self> + use<'_> {
        extra
            .iter()
            .map(|(name, value)| Self::new(name, value.to_string()).label("Other"))
    }

    /// Whether the member became another. Every change moves `modify_time`, so
    /// that says nothing.
    pub(crate) fn is_changed(&self) -> bool {
        self.before.is_some() && self.name != "modify_time"
    }

    fn is_same_member(&self, other: &Self) -> bool {
        self.name == other.name && self.label == other.label
    }
}

/// Notes in `after` what every member was in `before`; members that are gone
/// follow at the end.
pub(crate) fn mark_changes(before: &[Row], after: &mut Vec<Row>) {
    const NOTHING: &str = "(none)";
    for row in after.iter_mut() {
        let old = before.iter().find(|old| old.is_same_member(row));
        let old = old.map_or(NOTHING, |old| &old.value);
        if old != row.value {
            row.before = Some(old.to_owned());
        }
    }
    for old in before {
        if !after.iter().any(|row| row.is_same_member(old)) {
            after.push(Row {
                before: Some(old.value.clone()),
                ..Row::new(&old.name, NOTHING)
                    .label(&old.label)
                    .tone(Tone::Dim)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_marked_with_what_was() {
        let before = [
            Row::new("level", "钻石会员"),
            Row::new("attach", "same"),
            Row::new("points", "7"),
        ];
        let mut after = vec![
            Row::new("level", "金卡"),
            Row::new("attach", "same"),
            Row::new("card_color", "#FFFF00"),
            Row::new("modify_time", "now"),
        ];
        mark_changes(&before, &mut after);
        let marks: Vec<_> = after
            .iter()
            .map(|row| (&*row.name, row.before.as_deref(), &*row.value))
            .collect();
        assert_eq!(
            marks,
            [
                ("level", Some("钻石会员"), "金卡"),
                ("attach", None, "same"),
                ("card_color", Some("(none)"), "#FFFF00"),
                ("modify_time", Some("(none)"), "now"),
                ("points", Some("7"), "(none)"),
            ]
        );
        assert!(after[0].is_changed() && !after[1].is_changed() && !after[3].is_changed());
    }
}
