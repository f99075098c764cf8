//! `kabao sandbox serve`.

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    path::PathBuf,
};

use clap::{Args, ValueEnum};
use kabao_sandbox::{RateLimits, Sandbox};

use crate::{embedded::start_problem, output::printer::Printer, problem::Problem, settings::paths};

/// How the sandbox is to run.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0", value_parser = address)]
    listen: SocketAddr,
    /// Where to keep state: sqlite:PATH, memory or
    /// postgres://USER@HOST/DATABASE, which several sandboxes may share; its
    /// password comes from PGPASSWORD. [default: sqlite in the data folder]
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// A folder to write keys, certificates and credentials.json to, under the
    /// names of the merchant console.
    #[arg(long, value_name = "DIR")]
    credentials: Option<PathBuf>,
    /// Which rate limits to keep.
    #[arg(long, value_name = "LIMITS", default_value = "documented")]
    rate_limits: Limits,
    /// Speak TLS under a local authority, ca.pem of the credentials.
    #[arg(long)]
    tls: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Limits {
    /// Those of the documentation, 5 a second for most operations.
    Documented,
    /// None.
    Off,
}

/// Serves until a signal comes.
pub(crate) async fn serve(args: ServeArgs, printer: &Printer) -> Result<(), Problem> {
    // Before anybody can see the ready line and send a signal.
    let mut signals = Signals::listen()
        .map_err(|error| Problem::new("cannot listen for signals").caused_by(&error))?;
    let mut builder = Sandbox::builder()
        .listen(args.listen)
        .rate_limits(match args.rate_limits {
            Limits::Documented => RateLimits::Documented,
            Limits::Off => RateLimits::Off,
        })
        .tls(args.tls);
    match args.store {
        // Its master key lies beside it, so that the two move together.
        Some(store) if store.starts_with("sqlite:") || store == "memory" => {
            builder = builder.store(store);
        }
        Some(store) => builder = builder.store(store).data_dir(data_dir()?),
        None => builder = builder.data_dir(data_dir()?),
    }
    if let Some(folder) = &args.credentials {
        builder = builder.credentials_dir(folder);
    }
    let sandbox = builder
        .start()
        .await
        .map_err(|error| start_problem(&error))?;
    printer.data(format!("listening on {}\n", sandbox.base_url()))?;
    if let Some(folder) = &args.credentials {
        printer.note(&format!("credentials are in {}", folder.display()));
    }
    signals.next().await;
    printer.note("stopping");
    tokio::select! {
        () = sandbox.stop() => Ok(()),
        // Whoever asks twice does not want to wait for running requests.
        () = signals.next() => Ok(()),
    }
}

fn data_dir() -> Result<PathBuf, Problem> {
    paths::data_dir(&|name: &str| std::env::var(name).ok())
}

/// `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let found: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|error| format!("{error}; write ADDRESS:PORT such as 127.0.0.1:8080"))?
        .collect();
    let first = found
        .iter()
        .find(|address| address.is_ipv4())
        .or(found.first());
    first
        .copied()
        .ok_or_else(|| "the name has no address".into())
}

/// SIGINT and SIGTERM.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // Without a handler the process ends anyway.
        let _ = tokio::signal::ctrl_c().await;
    }
}
