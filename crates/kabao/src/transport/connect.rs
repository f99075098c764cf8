//! How a connection is made: directly or through the system's proxy, with TLS
//! or without.

use std::{
    error::Error as StdError,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::{
    legacy::connect::{
        Connected, Connection, HttpConnector,
        proxy::{SocksV5, Tunnel},
    },
    proxy::matcher::{Intercept, Matcher},
};
use rustls::{
    ClientConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use rustls_platform_verifier::Verifier;
use tower_service::Service;

use super::{Stage, TransportError};

type BoxError = Box<dyn StdError + Send + Sync>;

/// How connections are made.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) connect_timeout: Duration,
    pub(super) roots: Vec<CertificateDer<'static>>,
}

impl Settings {
    /// `connect_timeout` is for address, proxy and TLS together.
    #[must_use]
    pub fn new(connect_timeout: Duration) -> Self {
        Self {
            connect_timeout,
            roots: Vec::new(),
        }
    }

    /// Adds the authorities of a PEM bundle to those of the system.
    ///
    /// # Errors
    /// [`TransportError`] if there is no certificate in it.
    pub fn add_roots(&mut self, pem: &[u8]) -> Result<(), TransportError> {
        let roots = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TransportError::new(Stage::Unsendable, error.to_string()))?;
        if roots.is_empty() {
            let reason = "no certificate found, expected a PEM section `BEGIN CERTIFICATE`";
            return Err(TransportError::new(Stage::Unsendable, reason));
        }
        self.roots.extend(roots);
        Ok(())
    }
}

/// Makes connections. Cloned for every request, so all of it is shared.
#[derive(Debug, Clone)]
pub(super) struct Connector(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    settings: Settings,
    http: HttpConnector,
    proxies: Matcher,
    /// Made when first needed: without TLS the system's authorities need not be
    /// there, which they are not in a minimal container.
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Connector {
    pub(super) fn new(settings: Settings) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(settings.connect_timeout));
        Self(Arc::new(Shared {
            settings,
            http,
            proxies: Matcher::from_system(),
            tls: OnceLock::new(),
        }))
    }

    /// What TLS is done with. A failure is not kept: the system's authorities
    /// may be there later.
    pub(super) fn tls(&self) -> Result<&Arc<ClientConfig>, rustls::Error> {
        let shared = &*self.0;
        match shared.tls.get() {
            Some(config) => Ok(config),
            None => {
                let config = tls_config(&shared.settings.roots)?;
                Ok(shared.tls.get_or_init(|| Arc::new(config)))
            }
        }
    }

    /// What a proxy that sees the request itself wants to be told.
    pub(super) fn proxy_authorization(&self, target: &Uri) -> Option<HeaderValue> {
        if target.scheme_str() != Some("http") {
            return None;
        }
        self.proxy(target)?.basic_auth().cloned()
    }

    fn proxy(&self, target: &Uri) -> Option<Intercept> {
        match is_loopback(target) {
            true => None,
            false => self.0.proxies.intercept(target),
        }
    }

    async fn connect(self, target: Uri) -> Result<Stream, BoxError> {
        let http = self.0.http.clone();
        let Some(proxy) = self.proxy(&target) else {
            return self.reach(http, target).await;
        };
        let address = proxy.uri().clone();
        match address.scheme_str().unwrap_or_default() {
            // Such a proxy reads the request and passes it on.
            "http" | "https" if !is_tls(&target) => Ok(self.reach(http, address).await?.proxied()),
            "http" | "https" => {
                let hop = HttpsConnector::from((http, Arc::clone(self.tls()?)));
                let mut tunnel = Tunnel::new(address, hop);
                if let Some(authorization) = proxy.basic_auth() {
                    tunnel = tunnel.with_auth(authorization.clone());
                }
                self.reach(tunnel, target).await
            }
            scheme @ ("socks5" | "socks5h") => {
                let local_dns = scheme == "socks5";
                let mut socks = SocksV5::new(address, http).local_dns(local_dns);
                if let Some((user, password)) = proxy.raw_auth() {
                    socks = socks.with_auth(user.to_owned(), password.to_owned());
                }
                self.reach(socks, target).await
            }
            other => {
                let text = "use http, https, socks5 or socks5h";
                Err(format!("the system's proxy speaks `{other}`; {text}").into())
            }
        }
    }

    /// Connects over `connector`, with TLS if the address says so.
    async fn reach<C>(&self, connector: C, address: Uri) -> Result<Stream, BoxError>
    where
        C: Service<Uri>,
        C::Response: Read + Write + Connection + Unpin + Send + 'static,
        C::Future: Send + 'static,
        C::Error: Into<BoxError>,
    {
        if !is_tls(&address) {
            return Stream::open(connector, address).await;
        }
        let tls = Arc::clone(self.tls()?);
        Stream::open(HttpsConnector::from((connector, tls)), address).await
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let limit = self.0.settings.connect_timeout;
        let connecting = self.clone().connect(target);
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(outcome) => outcome,
                Err(_) => Err(format!("no connection within {limit:?}").into()),
            }
        })
    }
}

fn tls_config(roots: &[CertificateDer<'static>]) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(roots.iter().cloned(), Arc::clone(&provider))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        // Not dangerous: it is the system's own way to verify.
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn is_tls(address: &Uri) -> bool {
    address.scheme_str() == Some("https")
}

/// This machine is never reached through a proxy.
fn is_loopback(target: &Uri) -> bool {
    match target.host() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

/// A connection of whatever kind.
pub(super) struct Stream {
    io: Pin<Box<dyn Io>>,
    proxied: bool,
}

trait Io: Read + Write + Connection + Send {}

impl<T: Read + Write + Connection + Send> Io for T {}

impl Stream {
    async fn open<C>(mut connector: C, target: Uri) -> Result<Self, BoxError>
    where
        C: Service<Uri>,
        C::Response: Read + Write + Connection + Send + 'static,
        C::Error: Into<BoxError>,
    {
        let ready = std::future::poll_fn(|context| connector.poll_ready(context));
        ready.await.map_err(Into::into)?;
        let io = connector.call(target).await.map_err(Into::into)?;
        Ok(Self {
            io: Box::pin(io),
            proxied: false,
        })
    }

    /// The request is then written as a proxy reads it.
    fn proxied(mut self) -> Self {
        self.proxied = true;
        self
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.proxied)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::{
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::{SocketAddr, TcpListener},
        sync::mpsc,
        thread,
    };

    use super::*;

    fn connector(roots: Vec<CertificateDer<'static>>, proxies: Matcher) -> Connector {
        let connect_timeout = Duration::from_secs(10);
        let connector = Connector::new(Settings {
            connect_timeout,
            roots,
        });
        let mut shared = Arc::into_inner(connector.0).unwrap();
        shared.proxies = proxies;
        Connector(Arc::new(shared))
    }

    /// A proxy that answers every head with `answer` and tells what it read.
    fn proxy(answer: &'static str) -> (SocketAddr, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") && stream.read_line(&mut head).unwrap() > 0 {}
                tell.send(head).unwrap();
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
                // Until the client gives up.
                let _ = stream.read_to_end(&mut Vec::new());
            }
        });
        (address, told)
    }

    fn client(
        connector: Connector,
    ) -> hyper_util::client::legacy::Client<Connector, http_body_util::Empty<bytes::Bytes>> {
        hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
            .build(connector)
    }

    #[tokio::test]
    async fn a_proxy_gets_the_whole_address() {
        let (address, told) = proxy("HTTP/1.1 204 No Content\r\n\r\n");
        let proxies = Matcher::builder()
            .http(format!("http://me:secret@{address}"))
            .build();
        let connector = connector(Vec::new(), proxies);
        let target: Uri = "http://shop.example/v3/x?a=1".parse().unwrap();
        assert_eq!(
            connector.proxy_authorization(&target).unwrap(),
            "Basic bWU6c2VjcmV0"
        );
        let answer = client(connector.clone()).get(target).await.unwrap();
        assert_eq!(answer.status(), 204);
        let head = told.recv().unwrap();
        assert!(
            head.starts_with("GET http://shop.example/v3/x?a=1 HTTP/1.1\r\n"),
            "{head}"
        );
        let secure = "https://shop.example/v3/x".parse().unwrap();
        assert!(
            connector.proxy_authorization(&secure).is_none(),
            "not for the server's eyes"
        );
    }

    #[tokio::test]
    async fn tls_goes_through_a_tunnel() {
        let (address, told) = proxy("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        let proxies = Matcher::builder()
            .https(format!("http://me:secret@{address}"))
            .build();
        let target = "https://shop.example/v3/x".parse().unwrap();
        let error = client(connector(Vec::new(), proxies))
            .get(target)
            .await
            .unwrap_err();
        assert!(error.is_connect());
        let head = told.recv().unwrap();
        assert!(
            head.starts_with("CONNECT shop.example:443 HTTP/1.1\r\n"),
            "{head}"
        );
        assert!(
            head.to_lowercase()
                .contains("proxy-authorization: basic bwu6c2vjcmv0\r\n"),
            "{head}"
        );
    }

    #[tokio::test]
    async fn an_unknown_kind_of_proxy_is_named() {
        let proxies = Matcher::builder().all("socks4://127.0.0.1:1").build();
        let error = connector(Vec::new(), proxies)
            .connect("http://shop.example".parse().unwrap())
            .await
            .err()
            .unwrap();
        assert!(error.to_string().contains("`socks4`"), "{error}");
    }

    #[test]
    fn what_failed_to_set_up_is_set_up_again() {
        let damaged = vec![CertificateDer::from(b"none".to_vec())];
        let mut connector = connector(damaged, Matcher::builder().build());
        connector.tls().unwrap_err();
        Arc::get_mut(&mut connector.0)
            .unwrap()
            .settings
            .roots
            .clear();
        connector.tls().unwrap();
    }

    #[test]
    fn loopback_hosts_are_known() {
        for (url, loopback) in [
            ("http://127.0.0.1:8080", true),
            ("https://127.8.9.1", true),
            ("http://[::1]:80", true),
            ("http://localhost", true),
            ("https://api.mch.weixin.qq.com", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), loopback, "{url}");
        }
    }
}
