//! Long work, off the threads that answer.

use tokio::{
    sync::SemaphorePermit,
    task::{JoinError, spawn_blocking},
};

/// Does work on a thread of its own. The thread gives the place back, for work
/// goes on when nobody waits for it any more.
pub(crate) async fn aside<T: Send + 'static>(
    place: SemaphorePermit<'static>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    let working = spawn_blocking(move || {
        let _place = place;
        work()
    });
    working.await
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use tokio::{sync::Semaphore, time::timeout};

    use super::*;

    #[tokio::test]
    async fn work_that_nobody_waits_for_keeps_its_place() {
        static PLACES: Semaphore = Semaphore::const_new(1);
        let (go_on, held_up) = mpsc::channel::<()>();
        let place = PLACES.try_acquire().expect("the only one");
        let work = aside(place, move || held_up.recv());
        // As if its caller hung up.
        timeout(Duration::from_millis(20), work)
            .await
            .expect_err("it is held up");
        assert_eq!(PLACES.available_permits(), 0);
        go_on.send(()).expect("it is still at work");
        let place = timeout(Duration::from_secs(30), PLACES.acquire()).await;
        assert!(place.expect("soon").is_ok());
    }
}
