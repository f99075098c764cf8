//! What the log says of a store that cannot be used for a while: when that begins,
//! now and then while it lasts, and when it is over.

use std::{
    fmt::Display,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a line stands for those that would follow.
const PAUSE: Duration = Duration::from_secs(30);

/// How long nothing has failed once it is over. Reading may go well while nothing
/// can be written.
const QUIET: Duration = Duration::from_secs(5);

/// Of the process, as its log is.
static OUTAGE: Mutex<Option<Outage>> = Mutex::new(None);

#[derive(Debug)]
struct Outage {
    began: Instant,
    failed: Instant,
    told: Instant,
    /// How many failures have come since then.
    untold: u64,
}

/// It failed, and may go well again.
pub(crate) fn failed(error: &dyn Display) {
    match note(&mut outage(), Instant::now()) {
        Some(0) => tracing::warn!(%error, "the store cannot be used at the moment"),
        Some(others) => {
            tracing::warn!(%error, others, "the store cannot be used at the moment, still");
        }
        None => tracing::debug!(%error, "the store cannot be used at the moment"),
    }
}

/// It went well.
pub(crate) fn went_well() {
    if let Some(lasted) = over(&mut outage(), Instant::now()) {
        let seconds = lasted.as_secs();
        tracing::warn!(seconds, "the store can be used again");
    }
}

/// Whether a failure is to be told, and how many others with it.
fn note(outage: &mut Option<Outage>, now: Instant) -> Option<u64> {
    let Some(known) = outage else {
        *outage = Some(Outage {
            began: now,
            failed: now,
            told: now,
            untold: 0,
        });
        return Some(0);
    };
    known.failed = now;
    known.untold += 1;
    let is_told = now.duration_since(known.told) >= PAUSE;
    is_told.then(|| {
        known.told = now;
        std::mem::take(&mut known.untold) - 1
    })
}

/// How long it lasted, if it is over.
fn over(outage: &mut Option<Outage>, now: Instant) -> Option<Duration> {
    let ended = outage.take_if(|known| now.duration_since(known.failed) >= QUIET);
    ended.map(|known| known.failed.duration_since(known.began))
}

fn outage() -> MutexGuard<'static, Option<Outage>> {
    OUTAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_at_its_beginning_now_and_then_and_at_its_end() {
        let began = Instant::now();
        let after = |seconds| began + Duration::from_secs(seconds);
        let mut outage = None;
        assert_eq!(over(&mut outage, began), None);
        assert_eq!(note(&mut outage, began), Some(0));
        for second in 1..30 {
            assert_eq!(note(&mut outage, after(second)), None);
            assert_eq!(over(&mut outage, after(second)), None, "a reader's luck");
        }
        assert_eq!(note(&mut outage, after(30)), Some(29));
        assert_eq!(note(&mut outage, after(31)), None);
        assert_eq!(over(&mut outage, after(35)), None);
        assert_eq!(over(&mut outage, after(36)), Some(Duration::from_secs(31)));
        assert_eq!(over(&mut outage, after(37)), None);
        assert_eq!(note(&mut outage, after(38)), Some(0));
    }
}
