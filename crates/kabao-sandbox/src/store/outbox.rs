//! Notifications that are owed: written in the transaction that causes them,
//! delivered by whichever process leases them first, at least once.

use std::fmt;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use kabao_core::signature::Scheme;
use serde::{Deserialize, Serialize};

use super::StoreError;

/// One notification and what has become of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Owed {
    /// The tenant: the brand; of a self-test that belongs to no brand, the
    /// caller.
    pub brand_id: String,
    /// A UUID as text, 36 characters, the same on every attempt.
    pub id: String,
    /// The template, if it is about one.
    pub card_id: Option<String>,
    /// The full name, such as `BRAND_MEMBER_CARD_SP.USER_CARD.CREATE`.
    pub event_type: String,
    /// Where it goes.
    pub notify_url: String,
    /// The envelope's JSON, complete, the same on every attempt. Sealed at
    /// rest.
    pub body: Vec<u8>,
    /// With [`identity`](Self::identity): whose keys sign it, and which names
    /// it uses.
    pub scheme: Scheme,
    /// The receiver's mchid or brand id.
    pub identity: String,
    /// When it happened, by the sandbox's clock, to the millisecond.
    pub create_time: Timestamp,
    /// Where it stands.
    pub state: OwedState,
    /// Every attempt so far, oldest first. Sealed at rest.
    pub attempts: Vec<Attempt>,
    /// When it is due, by the sandbox's clock; `None` once it is at rest.
    pub next_attempt: Option<Timestamp>,
    /// Until when, in real time, somebody is at it.
    pub leased_until: Option<Timestamp>,
}

impl fmt::Debug for Owed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Owed")
            .field("brand_id", &self.brand_id)
            .field("id", &self.id)
            .field("event_type", &self.event_type)
            .field("state", &self.state)
            .field("attempts", &self.attempts.len())
            .field("next_attempt", &self.next_attempt)
            .finish_non_exhaustive()
    }
}

/// Where a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OwedState {
    /// There will be another attempt.
    Pending,
    /// The receiver has taken it.
    Delivered,
    /// The retry clock has run out.
    Failed,
}

impl OwedState {
    /// The name in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Delivered => "DELIVERED",
            Self::Failed => "FAILED",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == name)
    }
}

/// One attempt to deliver a notification. `Debug` leaves out why it failed, for
/// the receiver's own words may tell of a person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When, by the sandbox's clock, as RFC 3339.
    pub time: kabao_core::time::Time,
    /// What the receiver answered, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why it counts as failed; `None` if the receiver has taken it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("time", &self.time)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Nothing: the receiver has taken it.
    Delivered,
    /// Nothing: the retry clock has run out.
    GiveUp,
    /// Another attempt at this time of the sandbox's clock.
    Again(Timestamp),
}

impl Then {
    /// The state that it leaves behind.
    #[must_use]
    pub const fn state(self) -> OwedState {
        match self {
            Self::Delivered => OwedState::Delivered,
            Self::GiveUp => OwedState::Failed,
            Self::Again(_) => OwedState::Pending,
        }
    }

    /// When it is due next.
    #[must_use]
    pub const fn next_attempt(self) -> Option<Timestamp> {
        match self {
            Self::Again(at) => Some(at),
            Self::Delivered | Self::GiveUp => None,
        }
    }
}

/// The part of a store that delivers. Entries come in through
/// [`Workspace::owe`](super::Workspace::owe).
#[async_trait]
pub trait Outbox {
    /// Takes up to `limit` entries that are due at `now` (sandbox clock) and
    /// that nobody is at, the longest due first, and keeps them from everybody
    /// else until `lease` from `real_now` has passed. Whoever dies over one
    /// leaves it to the next.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn lease_due(
        &self,
        now: Timestamp,
        real_now: Timestamp,
        lease: SignedDuration,
        limit: usize,
    ) -> Result<Vec<Owed>, StoreError>;

    /// Notes how an attempt at an entry went, as it was leased. What follows counts,
    /// and ends the lease, if that lease is still the entry's: who was too slow
    /// neither ends the lease of whoever came after nor undoes what they achieved.
    /// An entry that is to be redelivered stays due; one that is gone (the sandbox
    /// was reset) stays gone.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn note_attempt(
        &self,
        leased: &Owed,
        attempt: Attempt,
        then: Then,
    ) -> Result<(), StoreError>;

    /// When, by the sandbox's clock, the next entry is due that nobody is at in
    /// `real_now`; `None` if nothing is to be done.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn next_due(&self, real_now: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// How many entries are pending.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn pending(&self) -> Result<u64, StoreError>;

    /// The latest entries, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn notifications(&self, limit: usize) -> Result<Vec<Owed>, StoreError>;

    /// One entry by its id alone.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn notification(&self, id: &str) -> Result<Option<Owed>, StoreError>;

    /// Makes an entry due at `now`, whatever has become of it, and gives it as
    /// it is then; `None` if there is none. While somebody is at it, it stays
    /// with them, and is due once they have ended, however their attempt goes.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn redeliver(&self, id: &str, now: Timestamp) -> Result<Option<Owed>, StoreError>;
}
