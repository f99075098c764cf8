use kabao_core::card_member::{GetUserCard, UpdateUserCard, UserCard, UserCardChange, UserCardKey};

use super::CardMember;
use crate::error::Result;

/// The cards that users hold.
#[derive(Debug, Clone)]
pub struct UserCards {
    members: CardMember,
    check: bool,
}

impl UserCards {
    pub(crate) fn new(members: CardMember) -> Self {
        Self {
            members,
            check: true,
        }
    }

    /// Sends values that are known to be refused, to hear it from the API: for
    /// rules that changed since this version, or to see its error.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.check = false;
        self
    }

    /// Reads a card. All of the key must fit, or the answer is 404.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336980),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582716).
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub async fn get(&self, key: &UserCardKey) -> Result<UserCard> {
        let key = key.clone();
        self.members.send(&GetUserCard { key }).await
    }

    /// Changes a card and gives it as it is then. What the change does not set
    /// stays. Setting values is repeatable, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336985),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582719).
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub async fn update(
        &self,
        key: &UserCardKey,
        change: impl Into<UserCardChange>,
    ) -> Result<UserCard> {
        let update = UpdateUserCard {
            key: key.clone(),
            change: change.into(),
            check: self.check,
        };
        self.members.send(&update).await
    }
}
