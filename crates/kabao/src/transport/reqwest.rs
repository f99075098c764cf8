//! The only file that knows an HTTP library.

use std::{
    error::Error as StdError,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
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
    clients: [OnceLock<Result<Client, Arc<reqwest::Error>>>; 4],
}

/// What kind of connection an address needs.
#[derive(Clone, Copy)]
struct Route {
    /// Never through a proxy.
    loopback: bool,
    /// Without it the system's authorities need not be there, which they are
    /// not in a minimal container.
    tls: bool,
}

impl ReqwestTransport {
    /// Takes the settings; sets up what `origin` needs at once, so that
    /// mistakes show early.
    pub(crate) fn new(settings: Settings, origin: &str) -> Result<Self, TransportError> {
        let transport = Self {
            settings,
            clients: Default::default(),
        };
        let url = Url::parse(origin).map_err(|error| {
            TransportError::new(Stage::Unsendable, format!("`{origin}`: {error}"))
        })?;
        transport.client(Route::of(&url))?;
        Ok(transport)
    }

    fn client(&self, route: Route) -> Result<&Client, TransportError> {
        self.clients[route.index()]
            .get_or_init(|| route.connect(&self.settings).map_err(Arc::new))
            .as_ref()
            .map_err(|error| describe(Stage::Unsendable, Arc::clone(error)))
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
            let url = url_of(&parts.uri)?;
            let client = self.client(Route::of(&url))?;
            let mut request = reqwest::Request::new(parts.method, url);
            *request.headers_mut() = parts.headers;
            if !body.is_empty() {
                *request.body_mut() = Some(body.into());
            }
            let answer = client.execute(request).await.map_err(|error| {
                let stage = match () {
                    () if error.is_connect() => Stage::Connecting,
                    () if error.is_builder() => Stage::Unsendable,
                    () => Stage::Sent,
                };
                describe(stage, error)
            })?;
            collect(answer, limit).await
        })
    }
}

/// The address, if it survives reqwest's parser unchanged: the parser resolves
/// and re-encodes, and what is sent has to be what was signed.
fn url_of(uri: &http::Uri) -> Result<Url, TransportError> {
    let signed = uri.path_and_query().map_or("/", |target| target.as_str());
    let url = Url::parse(&uri.to_string())
        .map_err(|error| TransportError::new(Stage::Unsendable, format!("{uri}: {error}")))?;
    let sent = match url.query() {
        Some(query) => signed
            .strip_suffix(query)
            .and_then(|rest| rest.strip_suffix('?')),
        None => Some(signed),
    };
    if sent == Some(url.path()) {
        return Ok(url);
    }
    let query = url
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let reason = format!(
        "`{signed}` would go out as `{}{query}`, which is not what was signed; percent-encode it, or give the values with `param` and `query`",
        url.path(),
    );
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
    let broken = |error| describe(Stage::Sent, error);
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
fn describe(
    stage: Stage,
    error: impl StdError + Into<Box<dyn StdError + Send + Sync>>,
) -> TransportError {
    let mut reason = error.to_string();
    let mut inner = error.source();
    while let Some(cause) = inner {
        reason = cause.to_string();
        inner = cause.source();
    }
    TransportError::new(stage, reason).with_source(error)
}
