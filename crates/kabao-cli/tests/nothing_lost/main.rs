//! What was acknowledged stays: the real binary killed two hundred times on
//! each store, on a disk that runs full, and where it may not write.
#![cfg(all(unix, feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod access;
mod cast;
mod disk;
mod full_disk;
mod kept;
mod kills;
mod process;
mod receiver;
mod refused;
mod users;
mod writers;
mod written;

#[path = "../../../kabao-sandbox/tests/store/postgres/server.rs"]
#[allow(dead_code, reason = "made for another test binary")]
mod server;
