//! Which database an address means, and how it is reached.

use std::{env, path::PathBuf, pin::Pin, time::Duration};

use deadpool_postgres::{Connect, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod};
use futures_util::future::select_ok;
use kabao_core::query::decode_component;
use tokio::task::JoinHandle;
use tokio_postgres::{
    Client, Config, Error,
    config::{Host, LoadBalanceHosts, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls::{self, Proof};
use crate::{random, store::StoreError};

/// The variable that every program which speaks to PostgreSQL takes a password
/// from, so that it need not stand in an address.
const PASSWORD_VARIABLE: &str = "PGPASSWORD";

const FORM: &str = "write `postgres://USER:PASSWORD@HOST/DATABASE`, what is special in a password \
     (`@` as %40, `/` as %2F, `?` as %3F) as %XX";

/// Connections of one process. Those that nobody uses cost the server memory.
const CONNECTIONS: usize = 16;

/// How long one host may be silent before the next is asked, too. Whichever
/// lets one in first is used.
const HEAD_START: Duration = Duration::from_millis(250);

/// What holds unless the address says otherwise. A name may have an address that
/// takes no connection, and a server may go without a word: either is noticed
/// after so many seconds. Only a server that takes changes is of use.
const DEFAULTS: &str = "application_name=kabao-sandbox&connect_timeout=2&tcp_user_timeout=10\
     &keepalives_idle=10&keepalives_interval=2&keepalives_retries=3\
     &target_session_attrs=read-write";

/// What holds for every connection. A statement is given up here when its
/// caller has; and one whose caller has vanished holds no row for long.
const SETTINGS: &str = "SET statement_timeout = '5s';
    SET idle_in_transaction_session_timeout = '10s'";

/// A database on a server.
pub(super) struct Server {
    /// How each of its hosts is reached, at least one.
    hosts: Vec<Config>,
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
        let Parts {
            login,
            hosts,
            database,
            options,
            sslmode,
            sslrootcert,
        } = Parts::of(uri)?;
        let (mode, proof) = match sslmode.as_deref().unwrap_or("prefer") {
            "verify-full" => {
                // Those of the system have this name, too.
                let authorities = sslrootcert.filter(|file| file != "system");
                let authorities = authorities.map(PathBuf::from);
                (SslMode::Require, Proof::Certificate { authorities })
            }
            mode @ ("disable" | "prefer" | "require") if sslrootcert.is_some() => {
                return Err(format!(
                    "it names an sslrootcert, and with sslmode={mode} no certificate is looked at; \
                     write sslmode=verify-full"
                ));
            }
            "disable" => (SslMode::Disable, Proof::None),
            "prefer" => (SslMode::Prefer, Proof::None),
            "require" => (SslMode::Require, Proof::None),
            other => {
                return Err(format!(
                    "sslmode is `{other}`; disable, prefer, require and verify-full are known"
                ));
            }
        };
        // What comes later in an address holds.
        let to = |host: &str| -> Result<Config, String> {
            let mut config: Config = format!("{login}{host}{database}?{DEFAULTS}&{options}")
                .parse()
                .map_err(|error| format!("{}; {FORM}", reason(&error)))?;
            config.ssl_mode(mode);
            if config.get_password().is_none()
                && let Some(password) = env::var_os(PASSWORD_VARIABLE)
            {
                config.password(password.as_encoded_bytes());
            }
            check_host(&config)?;
            Ok(config)
        };
        let hosts = hosts.split(',').map(to).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            tls: tls::connector(&proof)?,
            name: name(&hosts),
            hosts,
        })
    }

    /// The address for people, without the password.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// One connection, whose other half runs until it ends or is aborted. It
    /// waits for as long as a host is silent and none refuses.
    pub(super) async fn connect(&self) -> Result<(Client, JoinHandle<()>), Error> {
        let mut hosts: Vec<&Config> = self.hosts.iter().collect();
        if hosts[0].get_load_balance_hosts() == LoadBalanceHosts::Random {
            hosts.sort_by_cached_key(|_| random::number());
        }
        let asked = (0..).zip(hosts).map(|(place, host)| {
            Box::pin(async move {
                tokio::time::sleep(HEAD_START * place).await;
                host.connect(self.tls.clone()).await
            })
        });
        let ((client, connection), _) = select_ok(asked).await?;
        let running = tokio::spawn(async {
            // Whoever waits for an answer is told, too.
            let _ = connection.await;
        });
        Ok((client, running))
    }

    /// A pool, which connects when it is first asked. Whoever asks it says how
    /// long.
    pub(super) fn pool(self) -> Result<Pool, StoreError> {
        let config = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_connect(Config::new(), self, config);
        let settings = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move {
                let set = client.batch_execute(SETTINGS).await;
                set.map_err(HookError::Backend)
            })
        });
        Pool::builder(manager)
            .max_size(CONNECTIONS)
            .post_create(settings)
            .build()
            .map_err(|error| StoreError::Backend {
                context: "making a pool of connections".into(),
                source: error.into(),
            })
    }
}

impl Connect for Server {
    /// What is given says nothing that the server does not know.
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        Box::pin(self.connect())
    }
}

/// An address in pieces, as they stand in it, but for what is about TLS.
struct Parts<'a> {
    /// All before the hosts.
    login: &'a str,
    /// With ports, separated by commas.
    hosts: &'a str,
    /// Behind a slash, if there is one.
    database: &'a str,
    /// All others.
    options: String,
    sslmode: Option<String>,
    sslrootcert: Option<String>,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Result<Self, String> {
        let scheme = uri.find("://").map_or(0, |at| at + "://".len());
        let rest = uri.get(scheme..).unwrap_or_default();
        let (authority, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        // Otherwise a part of a password would be taken for a host, or a user,
        // which are shown.
        if authority.matches('@').count() > 1 || rest.contains('@') {
            return Err(format!("an `@` in it ends no password; {FORM}"));
        }
        let host = authority.find('@').map_or(0, |at| at + 1);
        let (login, hosts) = uri[..scheme + authority.len()].split_at(scheme + host);
        let (database, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut parts = Self {
            login,
            hosts,
            database,
            options: String::new(),
            sslmode: None,
            sslrootcert: None,
        };
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let read = |name: &str, value: &str| {
                let value = decode_component(value);
                value.ok_or_else(|| format!("{name} cannot be read; {FORM}"))
            };
            match option.split_once('=') {
                Some(("sslmode", mode)) => parts.sslmode = Some(read("sslmode", mode)?),
                Some(("sslrootcert", file)) => {
                    parts.sslrootcert = Some(read("sslrootcert", file)?);
                }
                _ => parts.options.extend([option, "&"]),
            }
        }
        Ok(parts)
    }
}

fn check_host(config: &Config) -> Result<(), String> {
    let (hosts, addresses) = (config.get_hosts().len(), config.get_hostaddrs().len());
    match (hosts, addresses) {
        (0, 0) => Err(format!("it names no host; {FORM}")),
        (0, _) | (_, 0) => Ok(()),
        _ if hosts == addresses => Ok(()),
        _ => Err(format!(
            "hostaddr has {addresses} addresses for one host; write them in place of the hosts"
        )),
    }
}

fn name(of: &[Config]) -> String {
    let hosts = of.iter().flat_map(|config| {
        let ports = config.get_ports();
        let port = move |at| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        let hosts = config.get_hosts().iter().enumerate();
        let hosts = hosts.map(move |(at, host)| match host {
            Host::Tcp(host) => format!("{host}:{}", port(at)),
            #[cfg(unix)]
            Host::Unix(folder) => format!("{}:{}", folder.display(), port(at)),
        });
        let addresses = config.get_hostaddrs().iter().map(ToString::to_string);
        match config.get_hosts().is_empty() {
            true => addresses.collect::<Vec<_>>(),
            false => hosts.collect(),
        }
    });
    let hosts = hosts.collect::<Vec<_>>().join(",");
    let first = of.first();
    let user = first.and_then(Config::get_user);
    let database = first.and_then(Config::get_dbname).or(user);
    let user = user.map(|user| format!("{user}@"));
    format!(
        "postgres://{}{hosts}/{}",
        user.unwrap_or_default(),
        database.unwrap_or_default()
    )
}

/// What the library says of an address: names of options, never their values.
fn reason(error: &Error) -> String {
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
                "postgres://u:ge%3Fheim@a,b:1/app?application_name=x",
                "postgres://u@a:5432,b:1/app",
            ),
            (
                "postgres://u@%2Frun%2Fpostgresql/app",
                "postgres://u@/run/postgresql:5432/app",
            ),
            (
                "postgres:///app?host=%2Frun%2Fpostgresql&user=u&password=geheim",
                "postgres://u@/run/postgresql:5432/app",
            ),
            ("postgres://u@a/app?hostaddr=::1", "postgres://u@a:5432/app"),
            (
                "postgres://u@[::1]:1,[::2]",
                "postgres://u@::1:1,::2:5432/u",
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
            ("postgres://u:ge?heim@db/app", "%3F"),
            ("postgres://u:ge/heim@db/app", "%2F"),
            ("postgres://db/app?user=u&password=ge@heim", "%40"),
            ("postgres://db?user=u&password=ge@heim", "%40"),
            ("postgres://db:1/app?user=u&password=ge@heim", "%40"),
            ("postgres://u@a,b/app?hostaddr=::1,::2", "hostaddr"),
            ("postgres://u@db/app?sslrootcert=/ca.pem", "sslmode=prefer"),
            (
                "postgres://u@db/app?sslmode=require&sslrootcert=system",
                "write sslmode=verify-full",
            ),
            (
                "postgres://u@db/app?sslrootcert=/ca.pem&sslmode=disable",
                "write sslmode=verify-full",
            ),
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

    fn only_host(uri: &str) -> Config {
        let server = Server::parse(uri).unwrap_or_else(|error| panic!("{uri}: {error}"));
        let [host] = &server.hosts[..] else {
            panic!("{uri} has {} hosts", server.hosts.len());
        };
        host.clone()
    }

    #[test]
    fn tls_is_as_the_address_has_it() {
        for (query, wanted) in [
            ("", SslMode::Prefer),
            ("?sslmode=disable", SslMode::Disable),
            ("?sslmode=require&connect_timeout=1", SslMode::Require),
            ("?sslmode=verify-full", SslMode::Require),
        ] {
            let config = only_host(&format!("postgres://u@db/app{query}"));
            assert_eq!(config.get_ssl_mode(), wanted, "{query}");
        }
    }

    #[test]
    fn what_the_address_says_holds() {
        let plain = only_host("postgres://u@db");
        let seconds = Duration::from_secs;
        assert_eq!(plain.get_application_name(), Some("kabao-sandbox"));
        assert_eq!(plain.get_connect_timeout(), Some(&seconds(2)));
        assert_eq!(plain.get_keepalives_idle(), seconds(10));
        assert_eq!(plain.get_keepalives_interval(), Some(seconds(2)));
        assert_eq!(plain.get_keepalives_retries(), Some(3));
        let other = only_host(
            "postgres://u@db?keepalives_idle=7200&connect_timeout=1&application_name=x\
             &target_session_attrs=any&tcp_user_timeout=3",
        );
        assert_eq!(other.get_application_name(), Some("x"));
        assert_eq!(other.get_connect_timeout(), Some(&seconds(1)));
        assert_eq!(other.get_keepalives_idle(), seconds(7200));
        assert_eq!(other.get_tcp_user_timeout(), Some(&seconds(3)));
        let any = tokio_postgres::config::TargetSessionAttrs::Any;
        assert_ne!(plain.get_target_session_attrs(), any);
        assert_eq!(other.get_target_session_attrs(), any);
    }
}
