use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{PostgresStore, Races, statements, told};
use crate::store::{Attempt, Outbox, Owed, StoreError, Then};

#[async_trait]
impl Outbox for PostgresStore {
    async fn lease_due(
        &self,
        now: Timestamp,
        real_now: Timestamp,
        lease: SignedDuration,
        limit: usize,
    ) -> Result<Vec<Owed>, StoreError> {
        let until = real_now.checked_add(lease).unwrap_or(real_now);
        let leased = async {
            let mut session = self.session().await?;
            let mut races = Races::default();
            loop {
                let vault = &self.vault;
                let leased =
                    statements::lease_due(&mut session, vault, now, real_now, until, limit);
                match leased.await {
                    Ok(leased) => return Ok(leased),
                    Err(trouble) => races.go_on_after(trouble, &session).await?,
                }
            }
        };
        told("leasing notifications", leased.await)
    }

    async fn note_attempt(
        &self,
        leased: &Owed,
        attempt: Attempt,
        then: Then,
    ) -> Result<(), StoreError> {
        let noted = async {
            let mut session = self.session().await?;
            let mut races = Races::default();
            loop {
                let vault = &self.vault;
                let noted = statements::note_attempt(&mut session, vault, leased, &attempt, then);
                match noted.await {
                    Ok(()) => return Ok(()),
                    Err(trouble) => races.go_on_after(trouble, &session).await?,
                }
            }
        };
        told("noting an attempt", noted.await)
    }

    async fn next_due(&self, real_now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let read = async { statements::next_due(&mut self.session().await?, real_now).await };
        told("looking for what is due", read.await)
    }

    async fn pending(&self) -> Result<u64, StoreError> {
        let read = async { statements::pending(&mut self.session().await?).await };
        told("counting what is owed", read.await)
    }

    async fn notifications(&self, limit: usize) -> Result<Vec<Owed>, StoreError> {
        let read = async {
            let mut session = self.session().await?;
            statements::notifications(&mut session, &self.vault, limit).await
        };
        told("listing notifications", read.await)
    }

    async fn notification(&self, id: &str) -> Result<Option<Owed>, StoreError> {
        let read = async {
            let mut session = self.session().await?;
            statements::notification(&mut session, &self.vault, id).await
        };
        told("reading a notification", read.await)
    }

    async fn redeliver(&self, id: &str, now: Timestamp) -> Result<Option<Owed>, StoreError> {
        let made_due = async {
            let mut session = self.session().await?;
            let mut races = Races::default();
            loop {
                match statements::redeliver(&mut session, &self.vault, id, now).await {
                    Ok(found) => return Ok(found),
                    Err(trouble) => races.go_on_after(trouble, &session).await?,
                }
            }
        };
        told("redelivering a notification", made_due.await)
    }
}
