use async_trait::async_trait;
use jiff::Timestamp;

use super::{PATIENCE, PostgresStore, Races, Trouble, statements, told};
use crate::{
    limits::{RateLimits, Taken},
    store::{Calls, FaultRule, OrderedFault, Shared, SignedRequest, StoreError, failure::caught},
};

impl PostgresStore {
    async fn try_change_faults(
        &self,
        rule: &FaultRule,
    ) -> Result<(bool, Vec<OrderedFault>), Trouble> {
        let mut session = self.session().await?;
        let mut races = Races::default();
        loop {
            let text = statements::faults(&mut session).await?;
            let before = statements::faults_of(text.as_deref())?;
            let mut after = before.clone();
            let said = caught(|| Ok(rule(&mut after)))?;
            if after == before {
                return Ok((said, after));
            }
            let swap = [statements::swap_faults(text.as_deref(), &after)?];
            match session.save(&swap).await {
                Ok(()) => return Ok((said, after)),
                Err(trouble) => races.go_on_after(trouble, &session).await?,
            }
        }
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
        let taken = async {
            let mut session = self.session().await?;
            let mut races = Races::default();
            loop {
                match statements::take_calls(&mut session, calls, wanted, real_now).await {
                    Ok(taken) => return Ok(taken),
                    Err(trouble) => races.go_on_after(trouble, &session).await?,
                }
            }
        };
        told("counting calls", taken.await)
    }

    async fn mark_request(
        &self,
        request: &SignedRequest,
        until: Timestamp,
        real_now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mark = statements::mark_request(request, until, real_now);
        let marked = async {
            let mut session = self.session().await?;
            let mut races = Races::default();
            loop {
                match session.change(&mark).await {
                    Ok(found) => return Ok(found == 1),
                    Err(trouble) => races.go_on_after(trouble, &session).await?,
                }
            }
        };
        told("marking a request", marked.await)
    }

    async fn sweep_marks(&self, real_now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        let sweep = statements::sweep_marks(real_now, at_most);
        let swept = async {
            let mut session = self.session().await?;
            let mut races = Races::default();
            loop {
                match session.change(&sweep).await {
                    Ok(swept) => return Ok(swept),
                    Err(trouble) => races.go_on_after(trouble, &session).await?,
                }
            }
        };
        told("forgetting marks", swept.await)
    }

    async fn change_faults(
        &self,
        rule: FaultRule,
    ) -> Result<(bool, Vec<OrderedFault>), StoreError> {
        told("changing faults", self.try_change_faults(&rule).await)
    }
}
