//! One attempt over HTTP: to the sockets that were checked, without redirects,
//! answered within five seconds.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls_platform_verifier::Verifier;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{NotificationSettings, address::Address};

/// How long a receiver may take to answer, connecting included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How much of a failure's answer is kept for people, and how long to wait for it
/// beyond the status, which alone decides.
const SHOWN: usize = 200;
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

/// Posts notifications.
#[derive(Debug)]
pub(crate) struct Poster {
    roots: Vec<Vec<u8>>,
    /// Made when first needed: the system's authorities are many.
    tls: OnceLock<Arc<ClientConfig>>,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// What the receiver answered, if it did.
    pub(crate) status: Option<u16>,
    /// Why it counts as failed; `None` if the receiver has taken it.
    pub(crate) error: Option<String>,
}

impl Outcome {
    /// There was no answer.
    pub(crate) fn failed(error: impl Into<String>) -> Self {
        Self {
            status: None,
            error: Some(error.into()),
        }
    }

    /// Why there was none.
    pub(crate) fn unanswered(&self) -> Option<&str> {
        match self.status {
            None => self.error.as_deref(),
            Some(_) => None,
        }
    }

    /// 200 and 204 are taken. The body says nothing.
    async fn answered(answer: Response<Incoming>) -> Self {
        let status = answer.status();
        let error = match status {
            StatusCode::OK | StatusCode::NO_CONTENT => None,
            _ => Some(match beginning(answer.into_body()).await.trim() {
                "" => format!("the receiver answered {status}"),
                text => format!("the receiver answered {status}: {text}"),
            }),
        };
        Self {
            status: Some(status.as_u16()),
            error,
        }
    }
}

impl Poster {
    /// Trusts the system's authorities, these, and those of the settings.
    pub(crate) fn new(settings: &NotificationSettings, own_authority: Option<&str>) -> Self {
        let own = own_authority.map(|pem| pem.as_bytes().to_vec());
        Self {
            roots: settings.roots.iter().cloned().chain(own).collect(),
            tls: OnceLock::new(),
        }
    }

    /// Makes one attempt at these sockets of the address.
    pub(crate) async fn post(
        &self,
        address: &Address,
        sockets: &[SocketAddr],
        headers: HeaderMap,
        body: Bytes,
    ) -> Outcome {
        // Ends with this call, whatever state it is in.
        let mut driver = JoinSet::new();
        let attempt = async {
            let stream = connect(sockets).await?;
            let request = request(address, headers, body)?;
            if !address.https {
                return exchange(stream, request, &mut driver).await;
            }
            let tls = TlsConnector::from(self.tls()?);
            let name = ServerName::try_from(address.host.clone())
                .map_err(|error| format!("{}: {error}", address.host))?;
            let stream = tls
                .connect(name, stream)
                .await
                .map_err(|error| format!("TLS failed: {error}"))?;
            exchange(stream, request, &mut driver).await
        };
        match timeout(PATIENCE, attempt).await {
            Ok(Ok(answer)) => Outcome::answered(answer).await,
            Ok(Err(error)) => Outcome::failed(error),
            Err(_) => Outcome::failed("no answer within 5 s"),
        }
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        if let Some(config) = self.tls.get() {
            return Ok(Arc::clone(config));
        }
        let config = tls_config(&self.roots).map_err(|error| format!("TLS: {error}"))?;
        Ok(Arc::clone(self.tls.get_or_init(|| Arc::new(config))))
    }
}

fn tls_config(roots: &[Vec<u8>]) -> Result<ClientConfig, Box<dyn std::error::Error>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let roots: Vec<CertificateDer<'static>> = roots
        .iter()
        .flat_map(|pem| CertificateDer::pem_slice_iter(pem))
        .collect::<Result<_, _>>()?;
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider))?;
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

async fn connect(sockets: &[SocketAddr]) -> Result<TcpStream, String> {
    let mut failure = String::new();
    for socket in sockets {
        match TcpStream::connect(socket).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = format!("cannot connect to {socket}: {error}"),
        }
    }
    Err(failure)
}

fn request(
    address: &Address,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, String> {
    let mut request = Request::post(&address.path)
        .header(header::HOST, &address.authority)
        .body(Full::new(body))
        .map_err(|error| error.to_string())?;
    request.headers_mut().extend(headers);
    Ok(request)
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
    driver: &mut JoinSet<hyper::Result<()>>,
) -> Result<Response<Incoming>, String> {
    let broken = |error: hyper::Error| format!("the receiver broke off: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    driver.spawn(connection);
    sender.send_request(request).await.map_err(broken)
}

/// The first characters of an answer; what cannot be read is not missed.
async fn beginning(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    let reading = async {
        while bytes.len() < SHOWN * 4
            && let Some(Ok(frame)) = body.frame().await
        {
            bytes.extend(frame.into_data().unwrap_or_default());
        }
    };
    // What has come by then is shown.
    let _ = timeout(SHOWN_WITHIN, reading).await;
    String::from_utf8_lossy(&bytes)
        .chars()
        .take(SHOWN)
        .collect()
}

#[cfg(test)]
mod tests {
    use kabao_core::PrivateKey;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::{clock::real_now, keys::Authority, tls};

    async fn listener() -> (TcpListener, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        (listener, port)
    }

    /// Reads a request that ends with `{}` and gives it, after the answer.
    async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str) -> String {
        let mut seen = Vec::new();
        while !seen.ends_with(b"{}") {
            let read = stream.read_buf(&mut seen).await.expect("a request");
            assert!(read > 0, "the request ended early");
        }
        stream.write_all(answer.as_bytes()).await.expect("a reader");
        String::from_utf8(seen).expect("text")
    }

    async fn post(poster: &Poster, url: &str) -> Outcome {
        let address = Address::parse(url, false).expect("an address");
        let mut headers = HeaderMap::new();
        headers.insert("wechatpay-nonce", "n".parse().expect("a value"));
        let body = Bytes::from_static(b"{}");
        let settings = NotificationSettings::default();
        let sockets = address.resolve(&settings).await.expect("this machine");
        poster.post(&address, &sockets, headers, body).await
    }

    fn poster() -> Poster {
        Poster::new(&NotificationSettings::default(), None)
    }

    #[tokio::test]
    async fn two_statuses_are_success_and_no_redirect_is_followed() {
        let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        for (response, status, error) in [
            (ok, 200, None),
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, None),
            (
                "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",
                201,
                Some("201 Created"),
            ),
            (
                "HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n",
                302,
                Some("302 Found"),
            ),
            (
                "HTTP/1.0 500 No\r\n\r\n数据库忙",
                500,
                Some("Internal Server Error: 数据库忙"),
            ),
        ] {
            let (listener, port) = listener().await;
            let server = tokio::spawn(async move {
                let (stream, _) = listener.accept().await.expect("a connection");
                answer(stream, response).await
            });
            let attempt = post(&poster(), &format!("http://localhost:{port}/a")).await;
            assert_eq!(attempt.status, Some(status));
            match (error, &attempt.error) {
                (None, None) => {}
                (Some(words), Some(text)) => assert!(text.contains(words), "{text}"),
                _ => panic!("{attempt:?}"),
            }
            let seen = server.await.expect("a request");
            assert!(seen.starts_with("POST /a HTTP/1.1\r\n"), "{seen}");
            let host = format!("host: localhost:{port}\r\n");
            assert!(
                seen.contains(&host) && seen.contains("wechatpay-nonce: n\r\n"),
                "{seen}"
            );
        }
    }

    #[tokio::test]
    async fn a_receiver_that_is_not_there_or_speaks_no_http_is_a_failure() {
        let (listener, port) = listener().await;
        let url = format!("http://127.0.0.1:{port}/");
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("a connection");
            answer(stream, "hello\r\n\r\n").await;
        });
        let attempt = post(&poster(), &url).await;
        server.await.expect("a request");
        let text = attempt.error.expect("a failure");
        assert!(text.starts_with("the receiver broke off"), "{text}");
        let attempt = post(&poster(), "http://127.0.0.1:9/").await;
        let text = attempt.error.expect("a failure");
        assert!(text.starts_with("cannot connect to 127.0.0.1:"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn five_seconds_are_enough() {
        let (listener, port) = listener().await;
        let begun = tokio::time::Instant::now();
        let attempt = post(&poster(), &format!("http://127.0.0.1:{port}/")).await;
        assert_eq!(attempt, Outcome::failed("no answer within 5 s"));
        assert!(begun.elapsed() >= PATIENCE);
        drop(listener);
    }

    #[tokio::test]
    async fn tls_is_checked() {
        let key = PrivateKey::generate().expect("a key");
        let authority = Authority::new(key, real_now()).expect("an authority");
        let config = tls::server_config(&authority).expect("settings");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let (listener, port) = listener().await;
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                // The one that does not trust the authority ends here.
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream, "HTTP/1.1 204 No Content\r\n\r\n").await;
                }
            }
        });
        let url = format!("https://localhost:{port}/");
        let settings = NotificationSettings::default();
        let own = Poster::new(&settings, Some(authority.certificate_pem()));
        assert_eq!(post(&own, &url).await.status, Some(204));
        let given = settings.root_certificate(authority.certificate_pem());
        assert_eq!(
            post(&Poster::new(&given, None), &url).await.status,
            Some(204)
        );
        let text = post(&poster(), &url).await.error.expect("a failure");
        assert!(text.starts_with("TLS"), "{text}");
    }
}
