//! What a reset empties. PostgreSQL waits for rows in this order
//! (`postgres/statements/load.rs`).

/// What [`Contents`](crate::store::Contents) replace.
pub(in crate::store) const CONTENTS: [&str; 6] = [
    "DELETE FROM card_templates",
    "DELETE FROM user_cards",
    "DELETE FROM activities",
    "DELETE FROM records",
    "DELETE FROM notifications",
    "DELETE FROM grants",
];

/// What is counted and marked. It comes last of all: nearly every call needs a row
/// of these, and waits for a reset that has one.
pub(in crate::store) const COUNTS: [&str; 2] =
    ["DELETE FROM rate_allowances", "DELETE FROM replay_marks"];
