//! A database that is ready for use: with the newest schema, and of the right
//! master key.
//!
//! A schema is only ever added to, so that instances of an older version go on
//! while a newer one starts; one that starts on a schema newer than its own is
//! refused. Each migration is one transaction that begins with what only one can
//! do: making the first table, or moving the version on. Whoever comes second
//! waits, fails, and finds the work done.

use std::{error::Error, time::Duration};

use tokio::time::timeout;
use tokio_postgres::{Client, error::SqlState};

use super::{PATIENCE, PATIENCE_FOR_ALL, server::Server, trouble::Said};
use crate::store::StoreError;

const MIGRATIONS: [&str; 2] = [
    include_str!("../../../migrations/postgres/0001_first.sql"),
    include_str!("../../../migrations/postgres/0002_shared.sql"),
];

/// The schema this version makes.
const NEWEST: usize = MIGRATIONS.len();

/// How often to try again: once for each who was first is enough.
const TRIES: usize = 20;

/// What is in a database.
#[derive(Debug, Default, PartialEq, Eq)]
struct Standing {
    /// 0 if nothing is.
    version: usize,
    /// The fingerprint of the master key that it was made with.
    master_key: Option<String>,
}

/// Brings the database up to date, or makes the store in it.
pub(super) async fn prepare(server: &Server, fingerprint: &str) -> Result<(), StoreError> {
    with_client(server, async |client| {
        let mut reason = Unusable::Foreign("no way was found to begin".into());
        for _ in 0..TRIES {
            match bring_nearer(client, fingerprint).await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(Unusable::Refused(error)) if was_second(&error) => {
                    // Unless nobody was first, and the name is another's.
                    reason = Unusable::Foreign(text_of(&error));
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(other) => return Err(other),
            }
        }
        Err(reason)
    })
    .await
}

/// Whether it is ready; if it was not, it may be now.
async fn bring_nearer(client: &mut Client, fingerprint: &str) -> Result<bool, Unusable> {
    let standing = look(client).await?;
    let is_ready = standing.is_ready_for(fingerprint)?;
    if !is_ready {
        bring_up_to_date(client, &standing, fingerprint).await?;
    }
    Ok(is_ready)
}

/// Whether there is a store already, which was made with some master key.
pub(super) async fn is_made(server: &Server) -> Result<bool, StoreError> {
    with_client(server, async |client| {
        let standing = look(client).await?;
        standing.refuse_newer()?;
        Ok(standing.master_key.is_some())
    })
    .await
}

async fn with_client<T>(
    server: &Server,
    work: impl AsyncFnOnce(&mut Client) -> Result<T, Unusable>,
) -> Result<T, StoreError> {
    let done = async {
        let connecting = timeout(PATIENCE, server.connect()).await;
        let (mut client, connection) = connecting.map_err(|_| Unusable::Silent)??;
        let done = timeout(PATIENCE_FOR_ALL, work(&mut client)).await;
        connection.abort();
        done.map_err(|_| Unusable::Silent)?
    };
    done.await.map_err(|unusable| unusable.told(server.name()))
}

async fn look(client: &Client) -> Result<Standing, Unusable> {
    let rows = client
        .query(
            "SELECT name, value FROM meta
             WHERE owner = 'platform' AND name IN ('schema', 'master_key')",
            &[],
        )
        .await;
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => match error.code() {
            Some(&SqlState::UNDEFINED_TABLE) => return Ok(Standing::default()),
            Some(&SqlState::UNDEFINED_COLUMN) => {
                return Err(Unusable::Foreign(text_of(&error)));
            }
            _ => return Err(error.into()),
        },
    };
    let mut standing = Standing::default();
    for row in rows {
        let (name, value): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        match name {
            "schema" => {
                standing.version = value
                    .parse()
                    .map_err(|_| Unusable::Foreign(format!("its schema is `{value}`")))?;
            }
            _ => standing.master_key = Some(value.to_owned()),
        }
    }
    Ok(standing)
}

impl Standing {
    fn is_ready_for(&self, fingerprint: &str) -> Result<bool, Unusable> {
        self.refuse_newer()?;
        match &self.master_key {
            Some(found) if found != fingerprint => Err(Unusable::OtherKey {
                found: found.clone(),
                given: fingerprint.to_owned(),
            }),
            Some(_) => Ok(self.version == NEWEST),
            None => Ok(false),
        }
    }

    fn refuse_newer(&self) -> Result<(), Unusable> {
        match self.version > NEWEST {
            true => Err(Unusable::Newer(self.version)),
            false => Ok(()),
        }
    }
}

async fn bring_up_to_date(
    client: &mut Client,
    standing: &Standing,
    fingerprint: &str,
) -> Result<(), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    if standing.version > 0 {
        let moved = transaction
            .execute(
                "UPDATE meta SET value = $1
                 WHERE owner = 'platform' AND name = 'schema' AND value = $2",
                &[&NEWEST.to_string(), &standing.version.to_string()],
            )
            .await?;
        if moved == 0 {
            return transaction.rollback().await;
        }
    }
    for migration in &MIGRATIONS[standing.version..] {
        transaction.batch_execute(migration).await?;
    }
    let insert = "INSERT INTO meta (owner, name, value) VALUES ('platform', $1, $2)
         ON CONFLICT (owner, name) DO NOTHING";
    for (name, value) in [
        ("schema", &*NEWEST.to_string()),
        ("master_key", fingerprint),
    ] {
        transaction.execute(insert, &[&name, &value]).await?;
    }
    transaction.commit().await
}

/// Another made the same at the same time.
fn was_second(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        [
            SqlState::DUPLICATE_TABLE,
            SqlState::DUPLICATE_OBJECT,
            SqlState::UNIQUE_VIOLATION,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
        ]
        .contains(code)
    })
}

/// Why a database cannot be used.
#[derive(Debug)]
enum Unusable {
    /// A newer version of this program was here.
    Newer(usize),
    /// Another master key was here.
    OtherKey { found: String, given: String },
    /// Another program is here.
    Foreign(String),
    /// Nothing comes back.
    Silent,
    /// What the server or the way to it says.
    Refused(tokio_postgres::Error),
}

impl From<tokio_postgres::Error> for Unusable {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Refused(error)
    }
}

impl Unusable {
    fn told(self, server: &str) -> StoreError {
        let issue = match self {
            Self::OtherKey { found, given } => {
                return StoreError::MasterKey(format!(
                    "{server} was made with another master key (fingerprint {found}, the one given is {given}); \
                     start with that one, as KABAO_MASTER_KEY or as `master.key` in the data folder, \
                     or name another database to begin anew"
                ));
            }
            Self::Newer(version) => format!(
                "it was made by a newer version of this program (schema {version}, this one knows {NEWEST}); \
                 use that version, or another database"
            ),
            Self::Foreign(found) => format!(
                "another program's tables are in it ({found}); give the sandbox a database of its own"
            ),
            Self::Silent => {
                "it does not answer; is that its address, and does a firewall let this through?"
                    .to_owned()
            }
            Self::Refused(error) => match advice(&error) {
                Some(advice) => format!("{}; {advice}", text_of(&error)),
                None => text_of(&error),
            },
        };
        StoreError::Server {
            server: server.to_owned(),
            issue,
        }
    }
}

fn advice(error: &tokio_postgres::Error) -> Option<&'static str> {
    let Some(code) = error.code() else {
        // The library has no other way to tell it.
        if text_of(error).ends_with("password missing") {
            return Some("the server wants one: put it into the address, or into PGPASSWORD");
        }
        return Some("is a PostgreSQL server running there, and does it let this user in?");
    };
    match *code {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            Some("look at user, password and the server's pg_hba.conf")
        }
        SqlState::INVALID_CATALOG_NAME => Some("make it with `createdb`"),
        SqlState::INSUFFICIENT_PRIVILEGE => {
            Some("the user must own the database, or may make tables in it")
        }
        SqlState::TOO_MANY_CONNECTIONS => Some("raise its max_connections, or run fewer instances"),
        _ => None,
    }
}

/// The whole chain, without the values that the server repeats.
fn text_of(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return Said::of(said).to_string();
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
