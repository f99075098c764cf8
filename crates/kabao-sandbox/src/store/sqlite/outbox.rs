use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{SqliteStore, statements};
use crate::store::{Attempt, Outbox, Owed, StoreError, Then};

#[async_trait]
impl Outbox for SqliteStore {
    async fn lease_due(
        &self,
        now: Timestamp,
        real_now: Timestamp,
        lease: SignedDuration,
        limit: usize,
    ) -> Result<Vec<Owed>, StoreError> {
        let until = real_now.checked_add(lease).unwrap_or(real_now);
        self.write("leasing notifications", move |db, vault| {
            statements::lease_due(db, vault, now, real_now, until, limit)
        })
        .await
    }

    async fn note_attempt(
        &self,
        leased: &Owed,
        attempt: Attempt,
        then: Then,
    ) -> Result<(), StoreError> {
        let (brand_id, id) = (leased.brand_id.clone(), leased.id.clone());
        let until = leased.leased_until;
        self.write("noting an attempt", move |db, vault| {
            statements::note_attempt(db, vault, [&brand_id, &id], until, attempt, then)
        })
        .await
    }

    async fn next_due(&self, real_now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read("looking for what is due", |db, _| {
            statements::next_due(db, real_now)
        })
    }

    async fn pending(&self) -> Result<u64, StoreError> {
        self.read("counting what is owed", |db, _| statements::pending(db))
    }

    async fn notifications(&self, limit: usize) -> Result<Vec<Owed>, StoreError> {
        self.read("listing notifications", |db, vault| {
            statements::notifications(db, vault, limit)
        })
    }

    async fn notification(&self, id: &str) -> Result<Option<Owed>, StoreError> {
        self.read("reading a notification", |db, vault| {
            statements::notification(db, vault, id)
        })
    }

    async fn redeliver(&self, id: &str, now: Timestamp) -> Result<Option<Owed>, StoreError> {
        let id = id.to_owned();
        self.write("redelivering a notification", move |db, vault| {
            statements::redeliver(db, vault, &id, now)
        })
        .await
    }
}
