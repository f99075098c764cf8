use kabao_core::card_member::{
    ConfirmPointExchange, PointBalance, PointExchange, SyncUserPoints, UserCardKey,
};

use super::resource;
use crate::error::Result;

resource! {
    /// Points. Your system owns them; WeChat shows them, and lets users exchange
    /// them for coupons.
    ///
    /// ```no_run
    /// use kabao::{card_member::{ConfirmPointExchange, ExchangeState}, notification::Event};
    ///
    /// # async fn deduct(_: &str, _: u64) -> bool { true }
    /// # async fn give_back(_: &str) {}
    /// # async fn f(client: kabao::Client, event: Event) -> kabao::Result<()> {
    /// let points = client.card_member_for("1004").points();
    /// match event {
    ///     Event::SyncUserPoint(asked) => {
    ///         points.sync(&asked.key(), "1004-20260101-1", 1000).await?;
    ///     }
    ///     Event::PointExchangeCoupon(wish) => {
    ///         let answer = match deduct(&wish.record_id, wish.deduct_points).await {
    ///             true => ConfirmPointExchange::allow(&wish),
    ///             false => ConfirmPointExchange::reject(&wish, "积分不足"),
    ///         };
    ///         let exchange = points.confirm_exchange(answer).await?;
    ///         if exchange.state == ExchangeState::Fail {
    ///             give_back(&exchange.record_id).await;
    ///         }
    ///     }
    ///     _ => {}
    /// }
    /// # Ok(()) }
    /// ```
    Points
}

impl Points {
    /// Reports a card's points: the balance itself, not a change. Call it when
    /// the balance changes, and when a
    /// [`SyncUserPoint`](kabao_core::card_member::SyncUserPoint) asks for it.
    ///
    /// `out_request_no` is your number for this report, at most 128 of
    /// `0-9A-Za-z_-`. Repeated with the same content it gives the same answer,
    /// so it is retried. No API reads the balance back.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015897280),
    /// 5 a second; [brand](https://pay.weixin.qq.com/doc/brand/4015897319), 10 a
    /// second.
    ///
    /// # Errors
    /// 404 if there is no such card, 400 `INVALID_REQUEST` if the
    /// `out_request_no` was used with other content; else
    /// [as everywhere](super#errors).
    pub async fn sync(
        &self,
        key: &UserCardKey,
        out_request_no: impl Into<String>,
        point_balance: i64,
    ) -> Result<PointBalance> {
        let sync = SyncUserPoints {
            key: key.clone(),
            out_request_no: out_request_no.into(),
            point_balance,
        };
        self.0.send(&sync).await
    }

    /// Answers a user's wish to exchange points for a coupon, which a
    /// [`PointCoupon`](kabao_core::card_member::PointCoupon) told of. If the
    /// state of the outcome is `POINT_EXCHANGE_COUPON_FAIL`, no coupon was
    /// issued: give the points back.
    ///
    /// The same answer to the same exchange gives the stored outcome, so it is
    /// retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015897268),
    /// 5 a second; [brand](https://pay.weixin.qq.com/doc/brand/4015897310).
    ///
    /// # Errors
    /// 404 if there is no such exchange, 400 `INVALID_REQUEST` if it was
    /// answered in another way; else [as everywhere](super#errors).
    pub async fn confirm_exchange(&self, answer: ConfirmPointExchange) -> Result<PointExchange> {
        self.0.send(&answer).await
    }
}
