//! hyper's pooled client. Only this file and `connect.rs` know an HTTP library.

use std::{error::Error as StdError, time::Duration};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, PROXY_AUTHORIZATION};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::{
    client::legacy::{Client, Error as ClientError},
    rt::{TokioExecutor, TokioTimer},
};

use super::{
    Sending, Stage, Transport, TransportError,
    connect::{Connector, Settings},
};

/// HTTP/1.1 with rustls, connections reused.
///
/// hyper sends path and query as they are given. Libraries on top of it put
/// them through a URL parser, which resolves and re-encodes: then it is not what
/// was signed that goes out.
///
/// A [`Client`](crate::Client) has one of its own; this is for programs that put
/// their own [`Transport`] around it.
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use kabao::transport::{HyperTransport, Sending, Settings, Transport};
///
/// #[derive(Debug)]
/// struct Counting(HyperTransport, std::sync::atomic::AtomicUsize);
///
/// impl Transport for Counting {
///     fn send(&self, request: http::Request<bytes::Bytes>, limit: usize) -> Sending<'_> {
///         self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
///         self.0.send(request, limit)
///     }
/// }
///
/// let inner = HyperTransport::new(Settings::new(Duration::from_secs(5)));
/// let transport = Arc::new(Counting(inner, Default::default()));
/// ```
#[derive(Debug)]
pub struct HyperTransport {
    connector: Connector,
    client: Client<Connector, Full<Bytes>>,
}

impl HyperTransport {
    /// Connects when there is something to send.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let connector = Connector::new(settings);
        let client = Client::builder(TokioExecutor::new())
            // The server closes idle connections after 8 s.
            .pool_idle_timeout(Duration::from_secs(7))
            .pool_timer(TokioTimer::new())
            .build(connector.clone());
        Self { connector, client }
    }

    /// Sets up what an origin needs.
    pub(crate) fn prepare(&self, origin: &str) -> Result<(), TransportError> {
        let origin = http::Uri::try_from(origin).map_err(|error| {
            let reason = format!("`{origin}`: {error}");
            TransportError::new(Stage::Unsendable, reason).with_source(error)
        })?;
        self.prepare_for(&origin)
    }

    fn prepare_for(&self, target: &http::Uri) -> Result<(), TransportError> {
        if target.scheme_str() == Some("https") {
            self.connector
                .tls()
                .map_err(|error| describe(Stage::Unsendable, error))?;
        }
        Ok(())
    }
}

impl Transport for HyperTransport {
    fn send(&self, mut request: http::Request<Bytes>, limit: usize) -> Sending<'_> {
        Box::pin(async move {
            self.prepare_for(request.uri())?;
            let takes_body = matches!(request.method().as_str(), "POST" | "PUT" | "PATCH");
            if takes_body && request.body().is_empty() {
                // Hyper leaves it out, and servers may answer 411 then.
                request.headers_mut().insert(CONTENT_LENGTH, 0.into());
            }
            if let Some(value) = self.connector.proxy_authorization(request.uri()) {
                request.headers_mut().insert(PROXY_AUTHORIZATION, value);
            }
            let answer = self
                .client
                .request(request.map(Full::new))
                .await
                .map_err(|error| describe(stage_of(&error), error))?;
            collect(answer, limit).await
        })
    }
}

fn stage_of(error: &ClientError) -> Stage {
    match error.is_connect() {
        true => Stage::Connecting,
        false => Stage::Sent,
    }
}

async fn collect(
    answer: http::Response<Incoming>,
    limit: usize,
) -> Result<http::Response<Bytes>, TransportError> {
    let too_large = || {
        let reason = format!("the answer has more than {limit} bytes");
        TransportError::new(Stage::Answered, reason)
    };
    let (head, mut body) = answer.into_parts();
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    // Nearly every answer is one piece, which then is not copied.
    let mut first = Bytes::new();
    let mut pieces = BytesMut::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| describe(Stage::Sent, error))?;
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        length += piece.len();
        if length > limit {
            return Err(too_large());
        }
        if first.is_empty() {
            first = piece;
        } else {
            if pieces.is_empty() {
                pieces.extend_from_slice(&first);
            }
            pieces.extend_from_slice(&piece);
        }
    }
    let body = match pieces.is_empty() {
        true => first,
        false => pieces.freeze(),
    };
    Ok(http::Response::from_parts(head, body))
}

/// The library's own text says little; the innermost cause says what happened.
fn describe(stage: Stage, error: impl StdError + Send + Sync + 'static) -> TransportError {
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

    fn transport() -> HyperTransport {
        HyperTransport::new(Settings::new(Duration::from_millis(300)))
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

    #[tokio::test]
    async fn nothing_is_rewritten() {
        let targets = [
            "/v3/a/%2e%2e/b",
            "/v3/./b/../c",
            "/v3/x?a='13800138000'",
            "/v3/x?",
            "/",
            "/v3/x??",
            "//v3/x/?a",
        ];
        let (address, told) = server(targets.map(|_| ok("")).to_vec());
        let transport = transport();
        for target in targets {
            let request = request(address, target, "");
            transport.send(request, 100).await.unwrap();
            let (_, sent) = told.recv().unwrap();
            let line = format!("POST {target} HTTP/1.1\r\n");
            assert!(sent.starts_with(&line), "{sent}");
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

        // Nobody listens there.
        let closed = (std::net::Ipv4Addr::LOCALHOST, 9).into();
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
}
