//! WeChat Pay API v3 for Rust, member cards first.
//!
//! Requests are signed, sensitive values sealed, every answer is verified and
//! opened. The most used product is typed; any other endpoint is reached by its
//! path.
//!
//! ```no_run
//! use kabao::{Client, Merchant, PrivateKey, card_member::{
//!     ListUserCards, UserCardChange, UserCardImport, UserCardKey, ValidDateInformation,
//! }};
//!
//! # async fn f() -> Result<(), Box<dyn std::error::Error>> {
//! let key = PrivateKey::from_pem(std::fs::read("apiclient_key.pem")?)?;
//! let client = Client::builder(Merchant::new("1900000001", "5157F09EFDC096DE15EBE81A47057A72", key))
//!     .wechatpay_public_key("PUB_KEY_ID_0114", std::fs::read("pub_key.pem")?)
//!     .build()?;
//!
//! // Read a card, and change it.
//! let (card_id, openid) = ("pbLatjvWOibDc5-TBnbUk1pD12o0", "obLatjnx9gnqzS4myYGmLZ7LgLBA");
//! let cards = client.card_member_for("1004").user_cards();
//! let key = UserCardKey::new("478515832665", card_id, openid);
//! let card = cards.get(&key).await?;
//! println!("{:?} {:?}", card.level, card.phone_number.as_ref().map(|phone| phone.expose()));
//! cards.update(&key, UserCardChange::new().level("钻石会员")).await?;
//!
//! // Take over a member from elsewhere; the phone number leaves sealed.
//! let import = UserCardImport::new(card_id, "478515832666", ValidDateInformation::permanent())
//!     .phone_number("13800138000");
//! cards.import_by_openid("obLatjnx9gnqzS4myYGmLZ7LgLBB", import).await?;
//!
//! // All cards of a user, however many pages they take.
//! let mut rows = cards.stream(ListUserCards::of(openid));
//! while let Some(card) = rows.next().await {
//!     println!("{}", card?.user_card_code);
//! }
//! # Ok(()) }
//! ```
//!
//! # Where next
//!
//! | to | see |
//! |---|---|
//! | set up a client: keys, host, timeouts, retries | [`ClientBuilder`] |
//! | call as a brand | [`Brand`], [`Client::card_member`] |
//! | work with member cards | [`card_member`] |
//! | take notifications | [`notification`], [`Client::notifications`] |
//! | call any other endpoint | [`Client::chain`], [`chain!`] |
//! | decide what to do about a failure | [`Error`] |
//! | keep the private key elsewhere | [`Merchant::with_signer`], [`core::signature::Signer`] |
//! | use another HTTP stack, or none in tests | [`transport`] |
//! | call without `async` | `kabao::blocking`, feature `blocking` |
//! | sign and verify by yourself | [`core`] |
//!
//! # What is promised
//!
//! - An answer, a good one or an error, reaches you verified. What WeChat Pay
//!   does not sign is told apart: [`ErrorKind::SignatureRefused`],
//!   [`ErrorKind::Gateway`], [`Unverified`].
//! - A [`Sensitive`] value does not serialise, so it cannot leave in plaintext
//!   by mistake, and no secret shows in `Debug`.
//! - What is signed is what is sent: nothing on the way rewrites path or query.
//! - Only what may be repeated is, and [`Error::may_have_taken_effect`] says
//!   whether to ask before trying again.
//!
//! # Features
//!
//! - `blocking`: the same surface without `async`, in `kabao::blocking`.
//! - `axum`: a notification as a handler's argument; see [`notification`].
//!
//! Events for the crate `tracing` have the target `kabao`; they carry no values
//! of requests and answers.

mod answer;
mod auth;
#[cfg(feature = "blocking")]
pub mod blocking;
pub mod card_member;
mod chain;
pub mod client;
pub mod clock;
pub mod error;
pub mod notification;
#[cfg(test)]
mod testing;
pub mod transport;

pub use self::{
    answer::{Answer, Unverified},
    auth::{Brand, Credentials, Merchant},
    chain::Chain,
    client::{Client, ClientBuilder, RetryPolicy},
    error::{Error, ErrorKind, Result},
};
pub use http::{HeaderMap, StatusCode};
pub use kabao_core as core;
#[doc(no_inline)]
pub use kabao_core::{ApiV3Key, PrivateKey, Sensitive};
