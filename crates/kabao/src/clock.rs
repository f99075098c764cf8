//! The one place that reads the system's clock.

use std::fmt;

use jiff::Timestamp;

/// Tells the time that goes into signatures and that answers are held against.
/// Replaceable, for tests and for machines whose clock is known to be off.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock module that the lint points to"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
