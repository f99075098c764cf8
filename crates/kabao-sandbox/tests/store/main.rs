//! The stores, from outside.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod at_once;
mod at_rest;
mod checkpoint;
mod child;
mod contract;
mod damage;
mod durability;
mod migration;
mod place;
#[cfg(all(unix, feature = "postgres"))]
mod postgres;
#[cfg(all(unix, feature = "postgres"))]
#[path = "../it/receiver.rs"]
#[allow(dead_code, unreachable_pub, reason = "made for another test binary")]
mod receiver;
mod snapshot;
#[cfg(all(unix, feature = "postgres"))]
#[path = "../it/support.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "made for another test binary"
)]
mod support;
#[cfg(all(unix, feature = "postgres"))]
mod together;
