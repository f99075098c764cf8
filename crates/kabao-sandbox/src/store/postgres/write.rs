//! Changes on their way to the server, many of them in one round trip.

use deadpool_postgres::Object;
use futures_util::future::{join, join_all};
use tokio_postgres::{Statement, types::ToSql};

use super::trouble::Trouble;

/// What a statement is given.
pub(super) type Values = Vec<Box<dyn ToSql + Send + Sync>>;

/// The values of a statement, in the order of their numbers.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$(Box::new($value) as Box<dyn ::tokio_postgres::types::ToSql + Send + Sync>),*]
    };
}
pub(super) use values;

/// A change of one row, or a look at one that nobody may change meanwhile.
pub(super) struct Write {
    sql: &'static str,
    values: Values,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Changes what it finds, if anything.
    Any,
    /// Changes or makes a row. Another was first if there is none to change.
    One,
    /// Keeps a row as it is until the transaction ends. Another was first if it
    /// is not as it was.
    Look,
}

impl Write {
    /// Changes what it finds, if anything.
    pub(super) fn any(sql: &'static str, values: Values) -> Self {
        let kind = Kind::Any;
        Self { sql, values, kind }
    }

    /// Changes or makes a row; another was first if there is none to change.
    pub(super) fn one(sql: &'static str, values: Values) -> Self {
        let kind = Kind::One;
        Self { sql, values, kind }
    }

    /// Keeps a row as it is until the transaction ends; another was first if it
    /// is not as it was.
    pub(super) fn look(sql: &'static str, values: Values) -> Self {
        let kind = Kind::Look;
        Self { sql, values, kind }
    }

    async fn run(
        &self,
        connection: &Object,
        statement: &Statement,
    ) -> Result<u64, tokio_postgres::Error> {
        let values = self.values.iter().map(|value| &**value as _);
        let values: Vec<&(dyn ToSql + Sync)> = values.collect();
        match self.kind {
            Kind::Look => {
                let rows = connection.query(statement, &values).await?;
                Ok(rows.len() as u64)
            }
            Kind::Any | Kind::One => connection.execute(statement, &values).await,
        }
    }

    fn check(&self, found: u64) -> Result<(), Trouble> {
        match self.kind {
            Kind::One | Kind::Look if found == 0 => Err(Trouble::raced()),
            _ => Ok(()),
        }
    }
}

/// In a transaction of its own, as a statement is. Tells how many rows it found.
pub(super) async fn change(connection: &Object, write: &Write) -> Result<u64, Trouble> {
    let statement = connection.prepare_cached(write.sql).await?;
    Ok(write.run(connection, &statement).await?)
}

/// Each in a transaction of its own. Tells how many rows each found: none if it
/// lost a race.
pub(super) async fn each(connection: &Object, writes: &[Write]) -> Result<Vec<u64>, Trouble> {
    let statements = prepare(connection, writes).await?;
    let found = run_all(connection, writes, &statements).await.into_iter();
    let found = found.map(|found| match found.map_err(Trouble::from) {
        Err(Trouble::Raced(_)) => Ok(0),
        found => found,
    });
    found.collect()
}

/// All in one transaction, or nothing. Each statement sees what was there when it
/// began.
///
/// BEGIN is not waited for; that would be a third round trip for every change.
/// Should it alone fail, which takes a server that cancels just this, each of the
/// others is a transaction of its own: none changes a row that is not as it was
/// read, but some may be saved and others not. Nothing is tried again on top of
/// that.
pub(super) async fn save(connection: &Object, writes: &[Write]) -> Result<(), Trouble> {
    if let [write] = writes {
        return write.check(change(connection, write).await?);
    }
    let statements = prepare(connection, writes).await?;
    // What is polled first is sent first.
    let (begun, found) = join(
        connection.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"),
        run_all(connection, writes, &statements),
    )
    .await;
    begun.map_err(|error| Trouble::Away(error.into()))?;
    // After the first failure all others fail, for no reason of their own.
    let checked = found.into_iter().zip(writes);
    let checked = checked.map(|(found, write)| write.check(found?));
    if let Err(trouble) = checked.collect::<Result<(), Trouble>>() {
        connection.batch_execute("ROLLBACK").await?;
        return Err(trouble);
    }
    Ok(connection.batch_execute("COMMIT").await?)
}

async fn prepare(connection: &Object, writes: &[Write]) -> Result<Vec<Statement>, Trouble> {
    let mut statements = Vec::with_capacity(writes.len());
    for write in writes {
        statements.push(connection.prepare_cached(write.sql).await?);
    }
    Ok(statements)
}

/// In one round trip, in this order.
async fn run_all(
    connection: &Object,
    writes: &[Write],
    statements: &[Statement],
) -> Vec<Result<u64, tokio_postgres::Error>> {
    let runs = writes.iter().zip(statements);
    join_all(runs.map(|(write, statement)| write.run(connection, statement))).await
}
