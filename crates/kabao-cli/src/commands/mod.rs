//! One file for each subcommand, and what several need.

pub(crate) mod call;
pub(crate) mod change;
mod explain;
mod form;
mod input;
pub(crate) mod list;
mod page_body;
pub(crate) mod sandbox;
pub(crate) mod user_card;
mod valid;
