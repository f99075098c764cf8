//! One thread writes. What has piled up while it waited for the disk goes into
//! one transaction: a disk that syncs 200 times a second then takes thousands
//! of changes a second. (To wait a moment for more to come was tried: it halved
//! what the store takes, and saved a busy sandbox nothing that could be told from
//! noise.)

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{self, JoinHandle},
};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::failure::{CommitFailed, Undone, failed};
use crate::store::{
    StoreError,
    failure::{Failure, caught},
};

/// More in one transaction would gain little and keep readers of a memory store
/// waiting.
const LARGEST_GROUP: usize = 256;

/// How many changes may wait: more than there are connections by default. Beyond
/// that the disk is too slow for what is asked of it, and to wait would only take
/// memory.
const WAITING: usize = 16_384;

/// The way to the writing thread. Dropping it ends the thread after what was
/// given to it is done.
pub(super) struct Writer {
    jobs: Option<mpsc::SyncSender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread; `committed` is called after each transaction.
    pub(super) fn start(
        db: Arc<Mutex<Connection>>,
        committed: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, incoming) = mpsc::sync_channel(WAITING);
        let thread = thread::Builder::new()
            .name("kabao-store-writer".into())
            .spawn(move || write_all(&db, &incoming, committed))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Does `work` in a transaction and gives its answer once that is on disk.
    /// If `work` fails, what it wrote is undone.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        context: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.send(context, true, work).await
    }

    /// The same, but what it wrote may go with the power: it does not wait for
    /// the disk.
    pub(super) async fn run_lightly<T: Send + 'static>(
        &self,
        context: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.send(context, false, work).await
    }

    async fn send<T: Send + 'static>(
        &self,
        context: &'static str,
        lasts: bool,
        work: impl FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Pending {
            context,
            lasts,
            work: Some(work),
            result: None,
            reply,
        });
        let ended = || failed(context, "the writing thread has ended");
        let jobs = self.jobs.as_ref().ok_or_else(ended)?;
        jobs.try_send(job).map_err(|unsent| match unsent {
            mpsc::TrySendError::Full(_) => StoreError::Unavailable {
                context: context.to_owned(),
                source: format!("{WAITING} other changes wait for the disk").into(),
            },
            mpsc::TrySendError::Disconnected(_) => ended(),
        })?;
        answer.await.map_err(|_| ended())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // It catches panics itself.
            let _ = thread.join();
        }
    }
}

/// The connection, whatever became of a thread that had it.
pub(super) fn lock(db: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    db.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write_all(
    db: &Mutex<Connection>,
    incoming: &mpsc::Receiver<Box<dyn Job>>,
    committed: impl Fn(),
) {
    let mut level = Level::default();
    while let Ok(first) = incoming.recv() {
        let mut group = vec![first];
        group.extend(incoming.try_iter().take(LARGEST_GROUP - 1));
        let outcome = write_group(&mut lock(db), &mut level, &mut group)
            .map_err(|failure| CommitFailed(Arc::new(failure)));
        for job in group {
            job.answer(outcome.clone());
        }
        committed();
    }
}

/// Whether commits wait for the disk. Saying so again would cost more than a
/// change does: it is compiled anew each time.
#[derive(Debug, Default)]
struct Level(Option<bool>);

impl Level {
    /// In WAL mode NORMAL leaves the log unsynced at a commit; the next one that
    /// is FULL syncs what went before it, too.
    fn set(&mut self, db: &Connection, lasts: bool) -> Result<(), Failure> {
        if self.0 != Some(lasts) {
            self.0 = None;
            db.pragma_update(None, "synchronous", if lasts { "FULL" } else { "NORMAL" })?;
            self.0 = Some(lasts);
        }
        Ok(())
    }
}

fn write_group(
    db: &mut Connection,
    level: &mut Level,
    group: &mut [Box<dyn Job>],
) -> Result<(), Failure> {
    level.set(db, group.iter().any(|job| job.lasts()))?;
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if let [only] = group {
        // It is undone with the transaction.
        return match only.run(&transaction) {
            true => Ok(transaction.commit()?),
            false => Err(Undone.into()),
        };
    }
    for job in group {
        transaction.prepare_cached("SAVEPOINT job")?.execute([])?;
        if !job.run(&transaction) {
            // A full disk, for one, undoes everything at once.
            if transaction.is_autocommit() {
                return Err(Undone.into());
            }
            transaction.prepare_cached("ROLLBACK TO job")?.execute([])?;
        }
        transaction.prepare_cached("RELEASE job")?.execute([])?;
    }
    Ok(transaction.commit()?)
}

/// One change on its way.
trait Job: Send {
    /// Does it and keeps the answer; false if it failed.
    fn run(&mut self, db: &Connection) -> bool;

    /// Whether what it writes must be on disk before anybody is told.
    fn lasts(&self) -> bool;

    /// Tells the one who waits.
    fn answer(self: Box<Self>, committed: Result<(), CommitFailed>);
}

struct Pending<T, W> {
    context: &'static str,
    lasts: bool,
    work: Option<W>,
    result: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Job for Pending<T, W>
where
    T: Send,
    W: FnOnce(&Connection) -> Result<T, Failure> + Send,
{
    fn run(&mut self, db: &Connection) -> bool {
        let Some(work) = self.work.take() else {
            return false;
        };
        // A panic must not take the thread with it.
        let result = caught(|| work(db));
        let done = result.is_ok();
        self.result = Some(result.map_err(|failure| failed(self.context, failure)));
        done
    }

    fn lasts(&self) -> bool {
        self.lasts
    }

    fn answer(self: Box<Self>, committed: Result<(), CommitFailed>) {
        let result = match (self.result, committed) {
            (Some(Err(own)), _) => Err(own),
            (Some(Ok(answer)), Ok(())) => Ok(answer),
            (_, Err(failure)) => Err(failed(self.context, failure)),
            (None, Ok(())) => Err(failed(self.context, "the change was not made")),
        };
        // Whoever asked may have gone away.
        let _ = self.reply.send(result);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        path::Path,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use super::{super::failure::failed_in, *};

    fn table() -> Arc<Mutex<Connection>> {
        let db = Connection::open_in_memory().expect("memory");
        db.execute_batch("CREATE TABLE notes (text TEXT)")
            .expect("a table");
        Arc::new(Mutex::new(db))
    }

    fn note(text: String) -> impl FnOnce(&Connection) -> Result<(), Failure> + Send {
        move |db| {
            db.execute("INSERT INTO notes VALUES (?1)", [&text])?;
            if text == "undo" {
                return Err("as asked".into());
            }
            Ok(())
        }
    }

    fn notes(db: &Mutex<Connection>) -> Vec<String> {
        let db = lock(db);
        let mut statement = db.prepare("SELECT text FROM notes").expect("SQL");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("texts")
    }

    #[test]
    fn what_waited_goes_into_one_transaction() {
        let db = table();
        let job = |text: &str| -> (Box<dyn Job>, _) {
            let (reply, answer) = oneshot::channel();
            let job = Pending {
                context: "noting",
                lasts: true,
                work: Some(note(text.into())),
                result: None,
                reply,
            };
            (Box::new(job), answer)
        };
        let (jobs, answers): (Vec<_>, Vec<_>) = ["one", "undo", "two"].map(job).into_iter().unzip();
        let (sender, incoming) = mpsc::channel();
        for job in jobs {
            sender.send(job).expect("a receiver");
        }
        drop(sender);
        let commits = AtomicUsize::new(0);
        write_all(&db, &incoming, || {
            commits.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(commits.into_inner(), 1);
        let done = answers
            .into_iter()
            .map(|answer| answer.blocking_recv().expect("answered").is_ok());
        assert_eq!(done.collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(notes(&db), ["one", "two"]);
    }

    #[tokio::test]
    async fn a_full_disk_is_named_and_does_not_last() {
        let db = table();
        let writer = Writer::start(Arc::clone(&db), || {}).expect("a thread");
        lock(&db)
            .pragma_update(None, "max_page_count", 3)
            .expect("a limit");
        let large = "x".repeat(100_000);
        let error = writer.run("noting", note(large)).await.expect_err("full");
        assert!(error.to_string().contains("the disk is full"), "{error}");
        writer
            .run("noting", note("small".into()))
            .await
            .expect("fits");
        assert_eq!(notes(&db), ["small"]);
    }

    #[test]
    fn whoever_was_undone_with_another_may_try_again() {
        let db = table();
        lock(&db)
            .pragma_update(None, "max_page_count", 3)
            .expect("a limit");
        let (sender, incoming) = mpsc::channel();
        let answers = ["small".to_owned(), "x".repeat(100_000)].map(|text| {
            let (reply, answer) = oneshot::channel();
            let job: Box<dyn Job> = Box::new(Pending {
                context: "noting",
                lasts: true,
                work: Some(note(text)),
                result: None,
                reply,
            });
            sender.send(job).expect("a receiver");
            answer
        });
        drop(sender);
        write_all(&db, &incoming, || {});
        assert_eq!(notes(&db), [""; 0]);
        for answer in answers {
            let error = answer.blocking_recv().expect("answered").expect_err("full");
            let told = failed_in(Path::new("a store.db"), error);
            assert!(matches!(told, StoreError::Unavailable { .. }), "{told:?}");
        }
    }

    #[tokio::test]
    async fn not_everybody_may_wait_for_a_slow_disk() {
        let db = table();
        let writer = Writer::start(Arc::clone(&db), || {}).expect("a thread");
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut waiting = Vec::new();
        let slow = lock(&db);
        let refused = loop {
            let mut asked = Box::pin(writer.run("noting", note("text".into())));
            match asked.as_mut().poll(&mut context) {
                std::task::Poll::Ready(answer) => break answer.expect_err("no room"),
                std::task::Poll::Pending => waiting.push(asked),
            }
            assert!(waiting.len() <= WAITING + LARGEST_GROUP);
        };
        assert!(
            matches!(refused, StoreError::Unavailable { .. }),
            "{refused:?}"
        );
        assert!(waiting.len() >= WAITING);
        drop(slow);
        let count = waiting.len();
        for asked in waiting {
            asked.await.expect("noted");
        }
        writer
            .run("noting", note("after".into()))
            .await
            .expect("there is room");
        assert_eq!(notes(&db).len(), count + 1);
    }

    #[tokio::test]
    async fn what_was_given_is_done_before_it_ends() {
        let db = table();
        let writer = Writer::start(Arc::clone(&db), || {}).expect("a thread");
        {
            let mut asked = Box::pin(writer.run("noting", note("last".into())));
            // Sent, and then nobody waits for the answer.
            let _ = std::future::poll_fn(|context| {
                std::task::Poll::Ready(asked.as_mut().poll(context))
            })
            .await;
        }
        drop(writer);
        assert_eq!(notes(&db), ["last"]);
    }
}
