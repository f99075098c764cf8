use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;

use super::StoreError;
use crate::limits::{RateLimits, Taken};

/// What all processes on one store count together, by real time. It outlives
/// them, but the last of it may be lost with the power.
#[async_trait]
pub trait Shared: fmt::Debug + Send + Sync {
    /// Sets limits for all, or lets each go by its own again, and forgets what
    /// was used up. [`Store::watched`](super::Store::watched) gives them.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn set_rate_limits(&self, limits: Option<&RateLimits>) -> Result<(), StoreError>;

    /// Takes up to `wanted` calls of what a caller is allowed. What was taken is
    /// used up, whether it is used or not, and comes back with time.
    ///
    /// # Errors
    /// [`StoreError`]; whether any were taken is then unknown.
    async fn take_calls(
        &self,
        calls: &Calls,
        wanted: u32,
        real_now: Timestamp,
    ) -> Result<Taken, StoreError>;

    /// Marks a request until then, unless it is marked: of any number of hands
    /// that mark the same, one gets true. Marks that are over by `real_now` do
    /// not count.
    ///
    /// # Errors
    /// [`StoreError`]; whether it was marked is then unknown.
    async fn mark_request(
        &self,
        request: &SignedRequest,
        until: Timestamp,
        real_now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Forgets so many marks that are over. If there were not that many, none is
    /// left.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn sweep_marks(&self, real_now: Timestamp, at_most: u32) -> Result<u64, StoreError>;
}

/// Calls that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Calls {
    /// Who calls, such as `merchant 1900000001`.
    pub owner: String,
    /// What is called.
    pub operation: &'static str,
    /// How often it may be.
    pub per_second: std::num::NonZeroU32,
}

/// A request by what makes it unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// Who sent it, such as `merchant 1900000001`.
    pub owner: String,
    /// Its signature, as sent.
    pub signature: String,
}
