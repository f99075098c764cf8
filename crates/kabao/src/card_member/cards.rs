use kabao_core::card_member::{
    Card, CardChange, CreateCard, DeleteCard, GetCard, InvalidateCard, ListCards, NewCard, Page,
    UpdateCard,
};

use super::{Rows, resource};
use crate::error::Result;

resource! {
    /// Card templates: what the cards that users hold are made from.
    ///
    /// ```no_run
    /// use kabao::card_member::{CardChange, CardState, ListCards, NewCard, ValidDateInformation};
    ///
    /// # async fn f(client: kabao::Client) -> kabao::Result<()> {
    /// let cards = client.card_member_for("1004").cards();
    /// let new = NewCard::new("1004-20260101-1", "wxea9c30890f48d5ae", "金卡")
    ///     .card_color("#FFD700")
    ///     .card_picture_url("https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0")
    ///     .benefits("会员折扣、专属价")
    ///     .notify_url("https://example.com/notify")
    ///     .valid_date_information(ValidDateInformation::days(365));
    /// let card = cards.create(new).await?;
    /// cards.update(&*card.card_id, CardChange::new().need_pinned(true)).await?;
    ///
    /// let in_force = ListCards::new().state(CardState::Effective);
    /// println!("{} in force", cards.list(&in_force).await?.total_count);
    /// # Ok(()) }
    /// ```
    Cards
}

impl Cards {
    /// Creates a template. The appid must be bound to the brand, and only
    /// `NORMAL` cards are accepted today.
    ///
    /// Repeated with the same `out_request_no` and content it gives the same
    /// template again, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336970),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582711), 5 a second.
    ///
    /// # Errors
    /// 400 `INVALID_REQUEST` for another `card_type`, an appid that is not
    /// bound, or an `out_request_no` that was used with other content; else
    /// [as everywhere](super#errors).
    pub async fn create(&self, card: NewCard) -> Result<Card> {
        self.0.send(&CreateCard { card }).await
    }

    /// Reads a page of the brand's templates, at most 20. In which order is not
    /// documented.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336976),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582712), 5 a second.
    ///
    /// # Errors
    /// [As everywhere](super#errors).
    pub async fn list(&self, list: &ListCards) -> Result<Page<Card>> {
        self.0.send(list).await
    }

    /// All of the brand's templates that [`list`](Self::list) gives, page by
    /// page.
    pub fn stream(&self, list: ListCards) -> Rows<Card> {
        Rows::new(self.0.clone(), list)
    }

    /// Reads one template.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336974),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582715). 5 a second.
    ///
    /// # Errors
    /// 404 if there is none; else [as everywhere](super#errors).
    pub async fn get(&self, card_id: impl Into<String>) -> Result<Card> {
        let card_id = card_id.into();
        self.0.send(&GetCard { card_id }).await
    }

    /// Changes a template and gives it as it is then. What the change does not
    /// set stays; an object that it sets replaces the stored one. A changed
    /// validity counts for cards that are taken from now on.
    ///
    /// Setting values is repeatable, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336977),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582722).
    ///
    /// # Errors
    /// 404 if there is none, 400 `INVALID_REQUEST` if it was invalidated; else
    /// [as everywhere](super#errors).
    pub async fn update(&self, card_id: impl Into<String>, change: CardChange) -> Result<Card> {
        let card_id = card_id.into();
        self.0.send(&UpdateCard { card_id, change }).await
    }

    /// Invalidates a template, for good: it can no longer be given out. Cards
    /// that users hold stay as they are.
    ///
    /// Once more it changes nothing, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336972),
    /// 10 a second; [brand](https://pay.weixin.qq.com/doc/brand/4015582724).
    ///
    /// # Errors
    /// 404 if there is none; else [as everywhere](super#errors).
    pub async fn invalidate(&self, card_id: impl Into<String>) -> Result<Card> {
        let card_id = card_id.into();
        self.0.send(&InvalidateCard { card_id }).await
    }

    /// Deletes a template, as service providers did before there was
    /// [`invalidate`](Self::invalidate), and with the same effect.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336972),
    /// where the official page now describes invalidation.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) for a brand, 404 if
    /// there is none; else [as everywhere](super#errors).
    #[deprecated = "superseded by `invalidate`; only older pages have it, for service providers"]
    pub async fn delete(&self, card_id: impl Into<String>) -> Result<Card> {
        let card_id = card_id.into();
        self.0.send(&DeleteCard { card_id }).await
    }
}
