//! Rows as a store keeps them: the columns that are searched, the document, and
//! what is sealed. Every backend keeps the same, each with its own SQL.

mod activity;
mod card_template;
mod clock;
pub(super) mod emptied;
mod key;
mod owed;
mod user_card;
mod watched;

pub(super) use activity::ActivityRow;
pub(super) use card_template::CardTemplateRow;
pub(super) use key::KeyRow;
pub(super) use owed::{ASKED_AGAIN, OwedRow};
pub(super) use user_card::UserCardRow;
