//! The sandbox through its socket, spoken to by hand: what a client library
//! would never send can be sent here.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a test fails where it panics"
)]

mod activities;
mod caller;
mod callers;
mod card_changes;
mod card_forms;
mod cards;
mod clock;
mod confirm;
mod control;
mod control_token;
mod exchange;
mod faults;
mod feeds;
mod gate;
mod imports;
mod keys;
mod limits;
mod log;
mod metrics;
mod notifications;
mod order;
mod outbox;
mod pictures;
mod points;
mod processes;
mod rate_limits;
mod receiver;
mod snapshot;
mod strangers;
mod support;
mod switches;
mod tokens;
mod told;
mod user_card_states;
mod user_cards;
mod users;
mod verdicts;
