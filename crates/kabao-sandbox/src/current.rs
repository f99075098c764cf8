//! What a process that is not alone on its store goes by: the keys, limits that
//! were set, faults that are ordered.
//!
//! Every request works on one snapshot of the keys. What others have changed is
//! looked for in one small read, and the keys are read again if theirs are of
//! another version. It is done
//!
//! - once a second, by whoever comes first; others meanwhile go on with what is
//!   known, if that is not from long ago;
//! - when this process has changed something, and when somebody calls or names a
//!   key that is not known: then another process may have made it a moment ago;
//! - when the sandbox's clock, as it was last seen, has passed an instant at which
//!   a certificate ends or takes over, in whichever direction.
//!
//! One look at a time: it serves all who came before it began.

use std::sync::{Arc, PoisonError, RwLock};

use tokio::time::Instant;

use crate::{
    app::failed,
    clock::{business_time, real_now},
    faults::Faults,
    keys::{Keys, KeysError},
    limits::RateLimits,
    refusal::Refusal,
    store::{ClockSetting, KeyBook, Store},
    turns::Looks,
};

/// What is known of what any process may change.
#[derive(Debug)]
pub(crate) struct Current {
    store: Arc<dyn Store>,
    keys: RwLock<Arc<Keys>>,
    limits: RwLock<Option<RateLimits>>,
    clock: RwLock<ClockSetting>,
    faults: Arc<Faults>,
    looks: Looks,
}

impl Current {
    /// These keys, and no faults, until the first look.
    pub(crate) fn new(store: Arc<dyn Store>, keys: Keys, faults: Arc<Faults>) -> Self {
        Self {
            store,
            keys: RwLock::new(Arc::new(keys)),
            limits: RwLock::default(),
            clock: RwLock::default(),
            faults,
            looks: Looks::default(),
        }
    }

    /// The keys as they were last read.
    pub(crate) fn known_keys(&self) -> Arc<Keys> {
        // A poisoned lock still holds a whole snapshot.
        let keys = self.keys.read();
        Arc::clone(&keys.unwrap_or_else(PoisonError::into_inner))
    }

    /// The keys as they are, but for what others did within the last second.
    ///
    /// # Errors
    /// What to answer if the store does not say; whoever can goes on with those
    /// that are known.
    pub(crate) async fn keys(&self) -> Result<Arc<Keys>, Refusal> {
        self.keys_having(|_| true).await
    }

    /// The same; and if they do not have what is asked for, as they are at this
    /// very moment.
    ///
    /// # Errors
    /// As [`keys`](Self::keys).
    pub(crate) async fn keys_having(
        &self,
        what: impl Fn(&Keys) -> bool,
    ) -> Result<Arc<Keys>, Refusal> {
        let came = Instant::now();
        self.looks.lately(self.see(&mut None)).await?;
        let keys = self.known_keys();
        let clock = *self.clock.read().unwrap_or_else(PoisonError::into_inner);
        if keys.holds_at(business_time(clock, real_now())) && what(&keys) {
            return Ok(keys);
        }
        self.looks.since(came, self.see(&mut None)).await?;
        Ok(self.known_keys())
    }

    /// Lets a rule change the keys, and gives them as they then are. The inner
    /// error is the rule's refusal.
    pub(crate) async fn change_keys(
        &self,
        rule: impl Fn(&mut KeyBook) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> Result<Result<Arc<Keys>, Refusal>, KeysError> {
        if let Err(refusal) = self.store.change_keys(Arc::new(rule)).await? {
            return Ok(Err(refusal));
        }
        let mut unusable = None;
        let see = self.see(&mut unusable);
        let seen = self.looks.since(Instant::now(), see).await;
        match unusable {
            None => Ok(seen.map(|()| self.known_keys())),
            Some(error) => Err(error),
        }
    }

    /// Shows the limits that were set for all, if any were.
    pub(crate) fn set_limits<T>(&self, show: impl FnOnce(Option<&RateLimits>) -> T) -> T {
        let limits = self.limits.read().unwrap_or_else(PoisonError::into_inner);
        show(limits.as_ref())
    }

    /// Looks now: everything that was saved before is known after it.
    ///
    /// # Errors
    /// What to answer if the store does not say.
    pub(crate) async fn look(&self) -> Result<(), Refusal> {
        let unusable = &mut None;
        self.looks.since(Instant::now(), self.see(unusable)).await
    }

    /// Reads what others may have changed. Whoever is not alone with it does so in
    /// turn, so that the older does not come last. A version that is lower counts:
    /// a server that took over may not have the last change.
    ///
    /// # Errors
    /// [`KeysError`] if the store does not say it, or there are keys that cannot be
    /// used.
    pub(crate) async fn read(&self) -> Result<(), KeysError> {
        let watched = self.store.watched().await?;
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = watched.rate_limits;
        *self.clock.write().unwrap_or_else(PoisonError::into_inner) = watched.clock;
        self.faults.keep(watched.faults);
        let keys = self.known_keys();
        let now = business_time(watched.clock, real_now());
        if watched.key_version != keys.version() || !keys.holds_at(now) {
            let keys = Arc::new(Keys::load(&*self.store).await?);
            *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        }
        Ok(())
    }

    /// The same, as a look. Keys that are known serve better than none, if there are
    /// some that cannot be used.
    async fn see(&self, unusable: &mut Option<KeysError>) -> Result<(), Refusal> {
        match self.read().await {
            Ok(()) => {}
            Err(KeysError::Store(error)) => return Err(failed(&error)),
            Err(error) => {
                tracing::error!(%error, "changed keys cannot be used");
                *unusable = Some(error);
            }
        }
        Ok(())
    }
}
