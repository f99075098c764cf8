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
//! On a lost race, a unique violation or a serialization failure all of it is
//! done again from what is there then. A rule that refuses, or writes nothing,
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

use self::{server::Server, session::Session, trouble::Trouble, write::Write};
use super::{
    ActivitiesOf, CardTemplatesOf, ClockSetting, Contents, Everything, Failure, KeyBook, KeyRule,
    Needs, Page, Rule, Store, StoreError, UserCardsOf, Window, Workspace, failure::caught,
};
use crate::{
    domain::{Activity, CardTemplate, UserCard},
    random,
    refusal::Refusal,
    vault::{MasterKey, Vault},
};

/// How long a call may take: what a client waits for gladly.
const PATIENCE: Duration = Duration::from_secs(5);

/// Replacing everything is no client's call.
const PATIENCE_FOR_ALL: Duration = Duration::from_secs(60);

/// How often a row that is to be new may be there already. Whoever lost a race
/// to it sees it the next time; whoever did not ask for it never does.
const TAKEN_AT_MOST: usize = 5;

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

    async fn session(&self) -> Result<Session, Trouble> {
        Session::open(&self.pool, PATIENCE).await
    }

    /// Saves what was decided by nothing that is in the store.
    async fn save(&self, patience: Duration, writes: &[Write]) -> Result<(), Trouble> {
        let mut session = Session::open(&self.pool, patience).await?;
        let mut races = Races::default();
        loop {
            match session.save(writes).await {
                Ok(()) => return Ok(()),
                Err(trouble) => races.go_on_after(trouble, &session).await?,
            }
        }
    }

    async fn try_apply(&self, needs: &Needs, rule: &Rule) -> Result<Result<(), Refusal>, Trouble> {
        let mut session = self.session().await?;
        let mut races = Races::default();
        loop {
            let (mut workspace, seen) = statements::load(&mut session, &self.vault, needs).await?;
            let decided = caught(|| Ok(rule(&mut workspace)))?;
            if decided.is_err() {
                return Ok(decided);
            }
            let writes = statements::save(&workspace, &seen, &self.vault)?;
            match session.save(&writes).await {
                Ok(()) => return Ok(Ok(())),
                Err(trouble) => races.go_on_after(trouble, &session).await?,
            }
        }
    }

    async fn try_change_keys(&self, rule: &KeyRule) -> Result<Result<(), Refusal>, Trouble> {
        let mut session = self.session().await?;
        let mut races = Races::default();
        loop {
            let before = statements::key_book(&mut session, &self.vault).await?;
            let mut after = before.clone();
            let decided = caught(|| Ok(rule(&mut after)))?;
            if decided.is_err() {
                return Ok(decided);
            }
            let writes = statements::change_keys(&mut session, &before, &after, &self.vault);
            let writes = writes.await?;
            match session.save(&writes).await {
                Ok(()) => return Ok(Ok(())),
                Err(trouble) => races.go_on_after(trouble, &session).await?,
            }
        }
    }

    async fn try_restore(&self, everything: &Everything) -> Result<(), Trouble> {
        let mut session = Session::open(&self.pool, PATIENCE_FOR_ALL).await?;
        let mut races = Races::default();
        loop {
            let before = statements::key_settings(&mut session).await?;
            let writes = statements::replace_everything(everything, &before, &self.vault)?;
            match session.save(&writes).await {
                Ok(()) => return Ok(()),
                Err(trouble) => races.go_on_after(trouble, &session).await?,
            }
        }
    }

    async fn try_initialise(&self, everything: &Everything) -> Result<bool, Trouble> {
        let writes = statements::first_contents(everything, &self.vault)?;
        let mut session = Session::open(&self.pool, PATIENCE_FOR_ALL).await?;
        let mut races = Races::default();
        loop {
            if statements::has_contents(&mut session).await? {
                return Ok(false);
            }
            match session.save(&writes).await {
                Ok(()) => return Ok(true),
                Err(trouble) => races.go_on_after(trouble, &session).await?,
            }
        }
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn load(&self, needs: &Needs) -> Result<Workspace, StoreError> {
        let read = async {
            let mut session = self.session().await?;
            let (workspace, _) = statements::load(&mut session, &self.vault, needs).await?;
            Ok(workspace)
        };
        told("reading", read.await)
    }

    async fn apply(&self, needs: Needs, rule: Rule) -> Result<Result<(), Refusal>, StoreError> {
        told("applying a rule", self.try_apply(&needs, &rule).await)
    }

    async fn card_templates(
        &self,
        of: &CardTemplatesOf,
        window: Window,
    ) -> Result<Page<CardTemplate>, StoreError> {
        let read = async {
            let mut session = self.session().await?;
            statements::card_templates(&mut session, of, window).await
        };
        told("listing templates", read.await)
    }

    async fn user_cards(
        &self,
        of: &UserCardsOf,
        window: Window,
    ) -> Result<Page<UserCard>, StoreError> {
        let read = async {
            let mut session = self.session().await?;
            statements::user_cards(&mut session, &self.vault, of, window).await
        };
        told("listing a user's cards", read.await)
    }

    async fn activities(
        &self,
        of: &ActivitiesOf,
        window: Window,
    ) -> Result<Page<Activity>, StoreError> {
        let read = async {
            let mut session = self.session().await?;
            statements::activities(&mut session, of, window).await
        };
        told("listing activities", read.await)
    }

    async fn clock(&self) -> Result<ClockSetting, StoreError> {
        let read = async { statements::clock(&mut self.session().await?).await };
        told("reading the clock", read.await)
    }

    async fn set_clock(&self, from: ClockSetting, to: ClockSetting) -> Result<bool, StoreError> {
        let set = async {
            let mut session = self.session().await?;
            let mut races = Races::default();
            loop {
                match statements::set_clock(&mut session, from, to).await {
                    Ok(is_set) => return Ok(is_set),
                    Err(trouble) => races.go_on_after(trouble, &session).await?,
                }
            }
        };
        told("setting the clock", set.await)
    }

    async fn reset(&self, contents: &Contents) -> Result<(), StoreError> {
        let replaced = async {
            let writes = statements::replace_contents(contents, &self.vault)?;
            self.save(PATIENCE_FOR_ALL, &writes).await
        };
        told("replacing the contents", replaced.await)
    }

    async fn stored_bytes(&self) -> Result<u64, StoreError> {
        let counted = async {
            let mut session = Session::open(&self.pool, PATIENCE_FOR_ALL).await?;
            statements::stored_bytes(&mut session).await
        };
        told("looking how much there is", counted.await)
    }

    async fn everything(&self) -> Result<Everything, StoreError> {
        let read = async {
            let mut session = Session::open(&self.pool, PATIENCE_FOR_ALL).await?;
            statements::everything(&mut session, &self.vault).await
        };
        told("reading everything", read.await)
    }

    async fn restore(&self, everything: &Everything) -> Result<(), StoreError> {
        told("replacing everything", self.try_restore(everything).await)
    }

    fn vault(&self) -> &Vault {
        &self.vault
    }

    async fn initialise(&self, everything: &Everything) -> Result<bool, StoreError> {
        let made = self.try_initialise(everything).await;
        told("putting the first contents in", made)
    }

    async fn key_book(&self) -> Result<KeyBook, StoreError> {
        let read = async { statements::key_book(&mut self.session().await?, &self.vault).await };
        told("reading the keys", read.await)
    }

    async fn key_version(&self) -> Result<u64, StoreError> {
        let read = async {
            let settings = statements::key_settings(&mut self.session().await?).await?;
            Ok(settings.version)
        };
        told("looking whether keys changed", read.await)
    }

    async fn change_keys(&self, rule: KeyRule) -> Result<Result<(), Refusal>, StoreError> {
        told("changing keys", self.try_change_keys(&rule).await)
    }

    async fn grants(&self) -> Result<Vec<(String, String)>, StoreError> {
        let read = async { statements::grants(&mut self.session().await?).await };
        told("reading who serves whom", read.await)
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

/// The races that one call has lost.
#[derive(Debug, Default)]
struct Races {
    lost: u32,
    taken: usize,
}

impl Races {
    /// Whether all of it is to be done again, after a while that differs from
    /// others'. Gives the trouble back if it is no race, or there is no time.
    async fn go_on_after(&mut self, trouble: Trouble, session: &Session) -> Result<(), Trouble> {
        match trouble {
            Trouble::Raced(_) => {}
            Trouble::Taken(_) if self.taken < TAKEN_AT_MOST => self.taken += 1,
            other => return Err(other),
        }
        if self.lost > 0 {
            let longest = 1_000_u64 << self.lost.min(5);
            let pause = random::number().unsigned_abs() % longest;
            session.pause(Duration::from_micros(pause)).await;
        }
        self.lost += 1;
        match session.has_time() {
            true => Ok(()),
            false => Err(trouble),
        }
    }
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
