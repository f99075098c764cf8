//! Connections: accepted, served with HTTP/1.1 as production does, drained on
//! stop.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::Router;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::{
    app::App,
    control,
    gate::{self, Received},
    metrics::Counted,
    wire::{Body, Line, Severed, Wire},
};

/// The largest request: above every upload of the documentation.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// Production closes a connection that idles this long.
const IDLE: Duration = Duration::from_secs(8);

/// How long after the last request connections may take to close.
const LINGER: Duration = Duration::from_millis(300);

/// How long running requests may take once the server is to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Serves until `stop` turns true, then lets running requests finish.
pub(crate) async fn run(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    app: Arc<App>,
    mut stop: watch::Receiver<bool>,
) {
    let busy = Arc::new(AtomicUsize::new(0));
    let service = Service {
        line: Line::new(stop.clone()),
        control: control::router(Arc::clone(&app)),
        app,
        busy: Arc::clone(&busy),
    };
    let connections = Arc::new(GracefulShutdown::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                tokio::spawn(connection(
                    stream,
                    peer,
                    tls.clone(),
                    service.clone(),
                    Arc::clone(&connections),
                ));
            }
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
            if busy.load(Ordering::Acquire) == 0 {
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
        Some(tls) => match tokio::time::timeout(IDLE, tls.accept(stream)).await {
            Ok(Ok(stream)) => http(stream, peer, service, connections).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
        },
    }
}

async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    service: Service,
    connections: Arc<GracefulShutdown>,
) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
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
    }
}

#[derive(Clone)]
struct Service {
    /// The connection that it answers on.
    line: Line,
    app: Arc<App>,
    control: Router,
    /// How many requests are being answered.
    busy: Arc<AtomicUsize>,
}

/// Counts one request while it lives.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Service {
    async fn answer(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<Body>, Severed> {
        let _busy = Busy::new(&self.busy);
        if is_control(request.uri().path()) {
            return Ok(self.control(request, peer).await);
        }
        let _in_flight = Counted::new(&self.app.metrics.in_flight);
        let (head, body) = request.into_parts();
        let collected = Limited::new(body, LARGEST_BODY).collect();
        let body = match tokio::time::timeout(DRAIN, collected).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                return Ok(plain(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "the body is larger than 16 MiB",
                ));
            }
            Ok(Err(_)) => return Ok(plain(StatusCode::BAD_REQUEST, "the body ended early")),
            Err(_) => return Ok(plain(StatusCode::REQUEST_TIMEOUT, "the body took too long")),
        };
        let target = head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned();
        let received = Received {
            method: head.method,
            target,
            headers: head.headers,
            body,
        };
        let departure = gate::serve(&self.app, received).await;
        self.line.carry(departure).await
    }

    async fn control(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        if !peer.ip().to_canonical().is_loopback() {
            return plain(
                StatusCode::FORBIDDEN,
                "the control plane answers this machine only",
            );
        }
        let request = request.map(axum::body::Body::new);
        let Ok(answer) = self.control.clone().oneshot(request).await;
        answer.map(|body| body.boxed_unsync())
    }
}

fn is_control(path: &str) -> bool {
    path.strip_prefix(control::PREFIX)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn boxed(body: Full<Bytes>) -> Body {
    body.map_err(|never| match never {}).boxed_unsync()
}

/// What never reached the gate is answered as a gateway would: no JSON, no
/// signature.
fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut answer = Response::new(boxed(Full::new(Bytes::from_static(text.as_bytes()))));
    *answer.status_mut() = status;
    answer
}
