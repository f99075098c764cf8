use std::sync::Arc;

use bytes::Bytes;
use kabao_core::{
    card_member::{
        Activity, ActivityChange, Card, CardChange, ConfirmPointExchange, ConfirmState, Image,
        ListActivities, ListCards, ListUserCards, NewActivity, NewCard, Page, PointBalance,
        PointExchange, Token, UserCard, UserCardChange, UserCardImport, UserCardKey, UserFeed,
    },
    operation::Operation,
};

use super::driver::Driver;
use crate::{card_member as waiting, error::Result};

/// The member cards of one brand; see
/// [`CardMember`](crate::card_member::CardMember).
#[derive(Debug, Clone)]
pub struct CardMember {
    members: waiting::CardMember,
    driver: Arc<Driver>,
}

impl CardMember {
    pub(super) fn new(members: waiting::CardMember, driver: Arc<Driver>) -> Self {
        Self { members, driver }
    }

    /// See [`CardMember::unchecked`](crate::card_member::CardMember::unchecked).
    #[must_use]
    pub fn unchecked(self) -> Self {
        Self::new(self.members.unchecked(), self.driver)
    }

    /// Carries out an operation; see
    /// [`CardMember::send`](crate::card_member::CardMember::send).
    ///
    /// # Errors
    /// As there.
    pub fn send<O: Operation>(&self, operation: &O) -> Result<O::Output> {
        self.driver.run(self.members.send(operation))
    }
}

/// Where the documentation of a twin is.
macro_rules! see {
    ($($path:tt)+) => {
        concat!(
            "See [`", $(stringify!($path)),+, "`](crate::card_member::", $(stringify!($path)),+, ")."
        )
    };
}

/// A resource without `async`, with the methods of the one that it is named
/// after; `iter` is there for those that have a `stream`.
macro_rules! resource {
    (
        $name:ident, $accessor:ident $(, iter($list:ty) -> $row:ty)?;
        $(
            $(#[$meta:meta])*
            fn $method:ident($($argument:ident: $type:ty),*) -> $output:ty;
        )+
    ) => {
        #[doc = see!($name)]
        #[derive(Debug, Clone)]
        pub struct $name {
            resource: waiting::$name,
            driver: Arc<Driver>,
        }

        impl CardMember {
            #[doc = see!(CardMember::$accessor)]
            #[must_use]
            pub fn $accessor(&self) -> $name {
                $name {
                    resource: self.members.$accessor(),
                    driver: Arc::clone(&self.driver),
                }
            }
        }

        impl $name {
            #[doc = see!($name::unchecked)]
            #[must_use]
            pub fn unchecked(self) -> Self {
                Self {
                    resource: self.resource.unchecked(),
                    driver: self.driver,
                }
            }

            $(
                #[doc = see!($name::$method)]
                ///
                /// # Errors
                /// As there.
                $(#[$meta])*
                pub fn $method(&self, $($argument: $type),*) -> Result<$output> {
                    self.driver.run(self.resource.$method($($argument),*))
                }
            )+

            $(
                #[doc = see!($name::stream)]
                pub fn iter(&self, list: $list) -> Rows<$row> {
                    Rows {
                        rows: self.resource.stream(list),
                        driver: Arc::clone(&self.driver),
                    }
                }
            )?
        }
    };
}

resource! {
    Cards, cards, iter(ListCards) -> Card;
    fn create(card: NewCard) -> Card;
    fn list(list: &ListCards) -> Page<Card>;
    fn get(card_id: impl Into<String>) -> Card;
    fn update(card_id: impl Into<String>, change: CardChange) -> Card;
    fn invalidate(card_id: impl Into<String>) -> Card;
    #[deprecated = "superseded by `invalidate`; only older pages have it, for service providers"]
    #[expect(deprecated, reason = "so is its twin")]
    fn delete(card_id: impl Into<String>) -> Card;
}

resource! {
    Activities, activities, iter(ListActivities) -> Activity;
    fn create(activity: NewActivity) -> Activity;
    fn list(list: &ListActivities) -> Page<Activity>;
    fn get(activity_id: impl Into<String>) -> Activity;
    fn update(activity_id: impl Into<String>, change: ActivityChange) -> Activity;
    fn terminate(activity_id: impl Into<String>) -> Activity;
}

resource! {
    UserCards, user_cards, iter(ListUserCards) -> UserCard;
    fn get(key: &UserCardKey) -> UserCard;
    fn update(key: &UserCardKey, change: impl Into<UserCardChange>) -> UserCard;
    fn list(list: &ListUserCards) -> Page<UserCard>;
    fn import_by_openid(openid: impl Into<String>, card: UserCardImport) -> UserCard;
    fn import_by_phone(card: UserCardImport) -> UserCard;
    fn confirm(key: &UserCardKey, state: ConfirmState, change: impl Into<UserCardChange>) -> UserCard;
    fn invalidate(key: &UserCardKey, reason: Option<&str>) -> UserCard;
}

resource! {
    Tokens, tokens;
    fn pre_auth(card_id: impl Into<String>, openid: impl Into<String>) -> Token;
    fn pay_view(card_id: impl Into<String>, openid: impl Into<String>) -> Token;
}

resource! {
    Points, points;
    fn sync(key: &UserCardKey, out_request_no: impl Into<String>, point_balance: i64) -> PointBalance;
    fn confirm_exchange(answer: ConfirmPointExchange) -> PointExchange;
}

resource! {
    Feeds, feeds;
    fn create(key: &UserCardKey, out_request_no: impl Into<String>, cell: impl Into<String>) -> UserFeed;
}

resource! {
    Images, images;
    fn upload(filename: impl Into<String>, file: impl Into<Bytes>) -> Image;
}

/// The rows of a list, to its end; see [`Rows`](crate::card_member::Rows).
#[derive(Debug)]
#[must_use = "nothing is fetched before a row is asked for"]
pub struct Rows<T> {
    rows: waiting::Rows<T>,
    driver: Arc<Driver>,
}

impl<T> Iterator for Rows<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        self.driver.run(self.rows.next())
    }
}
