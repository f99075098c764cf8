//! Which database an address means, and how it is reached.

use std::{env, path::PathBuf, time::Duration};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts,
};
use kabao_core::query::decode_component;
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::{self, Proof};
use crate::store::StoreError;

/// The variable that every program which speaks to PostgreSQL takes a password
/// from, so that it need not stand in an address.
const PASSWORD_VARIABLE: &str = "PGPASSWORD";

const FORM: &str =
    "write `postgres://USER:PASSWORD@HOST/DATABASE`, what is special in a password as %XX";

/// Connections of one process. Those that nobody uses cost the server memory.
const CONNECTIONS: usize = 16;

/// How long making a connection may take, and waiting for a free one.
const CONNECTING: Duration = Duration::from_secs(3);

/// A server that is gone without a word is noticed after that long.
const SILENCE: Duration = Duration::from_secs(10);

/// What holds for every connection. A statement is given up here when its
/// caller has; and one whose caller has vanished holds no row for long.
const SETTINGS: &str = "SET statement_timeout = '5s';
    SET idle_in_transaction_session_timeout = '10s'";

/// A database on a server.
pub(super) struct Server {
    config: Config,
    tls: MakeRustlsConnect,
    name: String,
}

impl Server {
    /// Takes an address apart. `sslmode` and `sslrootcert` mean what they mean
    /// to libpq.
    pub(super) fn parse(uri: &str) -> Result<Self, StoreError> {
        Self::try_parse(uri).map_err(|issue| StoreError::Uri {
            uri: "postgres:…".into(),
            issue,
        })
    }

    fn try_parse(uri: &str) -> Result<Self, String> {
        let (bare, mode, authorities) = split_tls(uri)?;
        let mut config: Config = bare
            .parse()
            .map_err(|error| format!("{}; {FORM}", reason(&error)))?;
        let proof = match mode.as_deref().unwrap_or("prefer") {
            "disable" => {
                config.ssl_mode(SslMode::Disable);
                Proof::None
            }
            "prefer" => {
                config.ssl_mode(SslMode::Prefer);
                Proof::None
            }
            "require" => {
                config.ssl_mode(SslMode::Require);
                Proof::None
            }
            "verify-full" => {
                config.ssl_mode(SslMode::Require);
                Proof::Certificate { authorities }
            }
            other => {
                return Err(format!(
                    "sslmode is `{other}`; disable, prefer, require and verify-full are known"
                ));
            }
        };
        check_hosts(&config)?;
        complete(&mut config);
        Ok(Self {
            tls: tls::connector(&proof)?,
            name: name(&config),
            config,
        })
    }

    /// The address for people, without the password.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// One connection, whose other half the caller runs.
    pub(super) async fn connect(
        &self,
    ) -> Result<
        (
            tokio_postgres::Client,
            impl Future<Output = ()> + Send + use<>,
        ),
        tokio_postgres::Error,
    > {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        let running = async {
            // Whoever waits for an answer is told, too.
            let _ = connection.await;
        };
        Ok((client, running))
    }

    /// A pool, which connects when it is first asked.
    pub(super) fn pool(self) -> Result<Pool, StoreError> {
        let config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(self.config, self.tls, config);
        let settings = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move {
                let set = client.batch_execute(SETTINGS).await;
                set.map_err(HookError::Backend)
            })
        });
        Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(CONNECTING),
                create: Some(CONNECTING),
                recycle: Some(CONNECTING),
            })
            .post_create(settings)
            .build()
            .map_err(|error| StoreError::Backend {
                context: "making a pool of connections".into(),
                source: error.into(),
            })
    }
}

/// The address without what is about TLS, the `sslmode` and the `sslrootcert`.
fn split_tls(uri: &str) -> Result<(String, Option<String>, Option<PathBuf>), String> {
    // A `?` in a password comes before the first `@`.
    let host = uri.find('@').unwrap_or(0);
    let Some(question) = uri[host..].find('?').map(|at| host + at) else {
        return Ok((uri.to_owned(), None, None));
    };
    let (mut mode, mut authorities, mut rest) = (None, None, Vec::new());
    for pair in uri[question + 1..]
        .split('&')
        .filter(|pair| !pair.is_empty())
    {
        let value = |name: &str, value: &str| {
            decode_component(value).ok_or_else(|| format!("{name} cannot be read; {FORM}"))
        };
        match pair.split_once('=') {
            Some(("sslmode", text)) => mode = Some(value("sslmode", text)?),
            Some(("sslrootcert", text)) => {
                let file = value("sslrootcert", text)?;
                authorities = Some(file).filter(|file| file != "system");
            }
            _ => rest.push(pair),
        }
    }
    let mut bare = uri[..question].to_owned();
    if !rest.is_empty() {
        bare.push('?');
        bare.push_str(&rest.join("&"));
    }
    Ok((bare, mode, authorities.map(PathBuf::from)))
}

fn check_hosts(config: &Config) -> Result<(), String> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(format!("it names no host; {FORM}"));
    }
    // Such a host is the end of a password, which must not be shown.
    let is_torn = |host: &Host| matches!(host, Host::Tcp(host) if host.contains('@'));
    match config.get_hosts().iter().any(is_torn) {
        true => Err("its password has an `@`; write that as %40".into()),
        false => Ok(()),
    }
}

fn complete(config: &mut Config) {
    if config.get_password().is_none()
        && let Some(password) = env::var_os(PASSWORD_VARIABLE)
    {
        config.password(password.as_encoded_bytes());
    }
    if config.get_application_name().is_none() {
        config.application_name("kabao-sandbox");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECTING);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    config.keepalives_idle(SILENCE);
    // Of several hosts the one that takes changes; a lone one that does not is
    // told so at once.
    if config.get_target_session_attrs() == TargetSessionAttrs::Any {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
}

fn name(config: &Config) -> String {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| {
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        match host {
            Host::Tcp(host) => format!("{host}:{port}"),
            #[cfg(unix)]
            Host::Unix(folder) => format!("{}:{port}", folder.display()),
        }
    });
    let addresses = config.get_hostaddrs().iter().map(ToString::to_string);
    let hosts: Vec<String> = match config.get_hosts().is_empty() {
        true => addresses.collect(),
        false => hosts.collect(),
    };
    let user = config.get_user().map(|user| format!("{user}@"));
    let database = config.get_dbname().or(config.get_user());
    format!(
        "postgres://{}{}/{}",
        user.unwrap_or_default(),
        hosts.join(","),
        database.unwrap_or_default()
    )
}

/// What the library says of an address: names of options, never their values.
fn reason(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => cause.to_string(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(uri: &str) -> String {
        match Server::parse(uri) {
            Ok(server) => panic!("{uri} is {}", server.name()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (uri, shown) in [
            ("postgres://u:geheim@db/app", "postgres://u@db:5432/app"),
            (
                "postgresql://u:ge%40he%3Fim@db:6432?sslmode=require",
                "postgres://u@db:6432/u",
            ),
            (
                "postgres://u:ge?heim@a,b:1/app?application_name=x",
                "postgres://u@a:5432,b:1/app",
            ),
            (
                "postgres://u@%2Frun%2Fpostgresql/app",
                "postgres://u@/run/postgresql:5432/app",
            ),
        ] {
            let server = Server::parse(uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
            assert_eq!(server.name(), shown);
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_named_without_its_password() {
        for (uri, wanted) in [
            ("postgres://u:geheim@/app", "no host"),
            ("postgres://u:ge@heim@db/app", "%40"),
            ("postgres://u:geheim@db/app?colour=red", "`colour`"),
            (
                "postgres://u:geheim@db/app?sslmode=verify-ca",
                "verify-full",
            ),
            ("postgres://u:geheim@db:x/app", "port"),
            (
                "postgres://u:geheim@db/app?sslmode=verify-full&sslrootcert=/nowhere.pem",
                "sslrootcert=/nowhere.pem",
            ),
        ] {
            let issue = issue(uri);
            assert!(issue.contains(wanted), "{uri}: {issue}");
            assert!(
                !issue.contains("geheim") && !issue.contains("heim"),
                "{issue}"
            );
        }
    }

    #[test]
    fn tls_is_as_the_address_has_it() {
        let mode = |uri: &str| Server::parse(uri).map(|server| server.config.get_ssl_mode());
        for (query, wanted) in [
            ("", SslMode::Prefer),
            ("?sslmode=disable", SslMode::Disable),
            ("?sslmode=require&connect_timeout=1", SslMode::Require),
            ("?sslmode=verify-full", SslMode::Require),
        ] {
            let found = mode(&format!("postgres://u@db/app{query}"));
            assert_eq!(found.unwrap_or_else(|error| panic!("{error}")), wanted);
        }
    }
}
