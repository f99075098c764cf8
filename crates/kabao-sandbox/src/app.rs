//! What a running sandbox consists of.

use std::sync::{Arc, atomic::AtomicBool};

use jiff::Timestamp;

use crate::{
    clock::{self, real_now},
    current::Current,
    faults::Faults,
    journal::Journal,
    keys::Keys,
    limits::{Limiter, RateLimits},
    metrics::{self, Metrics},
    notify::Notifier,
    operations::Routes,
    outage,
    refusal::Refusal,
    replay::Replays,
    store::{Contents, Store, StoreError},
    switches::Switches,
};

/// Everything a request may touch. Shared by all connections.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) routes: Routes,
    pub(crate) limiter: Limiter,
    pub(crate) replays: Replays,
    pub(crate) faults: Arc<Faults>,
    pub(crate) journal: Journal,
    pub(crate) metrics: Metrics,
    pub(crate) switches: Switches,
    pub(crate) notifier: Notifier,
    /// Where it listens, for addresses that it gives out.
    pub(crate) base_url: String,
    /// The keys, limits that were set, and what keeps the faults fresh.
    pub(crate) current: Arc<Current>,
    /// What a reset goes back to.
    pub(crate) initial: Contents,
    /// Whether it is about to stop, and wants no more work.
    pub(crate) is_draining: AtomicBool,
}

impl App {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        keys: Keys,
        initial: Contents,
        limits: RateLimits,
        switches: Switches,
        notifier: Notifier,
        base_url: String,
    ) -> Self {
        let faults = Arc::new(Faults::new(Arc::clone(&store)));
        let current = Current::new(Arc::clone(&store), keys, Arc::clone(&faults));
        let current = Arc::new(current);
        Self {
            limiter: Limiter::new(Arc::clone(&store), Arc::clone(&current), limits),
            current,
            replays: Replays::new(&store, &switches),
            faults,
            store,
            routes: Routes::new(),
            journal: Journal::default(),
            metrics: Metrics::new(real_now()),
            switches,
            notifier,
            base_url,
            initial,
            is_draining: AtomicBool::new(false),
        }
    }

    /// One with the sample data, in memory.
    #[cfg(all(test, feature = "sqlite"))]
    pub(crate) async fn sample() -> Arc<Self> {
        let key = crate::vault::MasterKey::generate().expect("a key");
        let store = crate::store::open("memory", &key).expect("a store");
        let keys = Keys::load_or_create(&*store).await.expect("keys");
        Arc::new(Self::new(
            store,
            keys,
            crate::sample::contents(),
            RateLimits::Off,
            Switches::default(),
            Notifier::new(crate::NotificationSettings::default(), None),
            "http://127.0.0.1:1".to_owned(),
        ))
    }

    /// The keys as they were last read; see [`Current`].
    pub(crate) fn keys(&self) -> Arc<Keys> {
        self.current.known_keys()
    }

    /// Begins as another sandbox: forgets what is not in the store, and looks at
    /// what is.
    pub(crate) async fn begin_anew(&self) -> Result<(), Refusal> {
        self.limiter.reset();
        self.replays.reset();
        self.journal.clear();
        self.current.look().await
    }

    /// Business time: real time as the control plane has moved it.
    pub(crate) async fn now(&self) -> Result<Timestamp, Refusal> {
        let setting = self.store.clock().await.map_err(|error| failed(&error))?;
        Ok(clock::business_time(setting, real_now()))
    }
}

/// Logs and counts a store's failure here, once, and answers with a bare 500, or 503 if it
/// is worth trying again.
pub(crate) fn failed(error: &StoreError) -> Refusal {
    metrics::store_failed(error);
    if let StoreError::Unavailable { .. } = error {
        outage::failed(&Chain(error));
        return Refusal::unavailable();
    }
    // It begins with that the store failed.
    tracing::error!("{}", Chain(error));
    Refusal::system_error()
}

struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
