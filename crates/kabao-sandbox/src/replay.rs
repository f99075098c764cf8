//! Authorizations that were seen before, within the window.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use kabao_core::answer::WINDOW_SECONDS;
use tokio::sync::watch;

use crate::{
    app::failed,
    clock::real_now,
    keys::{CallerKeys, CallerKind},
    refusal::Refusal,
    store::{SignedRequest, Store, StoreError},
    switches::Switches,
};

/// Remembers signatures until their timestamps have left the window: in this
/// process, where that only marks them; in the store, for all processes on it,
/// where they are refused.
#[derive(Debug)]
pub(crate) enum Replays {
    Marked(Mutex<Seen>),
    Refused(Arc<dyn Store>),
}

/// A timestamp may lie a window ahead, so it can come back for two, the last second
/// included; and the clocks of those who share a store differ a little.
const REMEMBERED: Duration = Duration::from_secs(2 * WINDOW_SECONDS.unsigned_abs() + 60);

/// How often marks that are over are taken out of the store.
const SWEEP: Duration = Duration::from_secs(60);

/// How many at a time, so that nobody waits for it long.
const SWEPT_AT_ONCE: u32 = 1_000;

impl Replays {
    pub(crate) fn new(store: &Arc<dyn Store>, switches: &Switches) -> Self {
        match switches.refuse_replays {
            false => Self::Marked(Mutex::default()),
            true => Self::Refused(Arc::clone(store)),
        }
    }

    /// Whether this signature of that caller was seen before.
    ///
    /// # Errors
    /// What to answer if the store was to say it and could not.
    pub(crate) async fn repeated(
        &self,
        caller: &CallerKeys,
        signature: &str,
    ) -> Result<bool, Refusal> {
        let store = match self {
            Self::Marked(seen) => {
                let hash = hash(signature);
                return Ok(lock(seen).add(hash));
            }
            Self::Refused(store) => store,
        };
        let kind = CallerKind::of(caller.scheme);
        let request = SignedRequest {
            owner: format!("{} {}", kind.name(), caller.identity),
            signature: signature.to_owned(),
        };
        let now = real_now();
        let until = Timestamp::from_second(now.as_second() + REMEMBERED.as_secs().cast_signed());
        let until = until.unwrap_or(Timestamp::MAX);
        let is_new = store.mark_request(&request, until, now).await;
        is_new.map(|is_new| !is_new).map_err(|error| failed(&error))
    }

    pub(crate) fn reset(&self) {
        // The store forgets by itself.
        if let Self::Marked(seen) = self {
            *lock(seen) = Seen::default();
        }
    }

    /// Forgets what is over, again and again, until `stop` turns true or its
    /// sender is gone.
    pub(crate) async fn keep_short(&self, mut stop: watch::Receiver<bool>) {
        let every = match self {
            Self::Marked(_) => REMEMBERED,
            Self::Refused(_) => SWEEP,
        };
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(every) => {}
            }
            match self {
                Self::Marked(seen) => lock(seen).turn(),
                Self::Refused(store) => {
                    if let Err(error) = sweep(&**store).await {
                        // The log and the metrics have it; no request waits for
                        // this.
                        let _ = failed(&error);
                    }
                }
            }
        }
    }
}

async fn sweep(store: &dyn Store) -> Result<(), StoreError> {
    while store.sweep_marks(real_now(), SWEPT_AT_ONCE).await? == u64::from(SWEPT_AT_ONCE) {}
    Ok(())
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Two generations of hashes. What is in either is remembered; the older is
/// dropped as a whole when another begins.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    newer: HashSet<u128>,
    older: HashSet<u128>,
}

/// How many a generation may have: what lies in some 20 MB, and 1,500 requests a
/// second. Of more than that, the oldest are forgotten early.
const LARGEST: usize = 900_000;

impl Seen {
    /// Whether it was there already.
    fn add(&mut self, hash: u128) -> bool {
        if self.newer.len() >= LARGEST {
            self.turn();
        }
        !self.newer.insert(hash) || self.older.contains(&hash)
    }

    /// Begins another generation.
    fn turn(&mut self) {
        self.older = mem::take(&mut self.newer);
    }
}

/// Sixteen bytes of SHA-256: two signatures that share them will not be found.
fn hash(signature: &str) -> u128 {
    let digest = digest(&SHA256, signature.as_bytes());
    let bytes = digest.as_ref().iter().take(16);
    bytes.fold(0, |hash, byte| hash << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_remembered_for_a_generation_at_least() {
        let mut seen = Seen::default();
        let [a, b] = ["a", "b"].map(hash);
        assert!(!seen.add(a));
        assert!(seen.add(a));
        seen.turn();
        assert!(seen.add(a));
        assert!(!seen.add(b));
        seen.turn();
        // It came in the last generation, too.
        assert!(seen.add(a) && seen.add(b));
        seen.turn();
        seen.turn();
        assert!(!seen.add(a));
    }

    #[test]
    fn however_many_come_it_stays_small() {
        let mut seen = Seen::default();
        seen.newer.extend(0..LARGEST as u128 - 1);
        let last = LARGEST as u128 - 1;
        assert!(!seen.add(last) && !seen.add(last + 1));
        assert_eq!((seen.older.len(), seen.newer.len()), (LARGEST, 1));
        assert!(seen.add(last), "it is of the older generation");
        // The memory of a load is given back after it.
        seen.turn();
        seen.turn();
        assert_eq!((seen.newer.capacity(), seen.older.capacity()), (0, 0));
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn a_mark_lasts_as_long_as_its_request_is_valid() {
        let key = crate::vault::MasterKey::generate().expect("a key");
        let store = crate::store::open("memory", &key).expect("a store");
        let caller = CallerKeys {
            scheme: kabao_core::signature::Scheme::Wechatpay2Sha256Rsa2048,
            identity: "1".into(),
            certificates: Vec::new(),
            secret: kabao_core::ApiV3Key::new([b'k'; 32]).expect("32 bytes"),
            platform: Vec::new(),
            migration: crate::keys::Migration::finished(),
        };
        let replays = Replays::Refused(Arc::clone(&store));
        let came = real_now();
        let repeated = replays.repeated(&caller, "signature").await;
        assert!(!repeated.expect("asked"));
        // It was stamped a window ahead, and a window after that is still valid.
        let last = came + Duration::from_secs(2 * WINDOW_SECONDS.unsigned_abs());
        let request = SignedRequest {
            owner: "merchant 1".to_owned(),
            signature: "signature".to_owned(),
        };
        let is_new = store.mark_request(&request, Timestamp::MAX, last).await;
        assert!(!is_new.expect("asked"), "it is over");
    }

    #[cfg(feature = "sqlite")]
    #[tokio::test]
    async fn marks_that_are_over_go_by_themselves_however_many_there_are() {
        let key = crate::vault::MasterKey::generate().expect("a key");
        let store = crate::store::open("memory", &key).expect("a store");
        // At a time when none was over.
        let is_new = async |number: u32, until| {
            let request = SignedRequest {
                owner: "merchant 1".to_owned(),
                signature: number.to_string(),
            };
            let marked = store.mark_request(&request, until, Timestamp::UNIX_EPOCH);
            marked.await.expect("marked")
        };
        let over = Timestamp::UNIX_EPOCH + Duration::from_secs(1);
        for number in 0..SWEPT_AT_ONCE + 3 {
            assert!(is_new(number, over).await);
        }
        assert!(is_new(u32::MAX, Timestamp::MAX).await);
        let replays = Replays::Refused(Arc::clone(&store));
        let (_stop, stopped) = watch::channel(false);
        let sweeping = tokio::spawn(async move { replays.keep_short(stopped).await });
        tokio::task::yield_now().await;
        tokio::time::pause();
        tokio::time::advance(SWEEP).await;
        tokio::time::resume();
        let all_gone = async {
            for number in 0..SWEPT_AT_ONCE + 3 {
                while !is_new(number, over).await {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        };
        let gone = tokio::time::timeout(SWEEP / 2, all_gone).await;
        assert!(gone.is_ok(), "some stay");
        assert!(!is_new(u32::MAX, Timestamp::MAX).await, "it is not over");
        assert!(!sweeping.is_finished(), "it does not go on");
    }
}
