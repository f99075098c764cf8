use async_trait::async_trait;
use jiff::Timestamp;

use super::{PATIENCE, PostgresStore, Races, statements, told};
use crate::{
    limits::{RateLimits, Taken},
    store::{Calls, Shared, SignedRequest, StoreError},
};

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
        let mark = [statements::mark_request(request, until, real_now)];
        let marked = async {
            let mut session = self.session().await?;
            let mut races = Races::default();
            loop {
                match session.each(&mark).await {
                    Ok(found) => return Ok(found == [1]),
                    Err(trouble) => races.go_on_after(trouble, &session).await?,
                }
            }
        };
        told("marking a request", marked.await)
    }

    async fn sweep_marks(&self, real_now: Timestamp, at_most: u32) -> Result<u64, StoreError> {
        let sweep = [statements::sweep_marks(real_now, at_most)];
        let swept = async {
            let mut session = self.session().await?;
            let mut races = Races::default();
            loop {
                match session.each(&sweep).await {
                    Ok(swept) => return Ok(swept.into_iter().sum()),
                    Err(trouble) => races.go_on_after(trouble, &session).await?,
                }
            }
        };
        told("forgetting marks", swept.await)
    }
}
