//! Any endpoint, by its path.

use std::{fmt, sync::Arc};

use kabao_core::call::{Body, Call, CallBuilder, Method};
use serde::Serialize;

use crate::{
    answer::{Answer, Unverified},
    client::Inner,
    error::Result,
};

/// A call under construction.
///
/// It comes from [`Client::chain`](crate::Client::chain), from `client[path]` or
/// from [`chain!`](crate::chain!), which are three spellings of one thing. Every
/// method gives a new chain and leaves this one as it was. Mistakes show at the
/// verb, before anything is sent.
///
/// ```no_run
/// # async fn f(client: kabao::Client) -> kabao::Result<()> {
/// let answer = client
///     .chain("v3/pay/transactions/id/{transaction_id}")
///     .param("transaction_id", "1217752501201407033233368018")
///     .query([("mchid", "1900000001")])
///     .get()
///     .await?;
/// println!("{}", answer.json::<serde_json::Value>()?);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Chain {
    client: Arc<Inner>,
    call: CallBuilder,
}

impl Chain {
    pub(crate) fn new(client: Arc<Inner>, call: CallBuilder) -> Self {
        Self { client, call }
    }

    /// Gives a placeholder of the path its value, which is percent-encoded once
    /// and otherwise left alone.
    #[must_use]
    pub fn param(&self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.with(|call| call.param(name, value))
    }

    /// Adds query parameters: anything that serialises to pairs.
    #[must_use]
    pub fn query(&self, query: impl Serialize) -> Self {
        self.with(|call| call.query(&query))
    }

    /// Adds a header; given twice, the later one counts.
    #[must_use]
    pub fn header(&self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with(|call| call.header(name, value))
    }

    /// Sets the body, serialised once: what is signed is what is sent.
    #[must_use]
    pub fn json(&self, body: impl Serialize) -> Self {
        self.with(|call| call.json(&body))
    }

    /// Sets a ready body, such as an upload, of which only a part is signed.
    #[must_use]
    pub fn body(&self, body: Body) -> Self {
        self.with(|call| call.body(body))
    }

    /// Says whether the call may be repeated without harm, and so be retried.
    /// Without it GET, PUT and DELETE are.
    #[must_use]
    pub fn repeatable(&self, repeatable: bool) -> Self {
        self.with(|call| call.repeatable(repeatable))
    }

    /// Reads.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub async fn get(&self) -> Result<Answer> {
        self.send(Method::Get).await
    }

    /// Creates, or runs an action.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub async fn post(&self) -> Result<Answer> {
        self.send(Method::Post).await
    }

    /// Replaces.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub async fn put(&self) -> Result<Answer> {
        self.send(Method::Put).await
    }

    /// Changes.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub async fn patch(&self) -> Result<Answer> {
        self.send(Method::Patch).await
    }

    /// Removes.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub async fn delete(&self) -> Result<Answer> {
        self.send(Method::Delete).await
    }

    /// Calls with a method that is known only at run time.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub async fn send(&self, method: Method) -> Result<Answer> {
        self.client.send(&self.call(method)?).await
    }

    /// Fetches a file from one of the few paths whose answers are not signed.
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind. Paths whose answers are
    /// signed are refused.
    pub async fn download(&self) -> Result<Unverified> {
        self.client.download(&self.call(Method::Get)?).await
    }

    /// The call as it would be sent, without host, time and signature.
    ///
    /// # Errors
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) if it cannot be built.
    pub fn call(&self, method: Method) -> Result<Call> {
        Ok(self.call.build(method)?)
    }

    fn with(&self, change: impl FnOnce(CallBuilder) -> CallBuilder) -> Self {
        Self {
            client: Arc::clone(&self.client),
            call: change(self.call.clone()),
        }
    }
}

impl fmt::Debug for Chain {
    /// Only the path as declared: values may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.call.template() {
            Some(template) => write!(f, "Chain({template})"),
            None => f.write_str("Chain(invalid)"),
        }
    }
}

/// A path written as names: `chain!(client, v3.brand.partner.cardMember)`.
///
/// Capitals become dashes and small letters (`cardMember` is `card-member`),
/// `_name_` is a placeholder, and what is no identifier is written as a literal:
/// `chain!(client, v3."merchant-service".images)`. It works on both clients.
///
/// ```no_run
/// # async fn f(client: kabao::Client) -> kabao::Result<()> {
/// let answer = kabao::chain!(client, v3.brand.partner.cardMember.userCards._user_card_code_)
///     .param("user_card_code", "478515832665")
///     .query([("brand_id", "1004"), ("card_id", "pbLatj"), ("openid", "obLatj")])
///     .get()
///     .await?;
/// # Ok(()) }
/// ```
#[macro_export]
macro_rules! chain {
    (@segment $name:ident) => { stringify!($name) };
    (@segment $name:literal) => { $name };
    ($client:expr, $($segment:tt).+ $(,)?) => {
        $client.segments([$($crate::chain!(@segment $segment)),+])
    };
}
