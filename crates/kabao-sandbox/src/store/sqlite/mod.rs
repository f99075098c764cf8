//! The embedded store: one SQLite file, or memory.
//!
//! Reads happen in place, on one of a few connections: they take microseconds,
//! less than handing them to another thread, but for a look at everything. Writes go to one thread
//! (`writer.rs`), the log is moved by another (`checkpoint.rs`). Several
//! processes may use one file.

mod checkpoint;
mod failure;
mod inspect;
mod outbox;
mod schema;
mod shared;
mod statements;
mod writer;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::available_parallelism,
};

use async_trait::async_trait;
use rusqlite::Connection;

use self::{
    checkpoint::Checkpointer,
    failure::{failed, failed_in},
    writer::Writer,
};
use super::{
    ActivitiesOf, CardTemplatesOf, ClockSetting, Contents, Everything, Failure, KeyBook, KeyRule,
    Needs, Page, Rule, Store, StoreError, UserCardsOf, Watched, Window, Workspace,
};
use crate::{
    domain::{Activity, CardTemplate, UserCard},
    refusal::Refusal,
    vault::{MasterKey, Vault},
};

/// A store in one file, or in memory.
pub struct SqliteStore {
    place: Option<PathBuf>,
    vault: Arc<Vault>,
    // Before the connections that follow, so that it ends first.
    writer: Writer,
    _checkpointer: Option<Checkpointer>,
    readers: Vec<Arc<Mutex<Connection>>>,
    next_reader: AtomicUsize,
}

impl SqliteStore {
    /// Opens a file, or makes it with mode 0600; its folder must be there.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the file is not one of this program's or is
    /// damaged, [`StoreError::MasterKey`] if it was made with another key. Both
    /// leave it as it is.
    pub fn open(path: &Path, master_key: &MasterKey) -> Result<Self, StoreError> {
        let vault = vault(master_key)?;
        let db = schema::open_file(path, vault.fingerprint())?;
        let opening = || format!("opening {}", path.display());
        let connect = || schema::connect(path).map_err(|error| failed(&opening(), error));
        let checkpointer =
            Checkpointer::start(connect()?, path).map_err(|error| failed(&opening(), error))?;
        let bell = checkpointer.bell();
        let writer = Writer::start(Arc::new(Mutex::new(db)), move || bell.ring())
            .map_err(|error| failed(&opening(), error))?;
        let count = available_parallelism().map_or(2, usize::from).clamp(2, 8);
        let readers = (0..count).map(|_| Ok(Arc::new(Mutex::new(connect()?))));
        Ok(Self {
            place: Some(path.to_owned()),
            vault,
            writer,
            _checkpointer: Some(checkpointer),
            readers: readers.collect::<Result<_, StoreError>>()?,
            next_reader: AtomicUsize::new(0),
        })
    }

    /// Whether there is a store, or nothing yet, at that path.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if there is something else, or a damaged store.
    pub fn inspect(path: &Path) -> Result<(), StoreError> {
        inspect::refuse_foreign_or_damaged(path)
    }

    /// Makes an empty store that ends when it is dropped.
    ///
    /// # Errors
    /// [`StoreError::Backend`] if the system gives no memory or no thread.
    pub fn in_memory(master_key: &MasterKey) -> Result<Self, StoreError> {
        let vault = vault(master_key)?;
        // Connections that share memory lock each other out by table, so there
        // is one, and who reads waits for who writes.
        let db = Arc::new(Mutex::new(schema::open_memory(vault.fingerprint())?));
        let writer = Writer::start(Arc::clone(&db), || {})
            .map_err(|error| failed("opening a store in memory", error))?;
        Ok(Self {
            place: None,
            vault,
            writer,
            _checkpointer: None,
            readers: vec![db],
            next_reader: AtomicUsize::new(0),
        })
    }

    fn read<T>(
        &self,
        context: &'static str,
        read: impl FnOnce(&Connection, &Vault) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let outcome = read(&self.reader(), &self.vault);
        outcome.map_err(|failure| self.named(failed(context, failure)))
    }

    /// For several statements that must see the same.
    fn read_at_one_moment<T>(
        &self,
        context: &'static str,
        read: impl FnOnce(&Connection, &Vault) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        self.read(context, |db, vault| at_one_moment(db, vault, read))
    }

    /// The same, for what takes a while: on a thread for it and, of a file, by a
    /// connection for it, so that it is in nobody's way.
    async fn read_at_leisure<T: Send + 'static>(
        &self,
        context: &'static str,
        read: impl FnOnce(&Connection, &Vault) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (place, vault) = (self.place.clone(), Arc::clone(&self.vault));
        let only = Arc::clone(&self.readers[0]);
        let reading = tokio::task::spawn_blocking(move || match place {
            Some(path) => at_one_moment(&schema::connect(&path)?, &vault, read),
            None => at_one_moment(&writer::lock(&only), &vault, read),
        });
        let outcome = reading.await.unwrap_or_else(|died| Err(died.into()));
        outcome.map_err(|failure| self.named(failed(context, failure)))
    }

    async fn write<T: Send + 'static>(
        &self,
        context: &'static str,
        write: impl FnOnce(&Connection, &Vault) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let vault = Arc::clone(&self.vault);
        let outcome = self.writer.run(context, move |db| write(db, &vault)).await;
        outcome.map_err(|error| self.named(error))
    }

    /// The same, but what it wrote may go with the power.
    async fn write_lightly<T: Send + 'static>(
        &self,
        context: &'static str,
        write: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let outcome = self.writer.run_lightly(context, write).await;
        outcome.map_err(|error| self.named(error))
    }

    fn named(&self, error: StoreError) -> StoreError {
        match &self.place {
            Some(path) => failed_in(path, error),
            None => error,
        }
    }

    /// The first connection that is free, for its cache is the warmest.
    fn reader(&self) -> MutexGuard<'_, Connection> {
        for reader in &self.readers {
            match reader.try_lock() {
                Ok(free) => return free,
                Err(TryLockError::Poisoned(free)) => return free.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let turn = self.next_reader.fetch_add(1, Ordering::Relaxed);
        writer::lock(&self.readers[turn % self.readers.len()])
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, needs: &Needs) -> Result<Workspace, StoreError> {
        let load = |db: &Connection, vault: &Vault| statements::load(db, vault, needs);
        match needs.is_a_card_at_most() {
            // That is one statement, which is one moment.
            true => self.read("looking at a card", load),
            false => self.read_at_one_moment("reading", load),
        }
    }

    async fn apply(&self, needs: Needs, rule: Rule) -> Result<Result<(), Refusal>, StoreError> {
        self.write("applying a rule", move |db, vault| {
            let mut workspace = statements::load(db, vault, &needs)?;
            let decided = rule(&mut workspace);
            if decided.is_ok() {
                statements::save(db, vault, &workspace)?;
            }
            Ok(decided)
        })
        .await
    }

    async fn card_templates(
        &self,
        of: &CardTemplatesOf,
        window: Window,
    ) -> Result<Page<CardTemplate>, StoreError> {
        self.read_at_one_moment("listing templates", |db, _| {
            statements::card_templates(db, of, window)
        })
    }

    async fn user_cards(
        &self,
        of: &UserCardsOf,
        window: Window,
    ) -> Result<Page<UserCard>, StoreError> {
        self.read_at_one_moment("listing a user's cards", |db, vault| {
            statements::user_cards(db, vault, of, window)
        })
    }

    async fn activities(
        &self,
        of: &ActivitiesOf,
        window: Window,
    ) -> Result<Page<Activity>, StoreError> {
        self.read_at_one_moment("listing activities", |db, _| {
            statements::activities(db, of, window)
        })
    }

    async fn clock(&self) -> Result<ClockSetting, StoreError> {
        self.read("reading the clock", |db, _| statements::clock(db))
    }

    async fn set_clock(&self, from: ClockSetting, to: ClockSetting) -> Result<bool, StoreError> {
        self.write("setting the clock", move |db, _| {
            let is_as_read = statements::clock(db)? == from;
            if is_as_read {
                statements::put_clock(db, to)?;
            }
            Ok(is_as_read)
        })
        .await
    }

    async fn reset(&self, contents: &Contents) -> Result<(), StoreError> {
        let contents = contents.clone();
        self.write("replacing the contents", move |db, vault| {
            statements::replace_contents(db, vault, &contents)
        })
        .await
    }

    async fn stored_bytes(&self) -> Result<u64, StoreError> {
        self.read_at_leisure("looking how much there is", statements::stored_bytes)
            .await
    }

    async fn everything(&self) -> Result<Everything, StoreError> {
        self.read_at_leisure("reading everything", statements::everything)
            .await
    }

    async fn restore(&self, everything: &Everything) -> Result<(), StoreError> {
        let everything = everything.clone();
        self.write("replacing everything", move |db, vault| {
            statements::replace_everything(db, vault, &everything)
        })
        .await
    }

    fn vault(&self) -> &Vault {
        &self.vault
    }

    async fn initialise(&self, everything: &Everything) -> Result<bool, StoreError> {
        let everything = everything.clone();
        self.write("putting the first contents in", move |db, vault| {
            if statements::has_keys(db)? {
                return Ok(false);
            }
            statements::replace_everything(db, vault, &everything)?;
            Ok(true)
        })
        .await
    }

    async fn key_book(&self) -> Result<KeyBook, StoreError> {
        self.read_at_one_moment("reading the keys", statements::key_book)
    }

    async fn watched(&self) -> Result<Watched, StoreError> {
        self.read("looking for changes", |db, _| statements::watched(db))
    }

    async fn change_keys(&self, rule: KeyRule) -> Result<Result<(), Refusal>, StoreError> {
        self.write("changing keys", move |db, vault| {
            statements::change_keys(db, vault, &rule)
        })
        .await
    }

    async fn grants(&self) -> Result<Vec<(String, String)>, StoreError> {
        self.read("reading who serves whom", |db, _| statements::grants(db))
    }

    async fn set_grant(
        &self,
        mchid: &str,
        brand_id: &str,
        granted: bool,
    ) -> Result<(), StoreError> {
        let (mchid, brand_id) = (mchid.to_owned(), brand_id.to_owned());
        self.write("changing who serves whom", move |db, _| {
            statements::set_grant(db, &mchid, &brand_id, granted)
        })
        .await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(path) => write!(f, "SqliteStore({})", path.display()),
            None => f.write_str("SqliteStore(memory)"),
        }
    }
}

fn at_one_moment<T>(
    db: &Connection,
    vault: &Vault,
    read: impl FnOnce(&Connection, &Vault) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let moment = db.unchecked_transaction()?;
    let seen = read(&moment, vault)?;
    moment.commit()?;
    Ok(seen)
}

fn vault(master_key: &MasterKey) -> Result<Arc<Vault>, StoreError> {
    Vault::new(master_key)
        .map(Arc::new)
        .map_err(|error| failed("deriving keys from the master key", error))
}
