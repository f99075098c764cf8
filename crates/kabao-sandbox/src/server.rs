//! Connections: accepted, served with HTTP/1.1 as production does, drained on
//! stop.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use bytes::Bytes;
use http::{Request, Response, header, request::Parts};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
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
    let service = Service {
        line: Line::new(stop.clone(), busy.clone()),
        control: control::router(Arc::clone(&app)),
        guard,
        app,
        busy: busy.clone(),
        bodies: Budget::new(),
        answers: Budget::new(),
    };
    let places = Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS)));
    let door = Arc::new(Semaphore::new(bounds::TURNED_AWAY));
    let connections = Arc::new(GracefulShutdown::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    let service = service.clone();
                    let connections = Arc::clone(&connections);
                    let serving = connection(stream, peer, tls.clone(), service, connections);
                    tokio::spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(_) => {
                    tracing::debug!(%peer, max_connections, "a connection too many was turned away");
                    service.app.metrics.turned_away("too_many_connections");
                    // Those that speak TLS would not understand.
                    if let (None, Ok(place)) = (&tls, Arc::clone(&door).try_acquire_owned()) {
                        let wire = Wire::new(stream, service.line.anew());
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
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    drop(listener);
    drop(service);
    // Only a request that has arrived is worth waiting for: half a head, or a
    // handshake under way, is not.
    let idle = async {
        loop {
            tokio::time::sleep(LINGER).await;
            if busy.get() == 0 {
                return;
            }
        }
    };
    let drained = async {
        let mut connections = connections;
        loop {
            match Arc::try_unwrap(connections) {
                Ok(all) => return all.shutdown().await,
                Err(shared) => connections = shared,
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = drained => {}
        () = idle => {}
        () = tokio::time::sleep(DRAIN) => {
            tracing::warn!("some requests did not finish in time and were dropped");
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    service: Service,
    connections: Arc<GracefulShutdown>,
) {
    // An answer is one small write; waiting for more would only delay it.
    let _ = stream.set_nodelay(true);
    let line = service.line.anew();
    let stream = Wire::new(stream, line.clone());
    let _open = Counted::new(&service.app.metrics.connections);
    let service = Service { line, ..service };
    match tls {
        None => http(stream, peer, service, connections).await,
        Some(tls) => match tokio::time::timeout(bounds::IDLE, tls.accept(stream)).await {
            Ok(Ok(stream)) => http(stream, peer, service, connections).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
        },
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

async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    service: Service,
    connections: Arc<GracefulShutdown>,
) {
    let app = Arc::clone(&service.app);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds::IDLE)
        .max_buf_size(bounds::HEAD)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| {
                let service = service.clone();
                async move { service.answer(request, peer).await }
            }),
        );
    let watched = connections.watch(connection);
    // The watcher counts the connection from here on; the share must go, or
    // stopping would wait for idle connections.
    drop(connections);
    if let Err(error) = watched.await {
        tracing::debug!(%peer, %error, "connection ended");
        // What was never a request hyper has answered.
        match error.is_parse() {
            true if error.is_parse_too_large() => app.metrics.turned_away("head_too_large"),
            true => app.metrics.turned_away("bad_head"),
            false => {}
        }
    }
}

#[derive(Clone)]
struct Service {
    /// The connection that it answers on.
    line: Line,
    app: Arc<App>,
    control: Router,
    guard: Guard,
    /// How many requests have arrived whose answers are not out yet.
    busy: Gauge,
    bodies: Budget,
    answers: Budget,
}

impl Service {
    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<Body>, Severed> {
        let busy = Counted::new(&self.busy);
        let (head, body) = request.into_parts();
        let answer = if is_control(head.uri.path()) {
            self.control(head, body, peer).await
        } else {
            let _in_flight = Counted::new(&self.app.metrics.in_flight);
            match self.call(head, body).await {
                Ok(departure) => self.line.carry(departure).await?,
                Err(turned_away) => self.plain(turned_away),
            }
        };
        Ok(match held(answer, self.answers.share(), busy).await {
            Ok(answer) => answer,
            Err(turned_away) => self.plain(turned_away),
        })
    }

    async fn call(&self, head: Parts, body: Incoming) -> Result<Departure, TurnedAway> {
        let target = head.uri.path_and_query();
        let target = target.map_or("/", |target| target.as_str()).to_owned();
        intake::check(&target, &head.headers)?;
        let content_type = head.headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|text| text.to_str().ok());
        let limit = match content_type.and_then(multipart::boundary) {
            Some(_) => bounds::UPLOAD,
            None => bounds::JSON,
        };
        let (body, _share) = intake::read(body, limit, &self.bodies).await?;
        let received = Received {
            method: head.method,
            target,
            headers: head.headers,
            body,
        };
        Ok(gate::serve(&self.app, received).await)
    }

    async fn control(&self, head: Parts, body: Incoming, peer: SocketAddr) -> Response<Body> {
        if let Err(refusal) = self.guard.admit(&head, peer.ip()) {
            return refusal.map(|body| body.boxed_unsync());
        }
        // What is open to strangers has no use for a body.
        let limit = match control::is_open(&head.method, head.uri.path()) {
            true => bounds::JSON,
            false => bounds::CONTROL,
        };
        let read = match intake::check(head.uri.path(), &head.headers) {
            Ok(()) => intake::read(body, limit, &self.bodies).await,
            Err(turned_away) => Err(turned_away),
        };
        let (body, _share) = match read {
            Ok(read) => read,
            Err(turned_away) => return self.plain(turned_away),
        };
        let request = Request::from_parts(head, axum::body::Body::from(body));
        let Ok(answer) = self.control.clone().oneshot(request).await;
        answer.map(|body| body.boxed_unsync())
    }

    /// What never reached the gate is answered as a gateway would: no JSON, no
    /// signature.
    fn plain(&self, why: TurnedAway) -> Response<Body> {
        self.app.metrics.turned_away(why.name());
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
