//! The WeChat Pay API v3 protocol in both directions, and the wire types of the
//! member-card product.
//!
//! What a client signs a server verifies, what one seals the other opens; each
//! pair stands in one file here, so that the SDK and the sandbox cannot drift
//! apart. Nothing in this crate opens a socket, reads a clock or invents a
//! nonce: time and nonces are arguments. (Sealing alone draws randomness, inside
//! the cryptographic library.)
//!
//! | to | see |
//! |---|---|
//! | sign or check a request | [`message`], [`authorization`], [`signature`] |
//! | check an answer or a notification | [`answer`], [`keyring`] |
//! | load keys and certificates | [`keys`], [`certificate`], [`secret`] |
//! | seal and open single values | [`sensitive`] |
//! | open certificate lists and notifications | [`resource`], [`certificate_list`], [`notification`] |
//! | build a request to any endpoint | [`template`], [`query`], [`call`] |
//! | the member-card product | [`card_member`] |

pub mod answer;
pub mod authorization;
pub mod call;
pub mod card_member;
pub mod certificate;
pub mod certificate_list;
pub mod error_body;
pub mod extra;
pub mod field;
pub mod keyring;
pub mod keys;
pub mod message;
pub mod notification;
mod open_enum;
pub mod operation;
pub mod query;
pub mod resource;
pub mod secret;
pub mod sensitive;
pub mod signature;
pub mod target;
pub mod template;
pub mod time;

pub use card_member::{UserCard, UserCardChange, UserCardKey};
pub use keys::{PrivateKey, PublicKey};
pub use secret::ApiV3Key;
pub use sensitive::{Sealed, Sensitive};
