//! What the user sees.

pub(crate) mod card_face;
pub(crate) mod fields;
pub(crate) mod json_text;
pub(crate) mod members;
pub(crate) mod paint;
pub(crate) mod printer;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod width;
