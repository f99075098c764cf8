use std::{fmt, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StoreError;
use crate::limits::{RateLimits, Taken};

/// What all processes on one store do together, besides the product. It outlives
/// them, but of what is counted by real time the last may be lost with the power.
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

    /// Lets a rule change the faults that are ordered, in one transaction. Gives
    /// what it said, and what is ordered then. If it leaves all as it was, nothing
    /// is written. [`Store::watched`](super::Store::watched) gives them; a reset
    /// calls them off.
    ///
    /// # Errors
    /// [`StoreError`]; whether it was applied is then unknown.
    async fn change_faults(&self, rule: FaultRule)
    -> Result<(bool, Vec<OrderedFault>), StoreError>;
}

/// A change of the faults that are ordered. What it says of it is handed on. It
/// may be run several times, the last of which counts.
pub type FaultRule = Arc<dyn Fn(&mut Vec<OrderedFault>) -> bool + Send + Sync>;

/// A fault that is ordered, as `docs/faults.md` describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedFault {
    /// Random: it tells orders apart that say the same.
    pub id: u64,
    /// The order, as it would be given for what is left of it. A newer version
    /// may have given one that this version does not understand.
    pub order: Value,
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
