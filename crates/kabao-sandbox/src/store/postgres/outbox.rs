use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{PATIENCE, PostgresStore, statements, told, until_won};
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
        let leased = until_won!(self, PATIENCE, |session| {
            statements::lease_due(session, &self.vault, now, real_now, until, limit).await
        });
        told("leasing notifications", leased)
    }

    async fn note_attempt(
        &self,
        leased: &Owed,
        attempt: Attempt,
        then: Then,
    ) -> Result<(), StoreError> {
        let noted = until_won!(self, PATIENCE, |session| {
            statements::note_attempt(session, &self.vault, leased, &attempt, then).await
        });
        told("noting an attempt", noted)
    }

    async fn next_due(&self, real_now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let read = until_won!(self, PATIENCE, |session| {
            statements::next_due(session, real_now).await
        });
        told("looking for what is due", read)
    }

    async fn pending(&self) -> Result<u64, StoreError> {
        let read = until_won!(self, PATIENCE, |session| statements::pending(session).await);
        told("counting what is owed", read)
    }

    async fn notifications(&self, limit: usize) -> Result<Vec<Owed>, StoreError> {
        let read = until_won!(self, PATIENCE, |session| {
            statements::notifications(session, &self.vault, limit).await
        });
        told("listing notifications", read)
    }

    async fn notification(&self, id: &str) -> Result<Option<Owed>, StoreError> {
        let read = until_won!(self, PATIENCE, |session| {
            statements::notification(session, &self.vault, id).await
        });
        told("reading a notification", read)
    }

    async fn redeliver(&self, id: &str, now: Timestamp) -> Result<Option<Owed>, StoreError> {
        let made_due = until_won!(self, PATIENCE, |session| {
            statements::redeliver(session, &self.vault, id, now).await
        });
        told("redelivering a notification", made_due)
    }
}
