//! The store by itself, beside bare SQLite doing the same to the same table.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use kabao_sandbox::{
    domain::UserCardId,
    sample,
    store::{Everything, Store, UserCardRule},
    vault::MasterKey,
};
use rusqlite::Connection;

use crate::{
    Effort,
    measure::{Round, report},
};

const CONCURRENCY: usize = 16;

pub(crate) async fn measure(effort: Effort) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("sandbox.db");
    let uri = format!("sqlite:{}", path.display());
    let store = kabao_sandbox::store::open(&uri, &MasterKey::generate()?)?;
    let contents = sample::contents();
    let everything = Everything {
        contents: contents.clone(),
        ..Everything::default()
    };
    store.initialise(&everything).await?;
    let card = contents
        .user_cards
        .into_iter()
        .next()
        .context("no sample card")?;
    let bare = Bare::open(&path, &card.id)?;
    let half = effort.round / 2;

    let mut reads = Vec::new();
    let mut updates = Vec::new();
    for _ in 0..effort.rounds {
        reads.push(Round {
            value: per_second(half, || store.user_card(&card.id)).await?,
            bound: bare.reads_per_second(half)?,
            higher_is_better: true,
        });
        updates.push(Round {
            value: updates_per_second(&store, &card.id, half).await?,
            bound: bare.updates_per_second(half)?,
            higher_is_better: true,
        });
    }
    report("store_point_read", "reads per second", &reads, &[]);
    report(
        "store_durable_update_c16",
        "updates per second",
        &updates,
        &[],
    );
    Ok(())
}

async fn per_second<T, E, F>(time: Duration, call: impl Fn() -> F) -> Result<f64>
where
    F: Future<Output = Result<T, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    let begin = Instant::now();
    let mut count = 0_u32;
    while begin.elapsed() < time {
        call().await?;
        count += 1;
    }
    Ok(f64::from(count) / begin.elapsed().as_secs_f64())
}

async fn updates_per_second(
    store: &Arc<dyn Store>,
    id: &UserCardId,
    time: Duration,
) -> Result<f64> {
    let begin = Instant::now();
    let tasks: Vec<_> = (0..CONCURRENCY)
        .map(|number| {
            let (store, id) = (Arc::clone(store), id.clone());
            tokio::spawn(async move {
                let rule: UserCardRule = Arc::new(move |card| {
                    card.level = Some(format!("等级{number}"));
                    Ok(())
                });
                let mut count = 0_u32;
                while begin.elapsed() < time {
                    store.change_user_card(&id, Arc::clone(&rule)).await?;
                    count += 1;
                }
                anyhow::Ok(count)
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    Ok(f64::from(count) / begin.elapsed().as_secs_f64())
}

/// The same table without kabao around it.
struct Bare {
    connection: Connection,
    id: UserCardId,
}

impl Bare {
    fn open(path: &Path, id: &UserCardId) -> Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        Ok(Self {
            connection,
            id: id.clone(),
        })
    }

    fn reads_per_second(&self, time: Duration) -> Result<f64> {
        let mut read = self.connection.prepare(
            "SELECT document, personal FROM user_cards WHERE brand_id = ?1 AND card_id = ?2 AND user_card_code = ?3",
        )?;
        self.rate(time, || {
            let row = read.query_row(self.key(), |row| {
                Ok((
                    row.get_ref(0)?.as_bytes()?.len(),
                    row.get_ref(1)?.as_bytes()?.len(),
                ))
            });
            std::hint::black_box(row?);
            Ok(())
        })
    }

    /// One durable transaction per update: what a store without group commit
    /// reaches.
    fn updates_per_second(&self, time: Duration) -> Result<f64> {
        let mut update = self.connection.prepare(
            "UPDATE user_cards SET version = version + 1 WHERE brand_id = ?1 AND card_id = ?2 AND user_card_code = ?3",
        )?;
        self.rate(time, || {
            update.execute(self.key())?;
            Ok(())
        })
    }

    fn key(&self) -> [&str; 3] {
        [&self.id.brand_id, &self.id.card_id, &self.id.user_card_code]
    }

    fn rate(&self, time: Duration, mut operation: impl FnMut() -> Result<()>) -> Result<f64> {
        let begin = Instant::now();
        let mut count = 0_u32;
        while begin.elapsed() < time {
            operation()?;
            count += 1;
        }
        Ok(f64::from(count) / begin.elapsed().as_secs_f64())
    }
}
