//! Who calls, and whom to believe.

mod credentials;
mod keyring;
mod platform_keys;

pub(crate) use credentials::Identity;
pub use credentials::{Brand, Credentials, Merchant};
pub(crate) use keyring::keyring;
pub(crate) use platform_keys::{PlatformKeys, State};
