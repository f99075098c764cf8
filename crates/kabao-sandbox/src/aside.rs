//! Long work, off the threads that answer, and no more at once than there is room
//! for.

use std::time::Duration;

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::{JoinError, spawn_blocking},
    time::timeout,
};

/// Where work of one kind is done.
#[derive(Debug)]
pub(crate) struct Places {
    free: Semaphore,
    patience: Duration,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: SemaphorePermit<'static>,
}

impl Places {
    /// So many, and how long one is waited for.
    pub(crate) const fn new(places: usize, patience: Duration) -> Self {
        Self {
            free: Semaphore::const_new(places),
            patience,
        }
    }

    /// A place, unless there is none for too long.
    pub(crate) async fn take(&'static self) -> Option<Place> {
        let permit = timeout(self.patience, self.free.acquire()).await;
        let _permit = permit.ok()?.ok()?;
        Some(Place { _permit })
    }
}

impl Place {
    /// Does work on a thread of its own. The thread gives the place back, for work
    /// goes on when nobody waits for it any more.
    pub(crate) async fn aside<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JoinError> {
        let working = spawn_blocking(move || {
            let _place = self;
            work()
        });
        working.await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_place() {
        const IMPATIENT: Duration = Duration::from_millis(20);
        static ONE: Places = Places::new(1, IMPATIENT);
        let (go_on, held_up) = mpsc::channel::<()>();
        let place = ONE.take().await.expect("the only one");
        let work = place.aside(move || held_up.recv());
        // As if its caller hung up.
        timeout(IMPATIENT, work).await.expect_err("it is held up");
        assert!(ONE.take().await.is_none());
        go_on.send(()).expect("it is still at work");
        let begun = std::time::Instant::now();
        while ONE.take().await.is_none() {
            assert!(begun.elapsed() < Duration::from_secs(30), "soon");
        }
    }
}
