//! The real binary, as a user would run it: in a home of its own, without a
//! terminal.

mod call;
mod main_job;
mod mistakes;
mod privacy;
mod profiles;
mod serve;
mod together;
mod world;
