use async_trait::async_trait;
use jiff::Timestamp;

use super::{PATIENCE, PostgresStore, Trouble, statements, told, until_won};
use crate::{
    limits::{RateLimits, Taken},
    store::{Calls, FaultRule, OrderedFault, Shared, SignedRequest, StoreError, failure::caught},
};

impl PostgresStore {
    async fn try_change_faults(
        &self,
        rule: &FaultRule,
    ) -> Result<(bool, Vec<OrderedFault>), Trouble> {
        until_won!(self, PATIENCE, |session| {
            let text = statements::faults(session).await?;
            let before = statements::faults_of(text.as_deref())?;
            let mut after = before.clone();
            let said = caught(|| Ok(rule(&mut after)))?;
            if after != before {
                let swap = statements::swap_faults(text.as_deref(), &after)?;
                session.save(&[swap]).await?;
            }
            Ok((said, after))
        })
    }
}

#[async_trait]
impl Shared for PostgresStore {
    async fn set_rate_limits(&self, limits: Option<&RateLimits>) -> Result<(), StoreError> {
        let set = async {
            let writes = statements::set_rate_limits(limits)?;
            self.save(PATIENCE, &writes).await
        };
        told("setting rate limits", set.await)
    }

    async fn take_calls(
        &self,
        calls: &Calls,
        wanted: u32,
        real_now: Timestamp,
    ) -> Result<Taken, StoreError> {
        let taken = until_won!(self, PATIENCE, |session| {
            statements::take_calls(session, calls, wanted, real_now).await
        });
        told("counting calls", taken)
    }

    async fn mark_request(
        &self,
        request: &SignedRequest,
        until: Timestamp,
        real_now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mark = statements::mark_request(request, until, real_now);
        let marked = until_won!(self, PATIENCE, |session| session.change(&mark).await);
        told("marking a request", marked.map(|found| found == 1))
    }

    async fn sweep_marks(&self, real_now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        let sweep = statements::sweep_marks(real_now, at_most);
        let swept = until_won!(self, PATIENCE, |session| session.change(&sweep).await);
        told("forgetting marks", swept)
    }

    async fn change_faults(
        &self,
        rule: FaultRule,
    ) -> Result<(bool, Vec<OrderedFault>), StoreError> {
        told("changing faults", self.try_change_faults(&rule).await)
    }
}
