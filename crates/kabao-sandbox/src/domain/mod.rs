//! The rules of the product, as functions of state, request and time.

mod card;
mod user_card;

pub use card::CardTemplate;
pub use user_card::{StoredState, UserCard, UserCardId};
