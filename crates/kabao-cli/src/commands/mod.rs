//! The commands, one file or folder for each, and what several need.

pub(crate) mod activity;
pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod card;
mod explain;
pub(crate) mod feed;
mod form;
mod ids;
pub(crate) mod image;
pub(crate) mod input;
mod jump;
mod missing;
mod names;
mod page;
pub(crate) mod points;
mod request_no;
pub(crate) mod sandbox;
mod time;
pub(crate) mod token;
pub(crate) mod user_card;
mod valid;
