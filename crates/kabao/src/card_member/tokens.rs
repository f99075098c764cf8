use kabao_core::card_member::{CreatePayViewToken, CreatePreAuthToken, Token};

use super::resource;
use crate::error::Result;

resource! {
    /// Tokens that open components in the front end, for one user.
    ///
    /// ```no_run
    /// # async fn f(client: kabao::Client) -> kabao::Result<()> {
    /// let tokens = client.card_member_for("1004").tokens();
    /// let token = tokens
    ///     .pre_auth("pbLatjvWOibDc5-TBnbUk1pD12o0", "obLatjnx9gnqzS4myYGmLZ7LgLBA")
    ///     .await?;
    /// // What `wxpayCardMember` is opened with in the front end.
    /// let query = format!("token={}&scene=CARD_MEMBER", token.token);
    /// # Ok(()) }
    /// ```
    Tokens
}

impl Tokens {
    /// Gets a token that opens the joining component, for one hour.
    ///
    /// `openid` is the user under the template's appid. Every call gives a
    /// token of its own, which harms nobody, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336986),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582733). 5 a second.
    ///
    /// # Errors
    /// 404 if there is no such template, 400 `INVALID_REQUEST` if it was
    /// invalidated; else [as everywhere](super#errors).
    pub async fn pre_auth(
        &self,
        card_id: impl Into<String>,
        openid: impl Into<String>,
    ) -> Result<Token> {
        let (card_id, openid) = (card_id.into(), openid.into());
        self.0.send(&CreatePreAuthToken { card_id, openid }).await
    }

    /// Gets a token that opens the component with the payment code, for ten
    /// minutes and once: get a new one before each opening. Service providers
    /// only.
    ///
    /// It is retried: a token that nobody uses harms nobody.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4016834476).
    /// 10 a second.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) for a brand, 404 if
    /// there is no such template; else [as everywhere](super#errors).
    pub async fn pay_view(
        &self,
        card_id: impl Into<String>,
        openid: impl Into<String>,
    ) -> Result<Token> {
        let (card_id, openid) = (card_id.into(), openid.into());
        self.0.send(&CreatePayViewToken { card_id, openid }).await
    }
}
