//! kabao-sandbox (being assembled)
pub mod domain;
pub mod keys;
pub mod refusal;
pub mod store;
