//! The real binary, as a user would run it: in a home of its own, without a
//! terminal.

mod activities;
mod brands;
mod call;
mod cards;
mod clock;
mod control_token;
#[cfg(target_os = "linux")]
mod crowds;
mod documented;
mod faults;
mod feeds;
mod images;
mod keys;
mod lists;
mod main_job;
mod mistakes;
mod packages;
mod played;
mod points;
mod privacy;
mod profiles;
mod seed;
mod serve;
mod service;
mod snapshot;
mod steering;
mod together;
mod tokens;
mod user_cards;
mod world;
