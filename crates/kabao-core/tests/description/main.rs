//! `spec/openapi.json`, the description of the API that the sandbox serves, and
//! the types say the same: every member of a request or an answer that the one
//! has, the other has too, in its place, under its name, sealed or not.
//!
//! The types show what they have by what they do with a request or an answer
//! that has every member described ([`instance`]), and by what `Debug` tells of
//! it ([`members::Members`]).

mod answers;
#[path = "../samples/any.rs"]
mod any;
mod enums;
mod events;
mod instance;
#[path = "../samples/members.rs"]
mod members;
mod openapi;
mod operations;
mod requests;
mod schema;
