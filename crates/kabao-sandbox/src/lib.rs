//! A WeChat Pay API v3 server for tests, on this machine.
//!
//! WeChat Pay has no sandbox for v3. This is one: it keeps state, checks every
//! signature over the raw bytes, opens sealed fields and seals its own, signs
//! its answers with the key that the request asks for, keeps the documented rate
//! limits and refuses what the real service refuses, in the same form. What
//! happens is told to the `notify_url` of whom it concerns, signed and encrypted,
//! until it is taken ([`NotificationSettings`]). Any language's SDK works against
//! it unchanged but for the address.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use kabao_sandbox::Sandbox;
//!
//! // A free port, an empty memory, fresh keys, the sample member's card.
//! let sandbox = Sandbox::start().await?;
//! println!("{}", sandbox.base_url());
//! println!("{}", sandbox.credentials().merchant.mchid);
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("a sandbox needs a store: the feature `sqlite` or `postgres`");

mod app;
mod aside;
mod authenticate;
mod bounds;
mod clock;
mod control;
pub mod credentials;
mod current;
pub mod domain;
mod faults;
pub mod folder;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gate;
mod intake;
mod journal;
pub mod keys;
mod limits;
mod metrics;
mod multipart;
mod notify;
mod operations;
mod outage;
mod random;
pub mod refusal;
mod replay;
mod routes;
pub mod sample;
mod sandbox;
pub mod seed;
mod server;
pub mod store;
mod switches;
pub mod tls;
mod to_the_end;
mod turns;
pub mod vault;
mod verdict;
mod wire;

pub use control::ControlTokenError;
pub use credentials::Credentials;
pub use limits::{LimitTable, RateLimits};
pub use notify::NotificationSettings;
pub use sandbox::{Sandbox, SandboxBuilder, StartError};
pub use seed::Seed;
pub use switches::{SwitchError, Switches};
