use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;

/// What [`ReplayStore::first`] gives, in time.
pub type Marking<'a> = Pin<Box<dyn Future<Output = Result<bool, ReplayStoreError>> + Send + 'a>>;

/// Remembers what was received: one operation, "mark this, and say whether you
/// are the first".
///
/// Several processes behind one `notify_url` share one store, or each would take
/// a replay once. In Redis it is one command:
///
/// ```text
/// SET {mark} 1 NX EXAT {until}      first if it answers OK, not if nil
/// ```
pub trait ReplayStore: Send + Sync + fmt::Debug {
    /// Keeps the mark until a time, unless it is there already. Gives whether
    /// it was not. Of two at once, one is the first.
    ///
    /// # Errors
    /// [`ReplayStoreError`]; the notification is refused then and comes again.
    fn first<'a>(&'a self, mark: Mark<'a>, now: Timestamp, until: Timestamp) -> Marking<'a>;
}

/// What is remembered. As text, a key for any store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mark<'a> {
    /// One signed message, by the SHA-256 of what was signed (time, nonce and
    /// body) in hex. Twice the same is a replay.
    Message(&'a str),
    /// A notification, by its id. Twice the same, under two signatures, is a
    /// redelivery.
    Notification(&'a str),
}

impl fmt::Display for Mark<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(digest) => write!(f, "kabao:message:{digest}"),
            Self::Notification(id) => write!(f, "kabao:notification:{id}"),
        }
    }
}

/// A store could not say whether something was received before.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct ReplayStoreError {
    reason: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ReplayStoreError {
    /// A failure in words.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            source: None,
        }
    }

    /// A failure with its cause.
    pub fn with_source(
        reason: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            reason: reason.into(),
            source: Some(source.into()),
        }
    }
}

/// Remembers in this process, and forgets with it. Its future is ready at once.
///
/// Bounded: when it is full, what ends soonest goes first. Only genuine
/// notifications get in, so nobody else can fill it.
#[derive(Debug)]
pub struct MemoryReplayStore {
    capacity: usize,
    messages: Mutex<Marks>,
    notifications: Mutex<Marks>,
}

/// Marks by name, and by their end.
#[derive(Default)]
struct Marks {
    ends: HashMap<Arc<str>, Timestamp>,
    order: BTreeSet<(Timestamp, Arc<str>)>,
}

impl MemoryReplayStore {
    /// Messages and ids each; about 20 MB when full.
    const CAPACITY: usize = 100_000;

    /// Room for 100,000 messages (166 a second over the ten minutes that one
    /// counts) and as many ids.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(Self::CAPACITY)
    }

    /// Room for so many messages and as many ids, at least one.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            messages: Mutex::default(),
            notifications: Mutex::default(),
        }
    }

    fn mark(&self, mark: Mark<'_>, now: Timestamp, until: Timestamp) -> bool {
        let (marks, name) = match mark {
            Mark::Message(digest) => (&self.messages, digest),
            Mark::Notification(id) => (&self.notifications, id),
        };
        let mut marks = marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.forget_until(now);
        if marks.ends.contains_key(name) {
            return false;
        }
        while marks.ends.len() >= self.capacity {
            marks.forget_soonest();
        }
        marks.keep(name.into(), until);
        true
    }
}

impl Default for MemoryReplayStore {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplayStore for MemoryReplayStore {
    fn first<'a>(&'a self, mark: Mark<'a>, now: Timestamp, until: Timestamp) -> Marking<'a> {
        Box::pin(std::future::ready(Ok(self.mark(mark, now, until))))
    }
}

impl Marks {
    fn keep(&mut self, name: Arc<str>, until: Timestamp) {
        self.order.insert((until, Arc::clone(&name)));
        self.ends.insert(name, until);
    }

    fn forget_until(&mut self, now: Timestamp) {
        while self.order.first().is_some_and(|(until, _)| *until <= now) {
            self.forget_soonest();
        }
    }

    fn forget_soonest(&mut self) {
        if let Some((_, name)) = self.order.pop_first() {
            self.ends.remove(&name);
        }
    }
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} marks", self.ends.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap_or_default()
    }

    #[test]
    fn the_second_is_not_the_first_until_the_mark_ends() {
        let store = MemoryReplayStore::new();
        let mark = Mark::Message("a");
        assert!(store.mark(mark, at(0), at(10)));
        assert!(!store.mark(mark, at(9), at(20)));
        assert!(store.mark(mark, at(10), at(20)));
        assert!(
            store.mark(Mark::Notification("a"), at(10), at(20)),
            "another kind"
        );
    }

    #[test]
    fn a_full_store_forgets_what_ends_soonest() {
        let store = MemoryReplayStore::with_capacity(2);
        for (name, until) in [("a", 30), ("b", 20), ("c", 40)] {
            assert!(store.mark(Mark::Message(name), at(0), at(until)));
        }
        assert!(!store.mark(Mark::Message("a"), at(0), at(30)));
        assert!(!store.mark(Mark::Message("c"), at(0), at(40)));
        assert!(store.mark(Mark::Message("b"), at(0), at(20)));
        assert_eq!(
            format!(
                "{:?}",
                store.messages.lock().map(|marks| format!("{marks:?}")).ok()
            ),
            "Some(\"2 marks\")"
        );
    }

    #[test]
    fn marks_are_keys() {
        assert_eq!(
            Mark::Notification("8b33").to_string(),
            "kabao:notification:8b33"
        );
    }
}
