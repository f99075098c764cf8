//! WeChat Pay's keys: the configured ones, and certificates that are downloaded
//! once for everybody who waits for them.

use std::{
    collections::HashMap,
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use kabao_core::{
    ApiV3Key,
    keyring::{KeyId, Keyring, PlatformKey},
};

use crate::error::Result;

/// Certificates rotate; WeChat Pay asks to poll more often than every 12 hours.
const STALE_AFTER: SignedDuration = SignedDuration::from_hours(10);

/// How long to believe that a key nobody knows is nobody's key, and how long to
/// leave a failed background refresh alone.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// How many keys that nobody knows to look for within a [`PAUSE`]: whoever
/// invents serials must not cause a download with each.
const MAX_UNKNOWN: usize = 8;

/// The ring that answers are checked with.
#[derive(Debug)]
pub(crate) struct PlatformKeys {
    configured: Keyring,
    api_v3_key: Option<ApiV3Key>,
    current: RwLock<Current>,
    finished: AtomicU64,
    /// Held while downloading; keeps the last outcome for those who waited.
    turn: tokio::sync::Mutex<Result<()>>,
    paused: Mutex<Pauses>,
}

#[derive(Debug)]
struct Current {
    ring: Arc<Keyring>,
    downloaded_at: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Pauses {
    /// Serials that a download did not bring, and when it did not.
    unknown: HashMap<KeyId, Timestamp>,
    background: Option<Timestamp>,
}

/// Whether the ring can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// As it is.
    Ready,
    /// As it is, but somebody should look for newer certificates.
    Stale,
    /// Not before certificates were downloaded.
    Missing,
    /// Not at all: no key is in force and none can be downloaded.
    Hopeless,
}

impl PlatformKeys {
    pub(crate) fn new(configured: Keyring, api_v3_key: Option<ApiV3Key>) -> Self {
        Self {
            current: RwLock::new(Current {
                ring: Arc::new(configured.clone()),
                downloaded_at: None,
            }),
            configured,
            api_v3_key,
            finished: AtomicU64::new(0),
            turn: tokio::sync::Mutex::new(Ok(())),
            paused: Mutex::default(),
        }
    }

    /// The ring as it is, and how good it is.
    pub(crate) fn current(&self, now: Timestamp) -> (Arc<Keyring>, State) {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let ring = Arc::clone(&current.ring);
        let state = match (ring.preferred(now), &self.api_v3_key) {
            (None, None) => State::Hopeless,
            (None, Some(_)) => State::Missing,
            (Some(_), Some(_)) => match current.downloaded_at {
                Some(at) if now.duration_since(at) >= STALE_AFTER => State::Stale,
                _ => State::Ready,
            },
            (Some(_), None) => State::Ready,
        };
        (ring, state)
    }

    /// The ring as it is.
    pub(crate) fn ring(&self) -> Arc<Keyring> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.ring)
    }

    pub(crate) fn api_v3_key(&self) -> Option<&ApiV3Key> {
        self.api_v3_key.as_ref()
    }

    /// The configured keys together with these.
    pub(crate) fn with(&self, downloaded: &[PlatformKey]) -> Keyring {
        let mut ring = self.configured.clone();
        ring.extend(downloaded.iter().cloned());
        ring
    }

    /// How many refreshes came to an end, well or badly.
    pub(crate) fn finished(&self) -> u64 {
        self.finished.load(Ordering::Acquire)
    }

    /// Runs `download` and takes what it brings, unless another one came to its
    /// end since there were `seen`: then its outcome is shared. A failure is not
    /// kept: the next one to ask tries again.
    pub(crate) async fn refresh(
        &self,
        seen: u64,
        now: Timestamp,
        download: impl Future<Output = Result<Vec<PlatformKey>>>,
    ) -> Result<()> {
        let mut last = self.turn.lock().await;
        if self.finished() != seen {
            return last.clone();
        }
        let outcome = download.await.map(|keys| self.install(&keys, now));
        last.clone_from(&outcome);
        self.finished.fetch_add(1, Ordering::AcqRel);
        outcome
    }

    /// Whether looking for an unknown key is worth a download now. (None brings
    /// a public key.)
    pub(crate) fn may_look_for(&self, serial: &KeyId, now: Timestamp) -> bool {
        let unknown = &mut self.paused().unknown;
        unknown.retain(|_, at| recent(*at, now));
        self.api_v3_key.is_some()
            && !serial.is_public_key()
            && !unknown.contains_key(serial)
            && unknown.len() < MAX_UNKNOWN
    }

    pub(crate) fn knows(&self, serial: &KeyId) -> bool {
        self.ring().find(serial).is_some()
    }

    /// Remembers that a download did not bring the key that was looked for.
    pub(crate) fn looked_in_vain(&self, serial: &KeyId, now: Timestamp) {
        self.paused().unknown.insert(serial.clone(), now);
    }

    /// Whether the caller is the one to refresh in the background.
    pub(crate) fn take_background_turn(&self, now: Timestamp) -> bool {
        let mut paused = self.paused();
        if paused.background.is_some_and(|at| recent(at, now)) {
            return false;
        }
        paused.background = Some(now);
        true
    }

    /// That there are none is no reason to drop those at hand.
    fn install(&self, downloaded: &[PlatformKey], now: Timestamp) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if !downloaded.is_empty() {
            current.ring = Arc::new(self.with(downloaded));
        }
        current.downloaded_at = Some(now);
    }

    fn paused(&self) -> MutexGuard<'_, Pauses> {
        self.paused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn recent(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at).abs() < PAUSE
}
