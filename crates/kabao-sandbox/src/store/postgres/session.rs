//! One connection of the pool in the hands of one call of the store.

use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::time::{Instant, error::Elapsed, timeout_at};
use tokio_postgres::{Row, types::ToSql};

use super::{
    trouble::Trouble,
    write::{self, Write},
};

/// A connection until a deadline. It goes back to the pool only when the server
/// has answered everything: whoever is dropped in the middle of something, or
/// waits in vain, takes the connection and its transaction along.
pub(super) struct Session {
    connection: Option<Object>,
    deadline: Instant,
    is_busy: bool,
}

impl Session {
    pub(super) async fn open(pool: &Pool, patience: Duration) -> Result<Self, Trouble> {
        let deadline = Instant::now() + patience;
        let connection = timeout_at(deadline, pool.get()).await;
        Ok(Self {
            connection: Some(connection.map_err(|_| late())??),
            deadline,
            is_busy: false,
        })
    }

    /// Reads, in one round trip.
    pub(super) async fn query(
        &mut self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Trouble> {
        let (connection, deadline) = self.begin()?;
        let asked = timeout_at(deadline, read(connection, sql, parameters)).await;
        self.end(asked)
    }

    /// Reads a row, if there is one.
    pub(super) async fn query_opt(
        &mut self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, Trouble> {
        Ok(self.query(sql, parameters).await?.pop())
    }

    /// Reads several things at one moment, however long it takes.
    pub(super) async fn query_at_one_moment<const N: usize>(
        &mut self,
        sql: [&str; N],
    ) -> Result<[Vec<Row>; N], Trouble> {
        let (connection, deadline) = self.begin()?;
        let asked = timeout_at(deadline, read_at_one_moment(connection, sql)).await;
        self.end(asked)
    }

    /// One change in a transaction of its own, in one round trip. Tells how many
    /// rows it found.
    pub(super) async fn change(&mut self, write: &Write) -> Result<u64, Trouble> {
        let (connection, deadline) = self.begin()?;
        let asked = timeout_at(deadline, write::change(connection, write)).await;
        self.end(asked)
    }

    /// Each in a transaction of its own, in one round trip. Tells how many rows
    /// each found: none if it lost a race, which harms no other.
    pub(super) async fn each(&mut self, writes: &[Write]) -> Result<Vec<u64>, Trouble> {
        let (connection, deadline) = self.begin()?;
        let asked = timeout_at(deadline, write::each(connection, writes)).await;
        self.end(asked)
    }

    /// All in one transaction, or nothing.
    pub(super) async fn save(&mut self, writes: &[Write]) -> Result<(), Trouble> {
        if writes.is_empty() {
            return Ok(());
        }
        let (connection, deadline) = self.begin()?;
        let asked = timeout_at(deadline, write::save(connection, writes)).await;
        self.end(asked)
    }

    /// Waits, but not for longer than there is time.
    pub(super) async fn pause(&self, pause: Duration) {
        tokio::time::sleep_until(self.deadline.min(Instant::now() + pause)).await;
    }

    pub(super) fn has_time(&self) -> bool {
        Instant::now() < self.deadline
    }

    fn begin(&mut self) -> Result<(&Object, Instant), Trouble> {
        let connection = self.connection.as_ref();
        let connection =
            connection.ok_or_else(|| Trouble::Away("the connection was given up".into()))?;
        self.is_busy = true;
        Ok((connection, self.deadline))
    }

    fn end<T>(&mut self, asked: Result<Result<T, Trouble>, Elapsed>) -> Result<T, Trouble> {
        let Ok(outcome) = asked else {
            self.give_up_all();
            return Err(late());
        };
        match outcome {
            Err(Trouble::Away(_)) => self.give_up(),
            _ => self.is_busy = false,
        }
        outcome
    }

    /// A server that is gone without a word is so for the connections that wait in
    /// the pool, too; each would cost somebody all his time. If it was but slow,
    /// others are soon made.
    fn give_up_all(&mut self) {
        if let Some(pool) = self.connection.as_ref().and_then(Object::pool) {
            pool.retain(|_, _| false);
        }
        self.give_up();
    }

    fn give_up(&mut self) {
        // Closes it; the server then undoes what was not committed.
        drop(self.connection.take().map(Object::take));
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_busy {
            self.give_up();
        }
    }
}

async fn read(
    connection: &Object,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Trouble> {
    let statement = connection.prepare_cached(sql).await?;
    Ok(connection.query(&statement, parameters).await?)
}

async fn read_at_one_moment<const N: usize>(
    connection: &Object,
    sql: [&str; N],
) -> Result<[Vec<Row>; N], Trouble> {
    connection
        .batch_execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0",
        )
        .await?;
    let mut found = [const { Vec::new() }; N];
    for (rows, sql) in found.iter_mut().zip(sql) {
        match read(connection, sql, &[]).await {
            Ok(read) => *rows = read,
            Err(trouble) => {
                connection.batch_execute("ROLLBACK").await?;
                return Err(trouble);
            }
        }
    }
    connection.batch_execute("COMMIT").await?;
    Ok(found)
}

fn late() -> Trouble {
    Trouble::Away("the server took too long".into())
}
