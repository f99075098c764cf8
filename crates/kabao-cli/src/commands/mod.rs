//! One file for each subcommand, and what several need.

pub(crate) mod call;
pub(crate) mod change;
mod explain;
mod input;
pub(crate) mod list;
mod page_body;
pub(crate) mod serve;
pub(crate) mod user_card;
mod valid;
