//! The member-card product on the wire.
//!
//! One definition serves both directions: a type over `S` holds [`Sealed`] on
//! the wire, [`Sensitive`] in a program's hands and [`Revealed`] where somebody
//! decided to show it. Unknown members and unknown enum values are kept, for the
//! pages change within months.
//!
//! [`Sealed`]: crate::Sealed
//! [`Sensitive`]: crate::Sensitive
//! [`Revealed`]: crate::sensitive::Revealed

mod card;
mod event_points;
mod event_user_card;
mod user_card;
mod user_card_change;
mod user_card_list;
mod user_information;
mod validity;

pub use card::{
    Card, CardState, CardUserInformation, CodeMode, CodeType, CustomFieldType, CustomQuestion,
    GetCard, JumpInformation, PurchaseInformation,
};
pub use event_points::{PointCoupon, SyncUserPoint};
pub use event_user_card::{UserCardEvent, UserCardEventState};
pub use user_card::{CardType, GetUserCard, UserCard, UserCardKey, UserCardState};
pub use user_card_change::{UpdateUserCard, UserCardChange};
pub use user_card_list::{ListUserCards, UserCardPage};
pub use user_information::{CommonField, CommonFieldName, CustomField, UserInformation};
pub use validity::{ValidDateInformation, ValidDateType};
