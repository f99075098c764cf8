//! The SDK on a real sandbox, over real HTTP.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a test fails where it panics"
)]

mod blocking;
mod keys;
mod members;
mod membership;
mod notifications;
mod support;
mod trouble;
mod twelve_calls;
mod user_cards;
