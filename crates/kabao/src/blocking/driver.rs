//! Runs futures on the calling thread while their sockets and timers live on a
//! private one.

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

use bytes::Bytes;
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::{JoinHandle, unconstrained},
};

use crate::transport::{Sending, Stage, Transport, TransportError};

/// A runtime on a thread of its own, which ends when this is dropped.
///
/// The runtime is not kept here: dropping one inside another runtime panics.
pub(super) struct Driver {
    handle: Handle,
    _stop_on_drop: oneshot::Sender<()>,
}

impl Driver {
    pub(super) fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        thread::Builder::new()
            .name("kabao-sockets".into())
            .spawn(move || {
                // An error is what dropping the sender gives.
                let _ = runtime.block_on(stopped);
            })?;
        Ok(Self {
            handle,
            _stop_on_drop: stop,
        })
    }

    /// Lets a transport work on the private thread.
    pub(super) fn carry(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        Arc::new(Elsewhere {
            transport,
            handle: self.handle.clone(),
        })
    }

    /// Runs a future to its end on this thread, whatever else runs here.
    pub(super) fn run<F: Future>(&self, future: F) -> F::Output {
        // Timers find the private runtime through this.
        let _context = self.handle.enter();
        let unpark = Arc::new(Unpark {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&unpark));
        let mut context = Context::from_waker(&waker);
        // Inside a task, Tokio would give it the budget of one poll for all of its
        // polls here, and then never let it go on.
        let mut future = pin!(unconstrained(future));
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            // Others may park and unpark this thread too, so only the flag counts.
            while !unpark.woken.swap(false, Ordering::Acquire) {
                thread::park();
            }
        }
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Driver")
    }
}

struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// A transport whose work is done on another runtime.
#[derive(Debug)]
struct Elsewhere {
    transport: Arc<dyn Transport>,
    handle: Handle,
}

impl Transport for Elsewhere {
    fn send(&self, request: http::Request<Bytes>, limit: usize) -> Sending<'_> {
        let transport = Arc::clone(&self.transport);
        let work = self
            .handle
            .spawn(async move { transport.send(request, limit).await });
        Box::pin(AbortOnDrop(work))
    }
}

/// A call that nobody waits for any more must not go on.
struct AbortOnDrop(JoinHandle<Result<http::Response<Bytes>, TransportError>>);

impl Future for AbortOnDrop {
    type Output = Result<http::Response<Bytes>, TransportError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|joined| {
            joined.unwrap_or_else(|error| {
                let reason = "the thread that carries requests gave up";
                Err(TransportError::new(Stage::Sent, reason).with_source(error))
            })
        })
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
