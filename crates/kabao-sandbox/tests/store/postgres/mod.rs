//! The store on PostgreSQL.

mod at_once;
mod at_rest;
mod away;
mod durability;
mod engines;
mod proxy;
mod resets;
mod sandboxes;
mod server;
mod start;
mod tls;
mod unsure;

pub(crate) use server::database;
