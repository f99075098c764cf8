//! What the user sees.

mod activity;
pub(crate) mod card;
pub(crate) mod card_face;
mod color;
pub(crate) mod json_text;
mod label;
pub(crate) mod members;
pub(crate) mod paint;
pub(crate) mod printer;
mod row;
pub(crate) mod shown;
pub(crate) mod state;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod user_card;
pub(crate) mod width;
