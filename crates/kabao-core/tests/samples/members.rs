//! What a value shows of the members that it did and did not have.

use std::fmt::Debug;

/// What `Debug` tells of a value: the derived one shows every field at every
/// level, `Extra` its names alone, `Sensitive` whether it opened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Members {
    /// Names that no field has.
    pub(crate) unknown: Vec<String>,
    /// Fields that are `None`.
    pub(crate) unset: Vec<String>,
    /// Names of enums that no variant has.
    pub(crate) unknown_values: Vec<String>,
    /// How many values came sealed and did not open.
    pub(crate) unopened: usize,
}

impl Members {
    pub(crate) fn of(value: &impl Debug) -> Self {
        let shown = format!("{value:?}");
        Self {
            unknown: after(&shown, "Extra([", "])")
                .flat_map(|names| names.split(", "))
                .filter(|name| !name.is_empty())
                .map(|name| name.trim_matches('"').to_owned())
                .collect(),
            unset: unset(&shown),
            unknown_values: after(&shown, "Unknown(\"", "\")")
                .map(ToOwned::to_owned)
                .collect(),
            unopened: shown.matches("Sensitive(unopened)").count(),
        }
    }

    /// Nothing unknown, nothing sealed.
    pub(crate) fn all_known(&self) -> bool {
        self.unknown.is_empty() && self.unknown_values.is_empty() && self.unopened == 0
    }
}

/// The names before every `: None`.
fn unset(shown: &str) -> Vec<String> {
    let ends = shown.match_indices(": None").filter(|(at, found)| {
        let next = shown[at + found.len()..].chars().next();
        // Not a variant whose name begins so.
        !next.is_some_and(char::is_alphanumeric)
    });
    ends.filter_map(|(at, _)| shown[..at].rsplit([' ', '{']).next())
        .map(ToOwned::to_owned)
        .collect()
}

fn after<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start)
        .skip(1)
        .filter_map(move |rest| rest.split(end).next())
}
