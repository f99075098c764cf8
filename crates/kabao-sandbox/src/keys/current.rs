//! The keys as they are now, in a process that is not alone in changing them.
//!
//! Every request works on one snapshot. A snapshot is read anew when
//!
//! - this process has changed a key;
//! - somebody calls or names a key that the snapshot does not know: then another
//!   process may have made it a moment ago;
//! - the store counts another version, which is looked at once a second by
//!   whoever comes first;
//! - the sandbox's clock has passed, in whichever direction, an instant at which
//!   a certificate goes or begins to sign. Only while that is planned does this
//!   cost a look at the clock.

use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use super::{Keys, KeysError};
use crate::{
    clock::{business_time, real_now},
    refusal::Refusal,
    store::{KeyBook, Store, StoreError},
};

/// How long a change by another process may go unseen.
const LOOK: Duration = Duration::from_secs(1);

/// The keys of a store, read again when they change.
#[derive(Debug)]
pub(crate) struct CurrentKeys {
    store: Arc<dyn Store>,
    snapshot: RwLock<Arc<Keys>>,
    looked: Mutex<Instant>,
}

impl CurrentKeys {
    pub(crate) fn new(store: Arc<dyn Store>, keys: Keys) -> Self {
        Self {
            store,
            snapshot: RwLock::new(Arc::new(keys)),
            looked: Mutex::new(Instant::now()),
        }
    }

    /// The keys as they were last read.
    pub(crate) fn snapshot(&self) -> Arc<Keys> {
        // A poisoned lock still holds a whole snapshot.
        let snapshot = self.snapshot.read();
        Arc::clone(&snapshot.unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys as they are, but for what others did within the last second.
    pub(crate) async fn now(&self) -> Arc<Keys> {
        let keys = self.snapshot();
        let is_due = self.is_due();
        match self.is_outdated(&keys, is_due).await {
            Ok(false) => keys,
            Ok(true) => self.read_or_keep(keys).await,
            Err(error) => keep(keys, &error.into()),
        }
    }

    /// The same; and if they do not have what is asked for, as they are at this
    /// very moment.
    pub(crate) async fn having(&self, what: impl Fn(&Keys) -> bool) -> Arc<Keys> {
        let keys = self.now().await;
        if what(&keys) {
            return keys;
        }
        match self.is_outdated(&keys, true).await {
            Ok(false) => keys,
            Ok(true) => self.read_or_keep(keys).await,
            Err(error) => keep(keys, &error.into()),
        }
    }

    /// Lets a rule change the keys, and gives them as they then are. The inner
    /// error is the rule's refusal.
    pub(crate) async fn change(
        &self,
        rule: impl Fn(&mut KeyBook) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Result<Result<Arc<Keys>, Refusal>, KeysError> {
        if let Err(refusal) = self.store.change_keys(Arc::new(rule)).await? {
            return Ok(Err(refusal));
        }
        Ok(Ok(self.read().await?))
    }

    async fn is_outdated(&self, keys: &Keys, looks: bool) -> Result<bool, StoreError> {
        if keys.is_timed() {
            let now = business_time(self.store.clock().await?, real_now());
            if !keys.holds_at(now) {
                return Ok(true);
            }
        }
        Ok(looks && self.store.key_version().await? != keys.version())
    }

    async fn read_or_keep(&self, old: Arc<Keys>) -> Arc<Keys> {
        match self.read().await {
            Ok(keys) => keys,
            Err(error) => keep(old, &error),
        }
    }

    async fn read(&self) -> Result<Arc<Keys>, KeysError> {
        let keys = Arc::new(Keys::load(&*self.store).await?);
        let mut snapshot = self
            .snapshot
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // Two may have read at once, and the older come last.
        if keys.version() >= snapshot.version() {
            *snapshot = Arc::clone(&keys);
        }
        Ok(keys)
    }

    /// Whether it is time to look for changes; if so, it is this caller's turn.
    fn is_due(&self) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = looked.elapsed() >= LOOK;
        if is_due {
            *looked = Instant::now();
        }
        is_due
    }
}

/// Old keys serve better than none; the request will meet what is wrong with the
/// store.
fn keep(keys: Arc<Keys>, error: &KeysError) -> Arc<Keys> {
    tracing::error!(%error, "changed keys could not be read");
    keys
}
