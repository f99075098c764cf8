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
        let call = self.call(method)?;
        self.client.send(&call, self.client.deadline()?).await
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use super::*;
    use crate::{
        ErrorKind,
        testing::{By, Fake, builder, client, signed},
    };

    const PATH: &str = "v3/brand/partner/card-member/user-cards/{user_card_code}";

    #[tokio::test]
    async fn three_spellings_one_call() {
        let fake = Fake::new(|_, _| signed(By::PublicKey, 200, "{}"));
        let client = client(&fake);
        let query = [
            ("brand_id", "1004"),
            ("card_id", "pbLatj"),
            ("openid", "obLatj"),
        ];
        let spellings: [Chain; 3] = [
            client
                .chain(PATH)
                .param("user_card_code", "478515832665")
                .query(query),
            client[PATH]
                .param("user_card_code", "478515832665")
                .query(query),
            crate::chain!(
                client,
                v3.brand.partner.cardMember.userCards._user_card_code_
            )
            .param("user_card_code", "478515832665")
            .query(query),
        ];
        let calls: Vec<Call> = spellings
            .iter()
            .map(|chain| chain.call(Method::Get).unwrap())
            .collect();
        assert_eq!(calls[0], calls[1]);
        assert_eq!(calls[0], calls[2]);
        for chain in spellings {
            chain.get().await.unwrap();
        }
        for request in fake.seen() {
            assert_eq!(
                request.uri().path_and_query().unwrap().as_str(),
                "/v3/brand/partner/card-member/user-cards/478515832665\
                 ?brand_id=1004&card_id=pbLatj&openid=obLatj",
            );
        }
    }

    #[test]
    fn an_indexed_path_is_kept_once_and_never_changed() {
        let client = client(&Fake::new(|_, _| signed(By::PublicKey, 200, "{}")));
        let first: *const Chain = &client[PATH];
        let _ = client[PATH].param("user_card_code", "1");
        assert!(std::ptr::eq(first, &client[PATH]));
        assert!(std::ptr::eq(first, &client.clone()[PATH]));
        assert!(
            client[PATH].call(Method::Get).is_err(),
            "no value was left behind"
        );
        let weak = Arc::downgrade(&client[PATH].client);
        drop(client);
        assert!(
            weak.upgrade().is_none(),
            "kept chains do not keep the client"
        );
    }

    #[test]
    fn names_are_rewritten_only_in_the_macro() {
        let client = client(&Fake::new(|_, _| signed(By::PublicKey, 200, "{}")));
        let reference = |chain: &Chain| chain.call(Method::Get).unwrap().reference;
        assert_eq!(
            reference(&client.chain("v3/userCards/A_b")),
            "v3/userCards/A_b"
        );
        assert_eq!(reference(&client["v3/userCards"]), "v3/userCards");
        let written = crate::chain!(client, v3."merchant-service".imageFiles.type._id_);
        assert_eq!(
            format!("{written:?}"),
            "Chain(v3/merchant-service/image-files/type/{id})"
        );
        let written = crate::chain!(client, v3.payScore._id_).param("id", "AbC");
        assert_eq!(reference(&written), "v3/pay-score/AbC");
        // A whole path from elsewhere, such as a link to the next page.
        let ready = client.chain("{+next}").param("next", "v3/x?offset=A%2F1");
        assert_eq!(reference(&ready), "v3/x?offset=A%2F1");
    }

    #[tokio::test]
    async fn mistakes_show_at_the_verb_and_nothing_is_sent() {
        let fake = Fake::new(|_, _| signed(By::PublicKey, 200, "{}"));
        let client = client(&fake);
        let chain = client.chain(PATH);
        let name = "user_card_code";
        let broken = std::collections::HashMap::from([((1, 2), 3)]);
        let cases = [
            (chain.clone(), "no value for {user_card_code}"),
            (chain.param(name, ""), "is empty"),
            (chain.param(name, ".."), "dot segment"),
            (chain.param(name, "."), "dot segment"),
            (client.chain("v3/a/../b"), "dot segment"),
            (
                client.chain("{+path}").param("path", "v3/%2E%2e/b"),
                "dot segment",
            ),
            (client.chain("v3/{a"), "unbalanced braces"),
            (client.chain("v3/{}"), "without a name"),
            (chain.query(5), "not a flat list of pairs"),
            (chain.json(broken), "cannot be written as JSON"),
        ];
        for (chain, words) in cases {
            let error = chain.patch().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Request);
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.may_have_taken_effect() && !error.is_retryable());
            assert!(
                error
                    .get_ref()
                    .unwrap()
                    .is::<kabao_core::call::BuildError>()
            );
        }
        assert_eq!(fake.count(), 0);
    }

    #[tokio::test]
    async fn a_base_path_is_signed_and_sent() {
        let fake = Fake::new(|_, _| signed(By::PublicKey, 200, "{}"));
        let client = builder(&fake)
            .base_url("https://example.com/hk/")
            .build()
            .unwrap();
        client.chain("v3/x").get().await.unwrap();
        assert_eq!(fake.seen()[0].uri().path(), "/hk/v3/x");
        assert!(crate::testing::is_signed(&fake.seen()[0]));
    }
}
