use kabao_core::card_member::{CreateUserFeed, UserCardKey, UserFeed};

use super::resource;
use crate::error::Result;

resource! {
    /// News on members' cards.
    ///
    /// ```no_run
    /// use kabao::card_member::UserCardKey;
    ///
    /// # async fn f(client: kabao::Client) -> kabao::Result<()> {
    /// let feeds = client.card_member_for("1004").feeds();
    /// let key = UserCardKey::new("478515832665", "pbLatjvWOibDc5-TBnbUk1pD12o0", "obLatjnx9gnqzS4myYGmLZ7LgLBA");
    /// // Sentence 1: this time points +50.
    /// feeds.create(&key, "1004-20260101-1", "1_50").await?;
    /// # Ok(()) }
    /// ```
    Feeds
}

impl Feeds {
    /// Puts a line of news on a card that does not come from a WeChat Pay order.
    /// (Orders carry theirs in `attach`.)
    ///
    /// `cell` says which of WeChat's
    /// [sentences](https://pay.weixin.qq.com/doc/v3/partner/4015534755), with
    /// which values, such as `15_1200_1`; at most 128 characters.
    /// `out_request_no` is your number for this line, at most 64 of
    /// `0-9A-Za-z_-`. Repeated with the same content it gives the same answer,
    /// so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336987),
    /// 5 a second; [brand](https://pay.weixin.qq.com/doc/brand/4015582679).
    ///
    /// # Errors
    /// 404 if there is no such card, 400 `INVALID_REQUEST` if the
    /// `out_request_no` was used with other content; else
    /// [as everywhere](super#errors).
    pub async fn create(
        &self,
        key: &UserCardKey,
        out_request_no: impl Into<String>,
        cell: impl Into<String>,
    ) -> Result<UserFeed> {
        let feed = CreateUserFeed {
            key: key.clone(),
            out_request_no: out_request_no.into(),
            cell: cell.into(),
        };
        self.0.send(&feed).await
    }
}
