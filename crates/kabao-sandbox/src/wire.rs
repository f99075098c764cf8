//! A connection that can end badly, and that does not wait for its peer for ever.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body_util::{BodyExt as _, combinators::UnsyncBoxBody};
use hyper::body::{Body as HttpBody, Frame};
use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::watch,
    time::{Sleep, sleep, sleep_until},
};

use crate::{
    bounds::{FAREWELL, Pace},
    faults::Departure,
    metrics::Counted,
};

/// The body of an answer.
pub(crate) type Body = UnsyncBoxBody<Bytes, axum::Error>;

/// The connection ends here, as ordered.
#[derive(Debug, thiserror::Error)]
#[error("a fault ends the connection")]
pub(crate) struct Severed;

/// What the answers of one connection know of it.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    is_reset: Arc<AtomicBool>,
    stop: watch::Receiver<bool>,
    /// Counts what is not done yet.
    busy: Gauge,
}

impl Line {
    /// Nobody is kept waiting once `stop` is true. It is `busy` while its peer is
    /// to take something.
    pub(crate) fn new(stop: watch::Receiver<bool>, busy: Gauge) -> Self {
        Self {
            is_reset: Arc::default(),
            stop,
            busy,
        }
    }

    /// Lets an answer leave. An error ends the connection without one.
    pub(crate) async fn carry(&self, departure: Departure) -> Result<Response<Body>, Severed> {
        match departure {
            Departure::Whole { answer, wait } => {
                pause(wait, &self.stop).await;
                Ok(answer.map(|body| body.map_err(|never| match never {}).boxed_unsync()))
            }
            Departure::Torn(answer) => {
                let (mut head, body) = answer.into_parts();
                let Ok(body) = body.collect().await;
                let body = body.to_bytes();
                let length = HeaderValue::from(body.len());
                head.headers.insert(header::CONTENT_LENGTH, length);
                let torn = Torn {
                    half: Some(body.slice(..body.len() / 2)),
                    is_out: false,
                    line: self.clone(),
                };
                let torn = torn.map_err(axum::Error::new).boxed_unsync();
                Ok(Response::from_parts(head, torn))
            }
            Departure::Lost { wait } => {
                pause(wait, &self.stop).await;
                Err(Severed)
            }
            Departure::Reset => Err(self.reset()),
        }
    }

    /// That of another connection.
    pub(crate) fn anew(&self) -> Self {
        Self::new(self.stop.clone(), self.busy.clone())
    }

    /// Lets the end of the connection be a reset.
    fn reset(&self) -> Severed {
        self.is_reset.store(true, Ordering::Release);
        Severed
    }
}

/// Waits, but not once `stop` is true.
pub(crate) async fn pause(wait: Duration, stop: &watch::Receiver<bool>) {
    if wait.is_zero() {
        return;
    }
    let mut stop = stop.clone();
    tokio::select! {
        () = sleep(wait) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// A socket that is closed as its line was told.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    line: Line,
    /// While the peer is to take something.
    taking: Option<Taking>,
    /// Runs once nothing more will be written.
    leaving: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, line: Line) -> Self {
        Self {
            stream,
            line,
            taking: None,
            leaving: None,
        }
    }

    /// What a write came to, unless the peer takes too long.
    fn taken(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            let busy = &self.line.busy;
            self.taking.get_or_insert_with(|| Taking::new(busy));
        }
        match &mut self.taking {
            Some(taking) => taking.taken(written, cx),
            None => written,
        }
    }

    /// Waits a moment for the peer to end its side too. If it is still sending,
    /// the system would answer that with a reset, and the peer might never read
    /// what it was told.
    fn poll_farewell(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let leaving = self
            .leaving
            .get_or_insert_with(|| Box::pin(sleep(FAREWELL)));
        let mut space = [0; 4096];
        loop {
            if leaving.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let mut unread = ReadBuf::new(&mut space);
            let read = std::task::ready!(Pin::new(&mut self.stream).poll_read(cx, &mut unread));
            if read.is_err() || unread.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

/// How a peer takes an answer that it did not take at once.
#[derive(Debug)]
struct Taking {
    pace: Pace,
    timer: Pin<Box<Sleep>>,
    _busy: Counted,
}

impl Taking {
    fn new(busy: &Gauge) -> Self {
        let pace = Pace::new();
        Self {
            timer: Box::pin(sleep_until(pace.deadline())),
            pace,
            _busy: Counted::new(busy),
        }
    }

    fn taken(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => {
                self.pace.moved(*bytes);
                self.timer.as_mut().reset(self.pace.deadline());
            }
            Poll::Pending if self.timer.as_mut().poll(cx).is_ready() => {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            _ => {}
        }
        written
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.line.is_reset.load(Ordering::Acquire)
            && let Err(error) = self.stream.set_zero_linger()
        {
            tracing::debug!(%error, "a connection is closed instead of reset");
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.taken(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, parts);
        this.taken(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // It is asked for once everything is written.
        let this = self.get_mut();
        this.taking = None;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.leaving.is_none() {
            std::task::ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if *this.line.stop.borrow() {
                return Poll::Ready(Ok(()));
            }
        }
        this.poll_farewell(cx).map(Ok)
    }
}

/// A body that breaks off.
struct Torn {
    half: Option<Bytes>,
    /// Whether what is there had its chance to be written.
    is_out: bool,
    line: Line,
}

impl HttpBody for Torn {
    type Data = Bytes;
    type Error = Severed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Severed>>> {
        if let Some(half) = self.half.take().filter(|half| !half.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if !self.is_out {
            self.is_out = true;
            // The server flushes when a body has no more for the moment.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(self.line.reset())))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::time::Instant;

    use super::*;

    /// How long a peer is sent to that takes so many bytes each second.
    async fn lasts(bytes: usize) -> Duration {
        let begun = Instant::now();
        let mut taking = Taking::new(&Gauge::default());
        loop {
            let mut next = Box::pin(sleep(Duration::from_secs(1)));
            let written = poll_fn(|cx| match next.as_mut().poll(cx) {
                Poll::Ready(()) => taking.taken(Poll::Ready(Ok(bytes)), cx),
                Poll::Pending => taking.taken(Poll::Pending, cx),
            });
            if written.await.is_err() || begun.elapsed() > Duration::from_secs(600) {
                return begun.elapsed();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_sent_for_a_minute_at_most() {
        assert_eq!(lasts(0).await, Duration::from_secs(5));
        let slow = lasts(4 * 1024).await;
        assert!(slow < Duration::from_secs(12), "{slow:?}");
        for steady in [9, 9_000] {
            assert_eq!(lasts(steady * 1024).await, Duration::from_secs(60));
        }
    }
}
