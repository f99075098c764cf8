use kabao_core::card_member::{
    ConfirmState, ConfirmUserCard, GetUserCard, ImportUserCardByOpenid, ImportUserCardByPhone,
    InvalidateUserCard, ListUserCards, Page, UpdateUserCard, UserCard, UserCardChange,
    UserCardImport, UserCardKey,
};

use super::{Rows, resource};
use crate::error::Result;

resource! {
    /// The cards that users hold.
    ///
    /// Sensitive values leave sealed and come opened; one that does not open is
    /// kept as it came ([`UserCard::unopened`]).
    ///
    /// ```no_run
    /// use kabao::card_member::{ConfirmState, ListUserCards, UserCardChange, UserCardKey};
    ///
    /// # async fn f(client: kabao::Client) -> kabao::Result<()> {
    /// let cards = client.card_member_for("1004").user_cards();
    /// let key = UserCardKey::new("478515832665", "pbLatjvWOibDc5-TBnbUk1pD12o0", "obLatjnx9gnqzS4myYGmLZ7LgLBA");
    /// // A user joined, as a notification said: now the user is a member.
    /// let change = UserCardChange::new().level("白银会员");
    /// cards.confirm(&key, ConfirmState::Success, change).await?;
    /// cards.update(&key, UserCardChange::new().level("钻石会员")).await?;
    ///
    /// let of_this_user = ListUserCards::of(&*key.openid);
    /// for card in cards.list(&of_this_user).await?.data {
    ///     println!("{} {}", card.user_card_code, card.user_card_state);
    /// }
    /// cards.invalidate(&key, Some("用户注销")).await?;
    /// # Ok(()) }
    /// ```
    UserCards
}

impl UserCards {
    /// Reads a card. All of the key must fit, or the answer is 404.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336980),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582716), 5 a second.
    ///
    /// # Errors
    /// 404 if there is none; else [as everywhere](super#errors).
    pub async fn get(&self, key: &UserCardKey) -> Result<UserCard> {
        let key = key.clone();
        self.0.send(&GetUserCard { key }).await
    }

    /// Changes a card and gives it as it is then. What the change does not set
    /// stays; an object that it sets replaces the stored one. An expired card
    /// whose validity is moved serves again.
    ///
    /// Setting values is repeatable, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336985),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582719), 5 a second.
    ///
    /// # Errors
    /// 404 if there is none, 400 `INVALID_REQUEST` if it was invalidated; else
    /// [as everywhere](super#errors).
    pub async fn update(
        &self,
        key: &UserCardKey,
        change: impl Into<UserCardChange>,
    ) -> Result<UserCard> {
        let update = UpdateUserCard {
            key: key.clone(),
            change: change.into(),
        };
        self.0.send(&update).await
    }

    /// Reads a page of one user's cards in the brand, at most 20. The user must
    /// be named: no API lists all members of a brand.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336984),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582718). 5 a second.
    ///
    /// # Errors
    /// [As everywhere](super#errors).
    pub async fn list(&self, list: &ListUserCards) -> Result<Page<UserCard>> {
        self.0.send(list).await
    }

    /// All of one user's cards that [`list`](Self::list) gives, page by page.
    pub fn stream(&self, list: ListUserCards) -> Rows<UserCard> {
        Rows::new(self.0.clone(), list)
    }

    /// Takes over a member from elsewhere whose openid is known. The card serves
    /// at once: no notification follows, and nothing is to be confirmed.
    ///
    /// The validity has to be of the template's type; `FIX_TERM` needs a
    /// `pickup_time`, from which it counts. The same member with the same code
    /// gives the stored card, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336981),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582744). 5 a second.
    ///
    /// # Errors
    /// 404 if there is no such template, 400 `RESOURCE_ALREADY_EXISTS` if the
    /// user has another code or somebody else has this one; else
    /// [as everywhere](super#errors).
    pub async fn import_by_openid(
        &self,
        openid: impl Into<String>,
        card: UserCardImport,
    ) -> Result<UserCard> {
        let openid = openid.into();
        self.0.send(&ImportUserCardByOpenid { openid, card }).await
    }

    /// Takes over a member from elsewhere whose phone number is known, which the
    /// import has to have. Service providers only, and the guides call it not
    /// yet online.
    ///
    /// Otherwise as [`import_by_openid`](Self::import_by_openid).
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336982).
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) for a brand, 400
    /// `INVALID_REQUEST` while it is not online; else as
    /// [`import_by_openid`](Self::import_by_openid).
    pub async fn import_by_phone(&self, card: UserCardImport) -> Result<UserCard> {
        self.0.send(&ImportUserCardByPhone { card }).await
    }

    /// Reports how opening a membership ended. Whoever joins through the
    /// component or the business card is a member only then; imports need none.
    ///
    /// Where the template has WeChat Pay allocate codes, the key's code is that
    /// of the notification; where the merchant does, it is the one that the
    /// card gets. `change` adjusts the card at the same time. Repeating the same
    /// outcome changes nothing, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336979),
    /// 5 a second; [brand](https://pay.weixin.qq.com/doc/brand/4015582750).
    ///
    /// # Errors
    /// 404 if there is no such card, 400 `INVALID_REQUEST` if it is invalid;
    /// else [as everywhere](super#errors).
    pub async fn confirm(
        &self,
        key: &UserCardKey,
        state: ConfirmState,
        change: impl Into<UserCardChange>,
    ) -> Result<UserCard> {
        let confirm = ConfirmUserCard {
            key: key.clone(),
            state,
            change: change.into(),
        };
        self.0.send(&confirm).await
    }

    /// Invalidates a card, for good: tell the user first, and have consent. The
    /// reason has at most 32 characters.
    ///
    /// Once more it changes nothing, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336983),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582726), 5 a second.
    ///
    /// # Errors
    /// 404 if there is none; else [as everywhere](super#errors).
    pub async fn invalidate(&self, key: &UserCardKey, reason: Option<&str>) -> Result<UserCard> {
        let invalidate = InvalidateUserCard {
            key: key.clone(),
            invalid_reason: reason.map(ToOwned::to_owned),
        };
        self.0.send(&invalidate).await
    }
}
