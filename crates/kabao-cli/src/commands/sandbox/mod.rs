//! `kabao sandbox`: running one, and steering one that runs.

pub(crate) mod clock;
pub(crate) mod notifications;
pub(crate) mod serve;
pub(crate) mod user;
