//! Starting and stopping a sandbox.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    app::App,
    bounds,
    control::{ControlToken, ControlTokenError, Guard},
    credentials::{Credentials, CredentialsError, keep},
    folder::{DataFolder, DataFolderError},
    keys::{Keys, KeysError},
    limits::RateLimits,
    notify::{NotificationSettings, Notifier, worker},
    seed::Seed,
    server::{self, Front},
    store::{self, Store, StoreError, snapshot::SnapshotError},
    switches::Switches,
    tls::{self, TlsError},
    vault::{MasterKey, MasterKeyError},
};

/// A running sandbox. Dropped, it stops at once; [`stop`](Self::stop) lets
/// running requests finish.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    credentials: Credentials,
    app: Arc<App>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    deliveries: JoinHandle<()>,
}

impl Sandbox {
    /// Starts one for a test: in memory, on a free loopback port, with fresh
    /// keys and the sample data, and without rate limits, which would make a
    /// quick test fail now and then ([`SandboxBuilder::rate_limits`] turns the
    /// documented ones on).
    ///
    /// Fresh keys take about half a second; tests of one binary may share a
    /// sandbox.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start() -> Result<Self, StartError> {
        Self::builder()
            .store("memory")
            .rate_limits(RateLimits::Off)
            .start()
            .await
    }

    /// Begins with the defaults of `kabao sandbox serve`.
    #[must_use]
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// Where it listens, such as `http://127.0.0.1:41234`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.credentials.base_url
    }

    /// The socket it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a merchant console would hand out, and the ids of the sample data.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Says at `/_sandbox/ready` that it is about to stop, and serves on: for a
    /// balancer that looks there, so that it has sent others away before
    /// [`stop`](Self::stop) refuses them.
    pub fn drain(&self) {
        self.app.is_draining.store(true, Ordering::Release);
    }

    /// Takes no more connections, lets running requests finish, and ends.
    pub async fn stop(self) {
        self.drain();
        // Without a receiver the server is gone already.
        let _ = self.stop.send(true);
        for task in [self.server, self.deliveries] {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the sandbox died");
            }
        }
    }
}

/// How a sandbox is to run.
#[derive(Debug, Clone)]
pub struct SandboxBuilder {
    listen: SocketAddr,
    store: Option<store::Uri>,
    data_dir: Option<PathBuf>,
    credentials_dir: Option<PathBuf>,
    rate_limits: Option<RateLimits>,
    tls: bool,
    switches: Switches,
    notifications: NotificationSettings,
    control_token: Option<ControlToken>,
    max_connections: usize,
    seed: Seed,
}

impl Default for SandboxBuilder {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            store: None,
            data_dir: None,
            credentials_dir: None,
            rate_limits: None,
            tls: false,
            switches: Switches::default(),
            notifications: NotificationSettings::default(),
            control_token: None,
            max_connections: bounds::CONNECTIONS,
            seed: Seed::default(),
        }
    }
}

impl SandboxBuilder {
    /// Where to listen. Default: `127.0.0.1` and a free port.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// `sqlite:PATH`, `memory` or, with the feature `postgres`,
    /// `postgres://USER:PASSWORD@HOST/DATABASE`, which several instances may
    /// share. Default: a file in the data folder.
    #[must_use]
    pub fn store(mut self, uri: impl Into<String>) -> Self {
        self.store = Some(store::Uri(uri.into()));
        self
    }

    /// The data folder: the default store and the master key. Without one, a
    /// store in a file keeps its master key beside it, and one on a server takes
    /// it from `KABAO_MASTER_KEY`.
    #[must_use]
    pub fn data_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(path.into());
        self
    }

    /// Writes the credentials there before [`start`](Self::start) returns.
    #[must_use]
    pub fn credentials_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.credentials_dir = Some(path.into());
        self
    }

    /// Which rate limits to keep, unless others were set for all sandboxes on the
    /// store (`PUT /_sandbox/rate-limits`), which is then told in the log. Default:
    /// the documented ones.
    #[must_use]
    pub fn rate_limits(mut self, limits: RateLimits) -> Self {
        self.rate_limits = Some(limits);
        self
    }

    /// Whether to speak TLS, with a certificate of a local authority
    /// (`ca.pem` of the credentials). Default: no.
    #[must_use]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// Whether a repeated Authorization is refused. The real service accepts
    /// it, and so does the sandbox by default; the journal marks it.
    #[must_use]
    pub fn refuse_replays(mut self, refuse: bool) -> Self {
        self.switches.refuse_replays = refuse;
        self
    }

    /// What is to be done differently. Default: nothing.
    #[must_use]
    pub fn switches(mut self, switches: Switches) -> Self {
        self.switches = switches;
        self
    }

    /// How notifications are written and where they may go. Default: as
    /// documented, to this machine alone.
    #[must_use]
    pub fn notifications(mut self, settings: NotificationSettings) -> Self {
        self.notifications = settings;
        self
    }

    /// What opens the control plane, as `Authorization: Bearer …`, from anywhere:
    /// 16 to 512 visible ASCII characters. Once it is set it is asked for on this
    /// machine too. Default: none, and the control plane answers this machine
    /// only.
    #[must_use]
    pub fn control_token(mut self, token: impl Into<String>) -> Self {
        self.control_token = Some(ControlToken::new(token.into()));
        self
    }

    /// How many connections there may be at once; others are answered 503. Each
    /// takes a file descriptor. Default: 10,000.
    #[must_use]
    pub fn max_connections(mut self, most: usize) -> Self {
        self.max_connections = most;
        self
    }

    /// What a new store begins with, and what a reset goes back to. Default: the
    /// sample data.
    #[must_use]
    pub fn seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// Starts it on the running Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] says what is in the way. What a store holds is not
    /// touched then.
    pub async fn start(self) -> Result<Sandbox, StartError> {
        if let Some(token) = &self.control_token {
            token.check()?;
        }
        if self.switches.journal_bodies && !self.listen.ip().to_canonical().is_loopback() {
            return Err(StartError::JournalBodies {
                address: self.listen,
            });
        }
        // First the port: if it is taken, nothing has been written yet.
        let listener = listen(self.listen).map_err(|source| StartError::Listen {
            address: self.listen,
            source,
        })?;
        let address = listener.local_addr().map_err(|source| StartError::Listen {
            address: self.listen,
            source,
        })?;
        let store = self.open_store().await?;
        let seed = self.seed.open(store.vault())?;
        let keys = Keys::load_or_sow(&*store, &seed).await?;
        let authority = keys.tls_authority()?;
        let tls = match self.tls {
            false => None,
            true => Some(TlsAcceptor::from(Arc::new(tls::server_config(&authority)?))),
        };
        let scheme = if self.tls { "https" } else { "http" };
        let base_url = format!("{scheme}://{}", reachable(address));
        let mut credentials = Credentials::of(&keys, base_url, self.tls.then_some(&authority))?;
        credentials.name_card_of(seed.contents());
        if let Some(folder) = &self.credentials_dir {
            credentials.write(folder)?;
        }
        let settings = self.notifications.switched(&self.switches);
        let notifier = Notifier::new(settings, Some(authority.certificate_pem()));
        let base_url = credentials.base_url.clone();
        let limits = self.rate_limits.clone().unwrap_or_default();
        let edition = keys.edition();
        let initial = seed.contents().clone();
        let app = App::new(
            store,
            keys,
            initial,
            limits,
            self.switches,
            notifier,
            base_url,
        );
        app.current.read().await?;
        if let Some(asked) = &self.rate_limits {
            app.limiter.warn_unless_kept(asked);
        }
        let left = app.faults.ordered().len();
        if left > 0 {
            tracing::warn!(
                faults = left,
                "faults that were ordered before are on duty; `kabao sandbox fault clear`, or \
                 DELETE /_sandbox/faults, calls them off"
            );
        }
        let app = Arc::new(app);
        let (stop, stopped) = watch::channel(false);
        let (forgetting, until) = (Arc::clone(&app), stopped.clone());
        tokio::spawn(async move { forgetting.replays.keep_short(until).await });
        if let Some(folder) = self.credentials_dir {
            tokio::spawn(keep(Arc::clone(&app), folder, edition, stopped.clone()));
        }
        let deliveries = tokio::spawn(worker::run(Arc::clone(&app), stopped.clone()));
        let front = Front {
            tls,
            max_connections: self.max_connections,
            guard: Guard::new(self.control_token),
        };
        let server = tokio::spawn(server::run(listener, front, Arc::clone(&app), stopped));
        Ok(Sandbox {
            address,
            credentials,
            app,
            stop,
            server,
            deliveries,
        })
    }
}

impl SandboxBuilder {
    async fn open_store(&self) -> Result<Arc<dyn Store>, StartError> {
        let (store, folder) = (self.store.clone(), self.data_dir.clone());
        // It may wait for a server, or for another process that makes the same
        // store.
        let opening = move || {
            let uri = store.as_ref().map(|uri| &*uri.0);
            open_store(uri, folder.as_deref())
        };
        let opened = tokio::task::spawn_blocking(opening).await;
        opened.map_err(|_| StartError::Interrupted)?
    }
}

/// Where programs on this machine find what listens there: what listens on every
/// address has none of its own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Listens as tokio would, but for how many connections may wait to be accepted:
/// thousands that come at once are to be served, not reset.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    const WAITING: u32 = 8192;
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // The port of one that has just ended; elsewhere this would share it.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

fn open_store(store: Option<&str>, data_dir: Option<&Path>) -> Result<Arc<dyn Store>, StartError> {
    let (uri, master_key) = match (store, data_dir) {
        (Some("memory"), _) | (None, None) => {
            let key = MasterKey::from_environment()?.map_or_else(MasterKey::generate, Ok)?;
            ("memory".to_owned(), key)
        }
        (None, Some(folder)) => {
            let folder = DataFolder::create(folder)?;
            store::inspect(&format!("sqlite:{}", folder.database().display()))?;
            (
                format!("sqlite:{}", folder.database().display()),
                folder.master_key()?,
            )
        }
        (Some(uri), folder) => (uri.to_owned(), master_key_for(uri, folder)?),
    };
    Ok(store::open(&uri, &master_key)?)
}

/// The master key of a store at an address: in the data folder, or beside the
/// file.
fn master_key_for(uri: &str, data_dir: Option<&Path>) -> Result<MasterKey, StartError> {
    if let Some(key) = MasterKey::from_environment()? {
        return Ok(key);
    }
    if let Some(there) = store::on_a_server(uri)? {
        let folder = data_dir.ok_or_else(|| MasterKeyError::Nowhere {
            store: there.name.clone(),
        })?;
        let folder = DataFolder::create(folder)?;
        return Ok(folder.master_key_unless_lost(&there.name, there.is_made)?);
    }
    // A foreign or damaged file is told so before a key is put beside it.
    store::inspect(uri)?;
    let Some(file) = uri.strip_prefix("sqlite:").map(Path::new) else {
        // Not an address that is understood, which `store::open` will say.
        return Ok(MasterKey::generate()?);
    };
    let beside = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = data_dir.or(beside).unwrap_or(Path::new("."));
    Ok(DataFolder::create(folder)?.master_key_for(file)?)
}

/// A sandbox could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on; often another program has the port.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The control token.
    #[error(transparent)]
    ControlToken(#[from] ControlTokenError),
    /// The switch is for one's own machine.
    #[error(
        "the switch journal_bodies keeps what callers send; it is for a sandbox that listens on \
         loopback, and this one listens on {address}"
    )]
    JournalBodies {
        /// The address.
        address: SocketAddr,
    },
    /// The data folder.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// The master key.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys in the store.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The snapshot that it is to begin with.
    #[error("the seed cannot be used: {0}")]
    Seed(#[from] SnapshotError),
    /// The credentials folder.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The certificate for TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The runtime is shutting down.
    #[error("the runtime stopped before the sandbox had started")]
    Interrupted,
}
