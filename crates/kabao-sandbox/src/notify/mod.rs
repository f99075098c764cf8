//! Notifications: written when something happens, delivered until the receiver
//! has taken them or the retry clock has run out.

mod address;
mod compose;
mod post;
mod settings;

pub use settings::NotificationSettings;

pub(crate) use address::Address;
pub(crate) use compose::{compose, for_people};
