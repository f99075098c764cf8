//! The stores, from outside.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod at_once;
mod at_rest;
mod child;
mod contract;
mod damage;
mod durability;
mod place;
