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

mod activities;
mod activity;
mod card;
mod card_change;
mod card_user_information;
mod cards;
mod event_points;
mod event_user_card;
mod feed;
mod image;
mod new_card;
mod page;
mod points;
mod request;
mod token;
mod user_card;
mod user_card_change;
mod user_card_import;
mod user_card_list;
mod user_card_outcome;
mod user_information;
mod validity;

pub use activities::{
    CreateActivity, GetActivity, ListActivities, TerminateActivity, UpdateActivity,
};
pub use activity::{
    Activity, ActivityChange, ActivityChannel, ActivityState, NewActivity, ProductCouponStock,
};
pub use card::{
    Card, CardState, CodeMode, CodeType, GetCard, JumpInformation, PurchaseInformation,
};
pub use card_change::{CardChange, UpdateCard};
pub use card_user_information::{CardUserInformation, CustomFieldType, CustomQuestion};
pub use cards::{DeleteCard, InvalidateCard, ListCards};
pub use event_points::{PointCoupon, SyncUserPoint};
pub use event_user_card::{UserCardEvent, UserCardEventState};
pub use feed::{CreateUserFeed, UserFeed};
pub use image::{Image, UploadImage};
pub use new_card::{CreateCard, NewCard};
pub use page::{Listing, Page};
pub use points::{
    ConfirmPointExchange, ExchangeResult, ExchangeState, PointBalance, PointExchange,
    SyncUserPoints,
};
pub use token::{CreatePayViewToken, CreatePreAuthToken, Token};
pub use user_card::{CardType, GetUserCard, UserCard, UserCardKey, UserCardState};
pub use user_card_change::{UpdateUserCard, UserCardChange};
pub use user_card_import::{ImportUserCardByOpenid, ImportUserCardByPhone, UserCardImport};
pub use user_card_list::ListUserCards;
pub use user_card_outcome::{ConfirmState, ConfirmUserCard, InvalidateUserCard};
pub use user_information::{CommonField, CommonFieldName, CustomField, UserInformation};
pub use validity::{ValidDateInformation, ValidDateType};
