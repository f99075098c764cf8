use async_trait::async_trait;
use jiff::Timestamp;

use super::{SqliteStore, statements};
use crate::{
    limits::{RateLimits, Taken},
    store::{Calls, FaultRule, OrderedFault, Shared, SignedRequest, StoreError},
};

#[async_trait]
impl Shared for SqliteStore {
    async fn set_rate_limits(&self, limits: Option<&RateLimits>) -> Result<(), StoreError> {
        let limits = limits.cloned();
        self.write("setting rate limits", move |db, _| {
            statements::set_rate_limits(db, limits.as_ref())
        })
        .await
    }

    async fn take_calls(
        &self,
        calls: &Calls,
        wanted: u32,
        real_now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let calls = calls.clone();
        let take = move |db: &_| statements::take_calls(db, &calls, wanted, real_now);
        self.write_lightly("counting calls", take).await
    }

    async fn mark_request(
        &self,
        request: &SignedRequest,
        until: Timestamp,
        real_now: Timestamp,
    ) -> Result<bool, StoreError> {
        let request = request.clone();
        let mark = move |db: &_| statements::mark_request(db, &request, until, real_now);
        self.write_lightly("marking a request", mark).await
    }

    async fn sweep_marks(&self, real_now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        let sweep = move |db: &_| statements::sweep_marks(db, real_now, at_most);
        self.write_lightly("forgetting marks", sweep).await
    }

    async fn change_faults(
        &self,
        rule: FaultRule,
    ) -> Result<(bool, Vec<OrderedFault>), StoreError> {
        self.write("changing faults", move |db, _| {
            let before = statements::faults(db)?;
            let mut after = before.clone();
            let said = rule(&mut after);
            if after != before {
                statements::set_faults(db, &after)?;
            }
            Ok((said, after))
        })
        .await
    }
}
