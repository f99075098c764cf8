//! The rules of the product, as functions of state, request and time. Most work
//! on a [`Workspace`](crate::store::Workspace), which the store fills and saves.

pub(crate) mod activity;
pub(crate) mod card;
pub(crate) mod card_form;
pub(crate) mod confirm;
pub(crate) mod event;
pub(crate) mod exchange;
pub(crate) mod feed;
pub(crate) mod import;
pub(crate) mod join;
pub(crate) mod picture;
pub(crate) mod points;
mod request_number;
pub(crate) mod token;
pub(crate) mod user_card;

pub use activity::{Activity, ActivityStage, Stock};
pub use card::CardTemplate;
pub(crate) use request_number::RequestNumber;
pub use user_card::{StoredState, UserCard, UserCardId};
