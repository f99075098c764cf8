//! Work that outlasts whoever waits for it.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::runtime::Handle;

/// Goes on by itself when it is dropped: a caller who hangs up does not take along
/// what was begun. Until then it costs no task of its own.
pub(crate) struct ToTheEnd<W>(Option<Pin<Box<W>>>)
where
    W: Future<Output: Send> + Send + 'static;

impl<W> ToTheEnd<W>
where
    W: Future<Output: Send> + Send + 'static,
{
    pub(crate) fn new(work: W) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<W> Future for ToTheEnd<W>
where
    W: Future<Output: Send> + Send + 'static,
{
    type Output = W::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Output> {
        // What has panicked is not gone on with.
        let Some(mut work) = self.0.take() else {
            return Poll::Pending;
        };
        let outcome = work.as_mut().poll(cx);
        if outcome.is_pending() {
            self.0 = Some(work);
        }
        outcome
    }
}

impl<W> Drop for ToTheEnd<W>
where
    W: Future<Output: Send> + Send + 'static,
{
    fn drop(&mut self) {
        // Without a runtime everything ends.
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        sync::oneshot,
        time::{sleep, timeout},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_goes_away_takes_nothing_along() {
        for patience in [0, 10, 1000].map(Duration::from_millis) {
            let (done, heard) = oneshot::channel();
            let work = ToTheEnd::new(async move {
                sleep(Duration::from_millis(500)).await;
                done.send("done")
            });
            let waited = timeout(patience, work).await;
            assert_eq!(waited.is_ok(), patience > Duration::from_millis(500));
            assert_eq!(heard.await, Ok("done"));
        }
    }

    #[tokio::test]
    async fn what_panicked_is_over() {
        let work = ToTheEnd::new(async { panic!("on purpose") });
        let ended = tokio::spawn(work).await;
        assert!(ended.expect_err("it panicked").is_panic());
    }
}
