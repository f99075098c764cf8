//! The rules of the product, as functions of state, request and time.

mod activity;
mod card;
mod user_card;

pub use activity::{Activity, ActivityStage, Stock};
pub use card::CardTemplate;
pub use user_card::{StoredState, UserCard, UserCardId};
