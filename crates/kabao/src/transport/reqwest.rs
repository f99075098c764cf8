//! The only file that knows an HTTP library.

use std::{error::Error as StdError, sync::OnceLock, time::Duration};

use bytes::{Bytes, BytesMut};
use elsa::sync::FrozenMap;
use http::header::CONTENT_LENGTH;
use reqwest::{Certificate, Client, Url, redirect::Policy};

use super::{Sending, Stage, Transport, TransportError};

/// What the builder passes on.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) connect_timeout: Duration,
    pub(crate) roots: Vec<Certificate>,
}

impl Settings {
    /// Adds the authorities of a PEM bundle to those of the system.
    pub(crate) fn add_roots(&mut self, pem: &[u8]) -> Result<(), TransportError> {
        let roots = Certificate::from_pem_bundle(pem)
            .map_err(|error| describe(Stage::Unsendable, error))?;
        if roots.is_empty() {
            let reason = "no certificate found, expected a PEM section `BEGIN CERTIFICATE`";
            return Err(TransportError::new(Stage::Unsendable, reason));
        }
        self.roots.extend(roots);
        Ok(())
    }
}

/// reqwest with rustls, HTTP/1.1, connections reused.
#[derive(Debug)]
pub(crate) struct ReqwestTransport {
    settings: Settings,
    /// By [`Route::index`]; made when first needed.
    clients: [OnceLock<Client>; 4],
    /// Parsed once: a host name takes longer than the rest of an address.
    origins: FrozenMap<String, Box<Origin>>,
}

/// Scheme, host and port.
#[derive(Debug)]
struct Origin {
    url: Url,
    route: Route,
}

/// What kind of connection an address needs.
#[derive(Debug, Clone, Copy)]
struct Route {
    /// Never through a proxy.
    loopback: bool,
    /// Without it the system's authorities need not be there, which they are
    /// not in a minimal container.
    tls: bool,
}

impl ReqwestTransport {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            clients: Default::default(),
            origins: FrozenMap::new(),
        }
    }

    /// Sets up what an origin needs.
    pub(crate) fn prepare(&self, origin: &str) -> Result<(), TransportError> {
        self.client(self.parsed(origin)?.route).map(|_| ())
    }

    fn origin(&self, uri: &http::Uri) -> Result<&Origin, TransportError> {
        let scheme = uri.scheme_str().unwrap_or_default();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        self.parsed(&[scheme, "://", authority].concat())
    }

    fn parsed(&self, origin: &str) -> Result<&Origin, TransportError> {
        if let Some(known) = self.origins.get(origin) {
            return Ok(known);
        }
        let url = Url::parse(origin).map_err(|error| {
            TransportError::new(Stage::Unsendable, format!("`{origin}`: {error}"))
        })?;
        let route = Route::of(&url);
        Ok(self
            .origins
            .insert(origin.to_owned(), Box::new(Origin { url, route })))
    }

    /// A failure is not kept: the system's authorities may be there later.
    fn client(&self, route: Route) -> Result<&Client, TransportError> {
        let slot = &self.clients[route.index()];
        match slot.get() {
            Some(client) => Ok(client),
            None => {
                let client = route
                    .connect(&self.settings)
                    .map_err(|error| describe(Stage::Unsendable, error))?;
                Ok(slot.get_or_init(|| client))
            }
        }
    }
}

impl Route {
    fn of(url: &Url) -> Self {
        let loopback = match url.host_str() {
            Some("localhost" | "[::1]") => true,
            Some(host) => host
                .parse::<std::net::Ipv4Addr>()
                .is_ok_and(|address| address.is_loopback()),
            None => false,
        };
        Self {
            loopback,
            tls: url.scheme() == "https",
        }
    }

    fn index(self) -> usize {
        usize::from(self.loopback) * 2 + usize::from(self.tls)
    }

    fn connect(self, settings: &Settings) -> reqwest::Result<Client> {
        let mut client = Client::builder()
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(settings.connect_timeout)
            // The server closes idle connections after 8 s.
            .pool_idle_timeout(Duration::from_secs(7))
            .tcp_nodelay(true);
        if self.loopback {
            client = client.no_proxy();
        }
        client = if self.tls {
            client.tls_certs_merge(settings.roots.iter().cloned())
        } else {
            client.tls_certs_only([])
        };
        client.build()
    }
}

impl Transport for ReqwestTransport {
    fn send(&self, request: http::Request<Bytes>, limit: usize) -> Sending<'_> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let origin = self.origin(&parts.uri)?;
            let client = self.client(origin.route)?;
            let url = with_target(&origin.url, &parts.uri)?;
            let takes_body = matches!(parts.method.as_str(), "POST" | "PUT" | "PATCH");
            let mut request = reqwest::Request::new(parts.method, url);
            *request.headers_mut() = parts.headers;
            if !body.is_empty() {
                *request.body_mut() = Some(body.into());
            } else if takes_body {
                // Hyper leaves it out, and servers may answer 411 then.
                request.headers_mut().insert(CONTENT_LENGTH, 0.into());
            }
            let answer = client.execute(request).await.map_err(|error| {
                let stage = match () {
                    () if error.is_connect() => Stage::Connecting,
                    () if error.is_builder() => Stage::Unsendable,
                    () => Stage::Sent,
                };
                describe(stage, error.without_url())
            })?;
            collect(answer, limit).await
        })
    }
}

/// The address, if it survives reqwest's parser unchanged: the parser resolves
/// and re-encodes, and what is sent has to be what was signed.
fn with_target(origin: &Url, uri: &http::Uri) -> Result<Url, TransportError> {
    let mut url = origin.clone();
    url.set_path(uri.path());
    url.set_query(uri.query());
    if url.path() == uri.path() && url.query() == uri.query() {
        return Ok(url);
    }
    let reason = "the HTTP library would rewrite path or query, which is then not what was signed; \
                  percent-encode them, or give the values with `param` and `query`";
    Err(TransportError::new(Stage::Unsendable, reason))
}

async fn collect(
    mut answer: reqwest::Response,
    limit: usize,
) -> Result<http::Response<Bytes>, TransportError> {
    let mut response = http::Response::new(Bytes::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    let too_large = || {
        let reason = format!("the answer has more than {limit} bytes");
        TransportError::new(Stage::Answered, reason)
    };
    if answer
        .content_length()
        .is_some_and(|length| length > limit as u64)
    {
        return Err(too_large());
    }
    let broken = |error: reqwest::Error| describe(Stage::Sent, error.without_url());
    // Nearly every answer is one piece, which then is not copied.
    let first = answer.chunk().await.map_err(broken)?.unwrap_or_default();
    let mut length = first.len();
    let mut pieces = BytesMut::new();
    while let Some(piece) = answer.chunk().await.map_err(broken)? {
        length += piece.len();
        if length > limit {
            return Err(too_large());
        }
        if pieces.is_empty() {
            pieces.extend_from_slice(&first);
        }
        pieces.extend_from_slice(&piece);
    }
    if length > limit {
        return Err(too_large());
    }
    *response.body_mut() = if pieces.is_empty() {
        first
    } else {
        pieces.freeze()
    };
    Ok(response)
}

/// reqwest's own text says little; the innermost cause says what happened.
/// (Addresses are taken out before: their queries hold openids.)
fn describe(stage: Stage, error: reqwest::Error) -> TransportError {
    let mut reason = error.to_string();
    let mut inner = error.source();
    while let Some(cause) = inner {
        reason = cause.to_string();
        inner = cause.source();
    }
    TransportError::new(stage, reason).with_source(error)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::{
        io::{Read as _, Write as _},
        net::{SocketAddr, TcpListener, TcpStream},
        sync::mpsc,
    };

    use super::*;

    fn transport() -> ReqwestTransport {
        let settings = Settings {
            connect_timeout: Duration::from_millis(300),
            roots: Vec::new(),
        };
        ReqwestTransport::new(settings)
    }

    /// A server that gives each request on each connection the next answer, and
    /// tells what it read. An empty answer closes the connection.
    fn server(answers: Vec<Vec<u8>>) -> (SocketAddr, mpsc::Receiver<(u16, String)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut answers = answers.into_iter().peekable();
            while answers.peek().is_some() {
                let (mut stream, peer) = listener.accept().unwrap();
                while let Some(request) = read(&mut stream) {
                    tell.send((peer.port(), request)).unwrap();
                    match answers.next() {
                        Some(answer) if !answer.is_empty() => stream.write_all(&answer).unwrap(),
                        _ => break,
                    }
                }
            }
        });
        (address, told)
    }

    /// One request with a body as long as it says, or `None` at the end.
    fn read(stream: &mut TcpStream) -> Option<String> {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte).unwrap_or(0) == 0 {
                return None;
            }
            bytes.push(byte[0]);
        }
        let head = String::from_utf8(bytes).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        Some(head + &String::from_utf8(body).unwrap())
    }

    fn ok(body: &str) -> Vec<u8> {
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nX-A: b\r\n\r\n{body}").into_bytes()
    }

    fn request(address: SocketAddr, target: &str, body: &'static str) -> http::Request<Bytes> {
        http::Request::post(format!("http://{address}{target}"))
            .header("Accept", "application/json")
            .header("User-Agent", "kabao")
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap()
    }

    #[tokio::test]
    async fn what_it_is_given_goes_out_and_connections_are_reused() {
        let (address, told) = server(vec![ok("one"), ok("two")]);
        let transport = transport();
        let target = "/v3/a%2Fb//c;d=1,2/%E5%BC%A0?x=1%202&y=a/b?&z=[1]*~'".replace('\'', "%27");
        for body in ["{}", ""] {
            let answer = transport
                .send(request(address, &target, body), 100)
                .await
                .unwrap();
            assert_eq!(answer.headers()["x-a"], "b");
            assert_eq!(answer.body().len(), 3);
        }
        let (port, first) = told.recv().unwrap();
        assert!(
            first.starts_with(&format!("POST {target} HTTP/1.1\r\n")),
            "{first}"
        );
        assert!(first.ends_with("\r\n\r\n{}"), "{first}");
        assert!(first.contains("user-agent: kabao\r\n"), "{first}");
        assert!(!first.contains("accept-encoding"), "{first}");
        let (again, second) = told.recv().unwrap();
        assert_eq!(port, again);
        assert!(second.contains("\r\ncontent-length: 0\r\n"), "{second}");
        assert!(second.ends_with("\r\n\r\n"), "{second}");
    }

    #[test]
    fn what_failed_to_set_up_is_set_up_again() {
        let mut transport = transport();
        transport.settings.roots = vec![Certificate::from_der(b"none").unwrap()];
        let error = transport
            .prepare("https://api.mch.weixin.qq.com")
            .unwrap_err();
        assert_eq!(error.stage(), Stage::Unsendable);
        transport.settings.roots.clear();
        transport.prepare("https://api.mch.weixin.qq.com").unwrap();
    }

    #[tokio::test]
    async fn a_target_that_would_be_rewritten_is_refused() {
        let (address, told) = server(vec![ok("")]);
        let transport = transport();
        for target in ["/v3/a/%2e%2e/b", "/v3/./b", "/v3/x?a='13800138000'"] {
            let error = transport
                .send(request(address, target, ""), 100)
                .await
                .unwrap_err();
            assert_eq!(error.stage(), Stage::Unsendable, "{target}");
            assert!(error.to_string().contains("not what was signed"), "{error}");
            assert!(!format!("{error:?}").contains("138"), "{error:?}");
            assert!(!error.may_have_been_sent());
        }
        assert!(told.try_recv().is_err());
        for target in ["/v3/x?", "/v3/x", "/", "/v3/x??", "/v3/x/?a"] {
            let uri = request(address, target, "").uri().clone();
            let origin = transport.origin(&uri).unwrap();
            assert!(with_target(&origin.url, &uri).is_ok(), "{target}");
        }
    }

    #[tokio::test]
    async fn redirects_are_answers_and_large_answers_are_not() {
        let redirect =
            b"HTTP/1.1 302 Found\r\nLocation: /v3/y\r\nContent-Length: 0\r\n\r\n".to_vec();
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n";
        let (address, _told) = server(vec![
            redirect,
            chunked.to_vec(),
            ok("0123456789"),
            chunked.to_vec(),
        ]);
        let transport = transport();
        let send = |limit| transport.send(request(address, "/v3/x", ""), limit);
        assert_eq!(send(10).await.unwrap().status(), 302);
        assert_eq!(send(6).await.unwrap().body().as_ref(), b"abcdef");
        for limit in [9, 5] {
            let error = send(limit).await.unwrap_err();
            assert_eq!(error.stage(), Stage::Answered);
            assert!(
                error
                    .to_string()
                    .contains(&format!("more than {limit} bytes")),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_failure_tells_whether_the_request_was_sent() {
        let (address, _told) = server(vec![Vec::new()]);
        let error = transport()
            .send(request(address, "/v3/x", "{}"), 100)
            .await
            .unwrap_err();
        assert_eq!(error.stage(), Stage::Sent, "{error}");

        let closed = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let error = transport()
            .send(request(closed, "/v3/x", "{}"), 100)
            .await
            .unwrap_err();
        assert_eq!(error.stage(), Stage::Connecting, "{error}");
        assert!(error.to_string().contains("refused"), "{error}");
        assert!(error.source().is_some());
        assert!(!format!("{error:?}").contains("/v3/x"), "{error:?}");

        // A server that takes the connection but does not speak TLS.
        let (address, _told) = server(vec![ok("")]);
        let mut tls = request(address, "/v3/x", "{}");
        *tls.uri_mut() = format!("https://{address}/v3/x").parse().unwrap();
        let error = transport().send(tls, 100).await.unwrap_err();
        assert_eq!(error.stage(), Stage::Connecting, "{error}");
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
            assert_eq!(
                Route::of(&Url::parse(url).unwrap()).loopback,
                loopback,
                "{url}"
            );
        }
    }
}
