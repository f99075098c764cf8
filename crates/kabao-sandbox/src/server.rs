//! Connections: accepted, served with HTTP/1.1 as production does, drained on
//! stop.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use bytes::Bytes;
use http::{Request, Response, request::Parts};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::{
    app::App,
    bounds::{self, Budget, Share},
    control::{self, Guard},
    faults::Departure,
    gate::{self, Received},
    intake::{self, TurnedAway},
    metrics::Counted,
    multipart,
    to_the_end::ToTheEnd,
    wire::{Body, Line, Severed, Wire},
};

/// How long after the last request connections may take to close.
const LINGER: Duration = Duration::from_millis(300);

/// How long running requests may take once the server is to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// What stands between the socket and the gate.
pub(crate) struct Front {
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) max_connections: usize,
    pub(crate) guard: Guard,
}

/// Serves until `stop` turns true, then lets running requests finish.
pub(crate) async fn run(
    listener: TcpListener,
    front: Front,
    app: Arc<App>,
    mut stop: watch::Receiver<bool>,
) {
    let Front {
        tls,
        max_connections,
        guard,
    } = front;
    let busy = Gauge::default();
    let line = Line::new(stop.clone(), busy.clone());
    let service = Arc::new(Service {
        control: control::router(Arc::clone(&app)),
        guard,
        app,
        busy: busy.clone(),
        bodies: Budget::new(),
        answers: Budget::new(),
    });
    let places = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
    let door = Arc::new(Semaphore::new(bounds::TURNED_AWAY));
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    let connection = Connection {
                        service: Arc::clone(&service),
                        line: line.anew(),
                        peer,
                        _place: place,
                    };
                    let watcher = connections.watcher();
                    tokio::spawn(Arc::new(connection).serve(stream, tls.clone(), watcher));
                }
                Err(_) => {
                    tracing::debug!(%peer, max_connections, "a connection too many was turned away");
                    service.app.metrics.turned_away("too_many_connections");
                    // Those that speak TLS would not understand.
                    if let (None, Ok(place)) = (&tls, Arc::clone(&door).try_acquire_owned()) {
                        let wire = Wire::new(stream, line.anew());
                        tokio::spawn(async move {
                            turn_away(wire).await;
                            drop(place);
                        });
                    }
                }
            },
            // Too many open files, or a peer gone before it was accepted: the
            // next one may fare better, but not at full speed.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
    drop(listener);
    let drained = async {
        // Only a request that has arrived is worth waiting for: half a head, or a
        // handshake under way, is not.
        let _ = timeout(LINGER, connections.shutdown()).await;
        while busy.get() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    if timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("some requests did not finish in time and were dropped");
    }
}

/// Tells one connection too many that it is one.
async fn turn_away(mut wire: Wire) {
    const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
        connection: close\r\ncontent-length: 30\r\n\r\nthere are too many connections";
    if wire.write_all(ANSWER).await.is_ok() {
        // It is over either way.
        let _ = wire.shutdown().await;
    }
}

/// What all connections share.
struct Service {
    app: Arc<App>,
    control: Router,
    guard: Guard,
    /// How many requests have arrived whose answers are not out yet.
    busy: Gauge,
    bodies: Budget,
    answers: Budget,
}

/// One of them, and what goes on of it when its peer has hung up.
struct Connection {
    service: Arc<Service>,
    line: Line,
    peer: SocketAddr,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn serve(self: Arc<Self>, stream: TcpStream, tls: Option<TlsAcceptor>, watcher: Watcher) {
        let peer = self.peer;
        // An answer is one small write; waiting for more would only delay it.
        let _ = stream.set_nodelay(true);
        let stream = Wire::new(stream, self.line.clone());
        let _open = Counted::new(&self.service.app.metrics.connections);
        match tls {
            None => self.http(stream, watcher).await,
            Some(tls) => match timeout(bounds::IDLE, tls.accept(stream)).await {
                Ok(Ok(stream)) => self.http(stream, watcher).await,
                Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
            },
        }
    }

    async fn http(
        self: Arc<Self>,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        watcher: Watcher,
    ) {
        let (peer, service) = (self.peer, Arc::clone(&self.service));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds::IDLE)
            .max_buf_size(bounds::HEAD)
            .serve_connection(
                TokioIo::new(stream),
                service_fn(move |request| {
                    let connection = Arc::clone(&self);
                    async move { connection.answer(request).await }
                }),
            );
        if let Err(error) = watcher.watch(connection).await {
            tracing::debug!(%peer, %error, "connection ended");
            // What was never a request hyper has answered.
            match error.is_parse() {
                true if error.is_parse_too_large() => {
                    service.app.metrics.turned_away("head_too_large");
                }
                true => service.app.metrics.turned_away("bad_head"),
                false => {}
            }
        }
    }

    async fn answer(
        self: &Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Severed> {
        let busy = Counted::new(&self.service.busy);
        let (head, body) = request.into_parts();
        let (answer, room) = if is_control(head.uri.path()) {
            (self.control(head, body).await, self.service.answers.share())
        } else {
            let _in_flight = Counted::new(&self.service.app.metrics.in_flight);
            match self.call(head, body).await {
                Ok((departure, room)) => (self.line.carry(departure).await?, room),
                Err(turned_away) => (self.plain(turned_away), self.service.answers.share()),
            }
        };
        Ok(match held(answer, room, busy).await {
            Ok(answer) => answer,
            Err(turned_away) => self.plain(turned_away),
        })
    }

    async fn call(
        self: &Arc<Self>,
        head: Parts,
        body: Incoming,
    ) -> Result<(Departure, Share), TurnedAway> {
        let target = head.uri.path_and_query();
        let target = target.map_or("/", |target| target.as_str()).to_owned();
        intake::check(&target, &head.headers)?;
        let boundary = multipart::boundary_in(&head.headers);
        let limit = match boundary {
            Some(_) => bounds::UPLOAD,
            None => bounds::JSON,
        };
        let (body, share) = intake::read(body, limit, &self.service.bodies).await?;
        let received = Received {
            method: head.method,
            target,
            headers: head.headers,
            body,
            boundary,
        };
        let app = Arc::clone(&self.service.app);
        let mut room = self.service.answers.share();
        let serving = async move {
            let _share = share;
            let departure = gate::serve(&app, received, &mut room).await;
            (departure, room)
        };
        Ok(self.to_the_end(serving).await)
    }

    async fn control(self: &Arc<Self>, head: Parts, body: Incoming) -> Response<Body> {
        let service = &self.service;
        if let Err(refusal) = service.guard.admit(&head, self.peer.ip()) {
            return refusal.map(|body| body.boxed_unsync());
        }
        // What is open to strangers has no use for a body.
        let limit = match control::is_open(&head.method, head.uri.path()) {
            true => bounds::JSON,
            false => bounds::CONTROL,
        };
        let read = match intake::check(head.uri.path(), &head.headers) {
            Ok(()) => intake::read(body, limit, &service.bodies).await,
            Err(turned_away) => Err(turned_away),
        };
        let (body, share) = match read {
            Ok(read) => read,
            Err(turned_away) => return self.plain(turned_away),
        };
        let request = Request::from_parts(head, axum::body::Body::from(body));
        let control = service.control.clone();
        let serving = async move {
            let _share = share;
            let Ok(answer) = control.oneshot(request).await;
            answer
        };
        let answer = self.to_the_end(serving).await;
        answer.map(|body| body.boxed_unsync())
    }

    /// Does what was asked for even if the peer hangs up. Until that is done it
    /// keeps its place, and a stop waits for it.
    async fn to_the_end<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let (place, busy) = (Arc::clone(self), Counted::new(&self.service.busy));
        let work = async move {
            let _counted = (place, busy);
            work.await
        };
        ToTheEnd::new(work).await
    }

    /// What never reached the gate is answered as a gateway would: no JSON, no
    /// signature.
    fn plain(&self, why: TurnedAway) -> Response<Body> {
        self.service.app.metrics.turned_away(why.name());
        let mut answer = Response::new(boxed(Full::new(why.words().into())));
        *answer.status_mut() = why.status();
        answer.headers_mut().extend(why.header());
        answer
    }
}

/// The same answer, counted until its bytes are with the system: a peer may take
/// its time.
async fn held(
    answer: Response<Body>,
    mut share: Share,
    busy: Counted,
) -> Result<Response<Body>, TurnedAway> {
    let size = answer.body().size_hint().exact();
    let Some(size) = size.and_then(|size| usize::try_from(size).ok()) else {
        return Ok(answer);
    };
    if !share.grow_to(size) {
        return Err(TurnedAway::NoRoom);
    }
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|error| {
        tracing::error!(%error, "an answer broke off");
        TurnedAway::NoRoom
    })?;
    let bytes = Bytes::from_owner(Held {
        bytes: body.to_bytes(),
        _share: share,
        _busy: busy,
    });
    Ok(Response::from_parts(head, boxed(Full::new(bytes))))
}

/// Bytes, and what counts them while they are there.
struct Held {
    bytes: Bytes,
    _share: Share,
    _busy: Counted,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn is_control(path: &str) -> bool {
    path.strip_prefix(control::PREFIX)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn boxed(body: Full<Bytes>) -> Body {
    body.map_err(|never| match never {}).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn answers_are_counted_until_their_bytes_are_gone() {
        const SIZE: usize = 8 * 1024 * 1024;
        let budget = Budget::new();
        let busy = Gauge::default();
        let answer = |size: usize| {
            let answer = Response::new(boxed(vec![b'x'; size].into()));
            held(answer, budget.share(), Counted::new(&busy))
        };
        let mut all = Vec::new();
        let refused = loop {
            let answer = match answer(SIZE).await {
                Ok(answer) => answer,
                Err(turned_away) => break turned_away,
            };
            // The body is gone at once; what was written of it is not.
            let body = answer.into_body().collect().await.expect("it is there");
            all.push(body.to_bytes());
            assert!(all.len() * SIZE <= 2 * bounds::HELD, "all of them");
        };
        assert_eq!(refused, TurnedAway::NoRoom);
        assert_eq!(all.len(), bounds::HELD / SIZE);
        assert_eq!(busy.get(), i64::try_from(all.len()).expect("a few"));
        assert!(all.iter().all(|bytes| bytes.len() == SIZE));
        let small = answer(1000).await.expect("it is small");
        assert_eq!(small.status(), StatusCode::OK);
        drop(small);
        all.pop();
        assert!(answer(SIZE).await.is_ok(), "there is room again");
        all.clear();
        assert_eq!(busy.get(), 0);
    }
}
