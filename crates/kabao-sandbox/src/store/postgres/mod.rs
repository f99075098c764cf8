//! A team's store: a PostgreSQL database, which several instances share.
//!
//! # Who is first
//!
//! A rule is decided without a transaction and saved in one: what it needs is
//! read in one statement, at one moment; it decides in memory; then all that it
//! wrote goes to the server as one transaction of two round trips (a single
//! change as one statement, of one). Although that runs as READ COMMITTED, the
//! outcome is as if rules came one after the other, because the
//! transaction holds only if nothing that the rule went by has changed:
//!
//! - A row that it changes or removes is named with the `version` that was read
//!   (a random number, another with each change). If another was first, no row
//!   is found, and all of it is undone.
//! - A row that it read and left alone – the template that is in force, the
//!   activity that has nothing left, a token, a card – is named with its version,
//!   too, and locked `FOR SHARE` until the commit. Rows of one brand only, and
//!   everybody locks them in the same order.
//! - A row that it looked for and did not find is one that it makes, if that was
//!   its reason; then the primary key is in the way of the second: one code goes
//!   to one user, one request number is used once. A user's second live card of
//!   a template has another code, so there the index `user_cards_live` is.
//! - What the last three do not cover is that a row which a rule looked for and
//!   neither found nor made appears meanwhile: an activity that is made while
//!   somebody joins. That is as if the one had joined before.
//!
//! A reset, which replaces everything, sees what was saved before it: it waits
//! for a row of a table that it empties before those that a rule adds to, or else
//! for the row `contents` of `meta`, which such a rule locks (`statements/save.rs`).
//! It has to see rows that came while it waited; a snapshot of its beginning does
//! not, hence READ COMMITTED, whatever the database's default is.
//!
//! On a lost race, a unique violation or a serialization failure, of a read as
//! well, all of it is done again from what is there then (`races.rs`). A rule that refuses, or writes nothing,
//! has read one moment and needs no transaction.
//!
//! There is no sequence, no advisory lock, no NOTIFY, no row lock and no
//! constraint across tenants. Leases of the outbox are versions, too.
//!
//! # When the server is away
//!
//! Every call has a deadline; a failure of the way to the server is
//! [`StoreError::Unavailable`], never tried again here, for it may have been
//! saved, and the next call makes a new connection.

mod outbox;
mod races;
mod schema;
mod server;
mod session;
mod shared;
mod statements;
mod text;
mod tls;
mod trouble;
mod write;

use std::{fmt, sync::Arc, thread, time::Duration};

use async_trait::async_trait;
use deadpool_postgres::Pool;

use self::{races::until_won, server::Server, trouble::Trouble, write::Write};
use super::{
    ActivitiesOf, CardTemplatesOf, ClockSetting, Contents, Everything, Failure, KeyBook, KeyRule,
    Needs, Page, Rule, Store, StoreError, UserCardsOf, Watched, Window, Workspace, failure::caught,
};
use crate::{
    domain::{Activity, CardTemplate, UserCard},
    refusal::Refusal,
    vault::{MasterKey, Vault},
};

/// How long a call may take: what a client waits for gladly.
const PATIENCE: Duration = Duration::from_secs(5);

/// Replacing everything is no client's call.
const PATIENCE_FOR_ALL: Duration = Duration::from_secs(60);

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    name: String,
    pool: Pool,
    vault: Arc<Vault>,
}

impl PostgresStore {
    /// Opens the database at `postgres://USER:PASSWORD@HOST/DATABASE`, which
    /// must be there, and makes the store in it if it is empty. It blocks
    /// until that is done.
    ///
    /// `sslmode` (`disable`, `prefer`, `require`, `verify-full`) and
    /// `sslrootcert` mean what they mean to libpq, `PGPASSWORD` stands in for a
    /// password.
    ///
    /// # Errors
    /// [`StoreError::Uri`] for an address that is not understood,
    /// [`StoreError::Server`] if the database cannot be reached, is another
    /// program's or of a newer version, [`StoreError::MasterKey`] if it was made
    /// with another key. None shows the password.
    pub fn open(uri: &str, master_key: &MasterKey) -> Result<Self, StoreError> {
        let server = Server::parse(uri)?;
        let vault = Vault::new(master_key).map_err(|error| StoreError::Backend {
            context: "deriving keys from the master key".into(),
            source: error.into(),
        })?;
        wait_for(|| schema::prepare(&server, vault.fingerprint()))?;
        Ok(Self {
            name: server.name().to_owned(),
            pool: server.pool()?,
            vault: Arc::new(vault),
        })
    }

    /// Whether there is a store already, which needs the master key that it was
    /// made with. It changes nothing and blocks until that is known.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn is_made(uri: &str) -> Result<bool, StoreError> {
        let server = Server::parse(uri)?;
        wait_for(|| schema::is_made(&server))
    }

    /// The address for people, without the password.
    ///
    /// # Errors
    /// [`StoreError::Uri`] for an address that is not understood.
    pub fn name_of(uri: &str) -> Result<String, StoreError> {
        Ok(Server::parse(uri)?.name().to_owned())
    }

    /// Saves what was decided by nothing that is in the store.
    async fn save(&self, patience: Duration, writes: &[Write]) -> Result<(), Trouble> {
        until_won!(self, patience, |session| session.save(writes).await)
    }

    /// Does what takes a while, such as sealing all there is, on a thread for it.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Vault) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let vault = Arc::clone(&self.vault);
        tokio::task::spawn_blocking(move || work(&vault)).await?
    }

    async fn try_apply(&self, needs: &Needs, rule: &Rule) -> Result<Result<(), Refusal>, Trouble> {
        until_won!(self, PATIENCE, |session| {
            let (mut workspace, seen) = statements::load(session, &self.vault, needs).await?;
            let decided = caught(|| Ok(rule(&mut workspace)))?;
            if decided.is_ok() {
                let writes = statements::save(&workspace, &seen, &self.vault)?;
                session.save(&writes).await?;
            }
            Ok(decided)
        })
    }

    async fn try_change_keys(&self, rule: &KeyRule) -> Result<Result<(), Refusal>, Trouble> {
        until_won!(self, PATIENCE, |session| {
            let before = statements::key_book(session, &self.vault).await?;
            let mut after = before.clone();
            let decided = caught(|| Ok(rule(&mut after)))?;
            if decided.is_ok() {
                let writes = statements::change_keys(session, &before, &after, &self.vault);
                let writes = writes.await?;
                session.save(&writes).await?;
            }
            Ok(decided)
        })
    }

    async fn try_reset(&self, contents: Contents) -> Result<(), Trouble> {
        let writes = self.aside(move |vault| statements::replace_contents(&contents, vault));
        self.save(PATIENCE_FOR_ALL, &writes.await?).await
    }

    async fn try_restore(&self, everything: Everything) -> Result<(), Trouble> {
        let everything = Arc::new(everything);
        until_won!(self, PATIENCE_FOR_ALL, |session| {
            let before = statements::key_settings(session).await?;
            let everything = Arc::clone(&everything);
            let writes = self
                .aside(move |vault| statements::replace_everything(&everything, &before, vault));
            session.save(&writes.await?).await
        })
    }

    async fn try_initialise(&self, everything: Everything) -> Result<bool, Trouble> {
        let writes = self.aside(move |vault| statements::first_contents(&everything, vault));
        let writes = writes.await?;
        until_won!(self, PATIENCE_FOR_ALL, |session| {
            let is_first = !statements::has_contents(session).await?;
            if is_first {
                session.save(&writes).await?;
            }
            Ok(is_first)
        })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn load(&self, needs: &Needs) -> Result<Workspace, StoreError> {
        let read = until_won!(self, PATIENCE, |session| {
            let (workspace, _) = statements::load(session, &self.vault, needs).await?;
            Ok(workspace)
        });
        told("reading", read)
    }

    async fn apply(&self, needs: Needs, rule: Rule) -> Result<Result<(), Refusal>, StoreError> {
        told("applying a rule", self.try_apply(&needs, &rule).await)
    }

    async fn card_templates(
        &self,
        of: &CardTemplatesOf,
        window: Window,
    ) -> Result<Page<CardTemplate>, StoreError> {
        let read = until_won!(self, PATIENCE, |session| {
            statements::card_templates(session, of, window).await
        });
        told("listing templates", read)
    }

    async fn user_cards(
        &self,
        of: &UserCardsOf,
        window: Window,
    ) -> Result<Page<UserCard>, StoreError> {
        let read = until_won!(self, PATIENCE, |session| {
            statements::user_cards(session, &self.vault, of, window).await
        });
        told("listing a user's cards", read)
    }

    async fn activities(
        &self,
        of: &ActivitiesOf,
        window: Window,
    ) -> Result<Page<Activity>, StoreError> {
        let read = until_won!(self, PATIENCE, |session| {
            statements::activities(session, of, window).await
        });
        told("listing activities", read)
    }

    async fn clock(&self) -> Result<ClockSetting, StoreError> {
        let read = until_won!(self, PATIENCE, |session| statements::clock(session).await);
        told("reading the clock", read)
    }

    async fn set_clock(&self, from: ClockSetting, to: ClockSetting) -> Result<bool, StoreError> {
        let set = until_won!(self, PATIENCE, |session| {
            statements::set_clock(session, from, to).await
        });
        told("setting the clock", set)
    }

    async fn reset(&self, contents: &Contents) -> Result<(), StoreError> {
        let replaced = self.try_reset(contents.clone()).await;
        told("replacing the contents", replaced)
    }

    async fn stored_bytes(&self) -> Result<u64, StoreError> {
        let counted = until_won!(self, PATIENCE_FOR_ALL, |session| {
            statements::stored_bytes(session).await
        });
        told("looking how much there is", counted)
    }

    async fn everything(&self) -> Result<Everything, StoreError> {
        let read = until_won!(self, PATIENCE_FOR_ALL, |session| {
            statements::everything(session, &self.vault).await
        });
        told("reading everything", read)
    }

    async fn restore(&self, everything: &Everything) -> Result<(), StoreError> {
        let replaced = self.try_restore(everything.clone()).await;
        told("replacing everything", replaced)
    }

    fn vault(&self) -> &Vault {
        &self.vault
    }

    async fn initialise(&self, everything: &Everything) -> Result<bool, StoreError> {
        let made = self.try_initialise(everything.clone()).await;
        told("putting the first contents in", made)
    }

    async fn key_book(&self) -> Result<KeyBook, StoreError> {
        let read = until_won!(self, PATIENCE, |session| {
            statements::key_book(session, &self.vault).await
        });
        told("reading the keys", read)
    }

    async fn watched(&self) -> Result<Watched, StoreError> {
        let read = until_won!(self, PATIENCE, |session| statements::watched(session).await);
        told("looking for changes", read)
    }

    async fn change_keys(&self, rule: KeyRule) -> Result<Result<(), Refusal>, StoreError> {
        told("changing keys", self.try_change_keys(&rule).await)
    }

    async fn grants(&self) -> Result<Vec<(String, String)>, StoreError> {
        let read = until_won!(self, PATIENCE, |session| statements::grants(session).await);
        told("reading who serves whom", read)
    }

    async fn set_grant(
        &self,
        mchid: &str,
        brand_id: &str,
        granted: bool,
    ) -> Result<(), StoreError> {
        let set = [statements::set_grant(mchid, brand_id, granted)];
        told("changing who serves whom", self.save(PATIENCE, &set).await)
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresStore({})", self.name)
    }
}

fn told<T>(context: &str, done: Result<T, Trouble>) -> Result<T, StoreError> {
    done.map_err(|trouble| trouble.told(context))
}

/// Waits for what cannot be waited for otherwise, the caller being no future and
/// yet perhaps inside a runtime.
fn wait_for<T, F>(work: impl FnOnce() -> F + Send) -> Result<T, StoreError>
where
    T: Send,
    F: Future<Output = Result<T, StoreError>>,
{
    let failed = |source: Failure| StoreError::Backend {
        context: "opening the store".into(),
        source,
    };
    let waiting = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed(error.into()))?;
        runtime.block_on(work())
    };
    thread::scope(|scope| {
        let waited = scope.spawn(waiting).join();
        waited.unwrap_or_else(|_| Err(failed("the thread for it died".into())))
    })
}
