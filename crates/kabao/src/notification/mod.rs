//! Notifications: what WeChat Pay posts to a `notify_url`.
//!
//! A [`Receiver`] takes the headers and the raw bytes of a post from any
//! framework and gives a [`Delivery`] with a typed [`Event`]:
//!
//! ```no_run
//! use kabao::{Client, notification::{Ack, Delivery, Event, Receiver}};
//!
//! # async fn f(client: Client) -> kabao::Result<()> {
//! // Shares the client's keys, downloads included.
//! let receiver = client.notifications("0123456789abcdef0123456789abcdef").build()?;
//! # Ok(()) }
//!
//! async fn post(receiver: &Receiver, headers: &http::HeaderMap, body: &[u8]) -> http::Response<String> {
//!     let ack = match receiver.receive(headers, body).await {
//!         Ok(delivery) => handle(delivery).await,
//!         Err(error) => error.ack(),
//!     };
//!     ack.into()
//! }
//!
//! async fn handle(delivery: Delivery) -> Ack {
//!     match delivery.event {
//!         Event::UserCardCreated(card) => println!("confirm {:?}", card.key()),
//!         Event::SyncUserPoint(sync) => println!("sync {:?}", sync.key()),
//!         _ => {}
//!     }
//!     Ack::success()
//! }
//! ```
//!
//! # What is checked
//!
//! In this order; each step sees only what passed the one before.
//!
//! 1. The signature headers are there, the type is known, the time is within
//!    five minutes of the clock.
//! 2. The signature fits the raw bytes, under one of WeChat Pay's keys.
//! 3. The body is a notification, and its resource opens with the APIv3 key.
//! 4. The event is what its type promises. Values that are sealed once more are
//!    opened with the private key; one that does not open is kept as it came
//!    ([`Sensitive::is_opened`](crate::Sensitive::is_opened)).
//! 5. It is no replay.
//!
//! # Replays and redeliveries
//!
//! WeChat Pay posts again what was not acknowledged, and may post the same twice
//! at once. Such a redelivery has the same [`id`](Delivery::id) under a fresh
//! signature; it is taken, and [`seen_before`](Delivery::seen_before) says so.
//! That is a hint, not a lock: the first time may have failed half-way, so ask
//! the business's own state.
//!
//! The very same signed message a second time is no redelivery. Within the five
//! minutes that its signature holds it is refused as
//! [`Replayed`](NotificationError::Replayed), by a [`ReplayStore`]; later, as
//! outdated. (A proxy in front that repeats a post on its own looks the same.
//! Nothing is lost: the failure makes WeChat Pay post it again.)
//!
//! # With axum
//!
//! With the feature `axum`, [`Delivery`] is an extractor over a state that has a
//! [`Receiver`], and [`Ack`] an answer. What is refused never reaches the
//! handler.
//!
#![cfg_attr(feature = "axum", doc = "```no_run")]
#![cfg_attr(not(feature = "axum"), doc = "```text")]
//! use axum::{Router, routing::post};
//! use kabao::notification::{Ack, Delivery, Receiver};
//!
//! async fn notified(delivery: Delivery) -> Ack {
//!     println!("{delivery}");
//!     Ack::success()
//! }
//!
//! fn app(receiver: Receiver) -> Router {
//!     Router::new().route("/notify", post(notified)).with_state(receiver)
//! }
//! ```

mod ack;
#[cfg(feature = "axum")]
mod axum;
mod builder;
mod delivery;
mod error;
mod headers;
mod receiver;
mod replay;
#[cfg(test)]
mod tests;

pub use self::{
    ack::Ack,
    builder::ReceiverBuilder,
    delivery::Delivery,
    error::NotificationError,
    headers::Headers,
    receiver::Receiver,
    replay::{Mark, Marking, MemoryReplayStore, ReplayStore, ReplayStoreError},
};
#[doc(no_inline)]
pub use kabao_core::{
    card_member::{PointCoupon, SyncUserPoint, UserCardEvent, UserCardEventState},
    notification::{Event, EventError, EventKind, SecurityEcho, UnknownEvent},
};
