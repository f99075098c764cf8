//! What a million members change: latency, memory, start, the file.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::{
    Effort,
    measure::{Latencies, Round, report},
    members::{self, Ask},
    open_loop,
    sandbox::Server,
    start,
};

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;

/// Calls a second, a quarter of what two cores can do at most.
const READS: f64 = 1_000.0;
const WRITES: f64 = 300.0;
const CONNECTIONS: usize = 16;

const MOST_MEMORY_MB: f64 = 150.0;

pub(crate) async fn measure(effort: Effort) -> Result<()> {
    let (few, many) = (tempfile::tempdir()?, tempfile::tempdir()?);
    members::fill(few.path(), FEW).await?;
    members::fill(many.path(), MANY).await?;
    start::measure("start_to_first_answer_1m", many.path(), effort).await?;
    let few = Server::start(few.path()).await?;
    let large = Server::start(many.path()).await?;
    for (name, ask, rate) in [
        ("size_get_p99", Ask::Get, READS),
        ("size_list_p99", Ask::List, READS),
        ("size_patch_p99", Ask::Patch, WRITES),
    ] {
        compare(name, &few, &large, effort, |server, members, seed| {
            let count = effort.round.as_secs_f64() * 2.0 * rate;
            let count = count as usize;
            let requests = members::requests(server.credentials(), ask, members, count, seed)?;
            open_loop::run(server.address(), &requests, rate, CONNECTIONS)
        })?;
    }
    memory(&large, &few, many.path()).await?;
    few.stop().await?;
    large.stop().await
}

/// The same load on both servers in turn, round by round.
fn compare(
    name: &str,
    few: &Server,
    many: &Server,
    effort: Effort,
    load: impl Fn(&Server, usize, usize) -> Result<Latencies>,
) -> Result<()> {
    let mut rounds = Vec::new();
    let (mut all_few, mut all_many) = (Latencies::default(), Latencies::default());
    for seed in 0..effort.rounds / 2 {
        let with_few = load(few, FEW, seed)?;
        let with_many = load(many, MANY, seed)?;
        rounds.push(Round {
            value: with_many.p99(),
            bound: with_few.p99(),
            higher_is_better: false,
        });
        all_few = all_few.and(&with_few);
        all_many = all_many.and(&with_many);
    }
    let parts = [
        ("times_p99", all_many.p99() / all_few.p99()),
        ("p50_1k", all_few.p50()),
        ("p50_1m", all_many.p50()),
        ("p99_1k", all_few.p99()),
        ("p99_1m", all_many.p99()),
        ("p999_1k", all_few.p999()),
        ("p999_1m", all_many.p999()),
        ("longest_1k", all_few.longest()),
        ("longest_1m", all_many.longest()),
    ];
    report(name, "us until the answer", &rounds, &parts);
    Ok(())
}

async fn memory(many: &Server, few: &Server, folder: &Path) -> Result<()> {
    let resident = many.memory_mb("VmRSS")?;
    let database = std::fs::metadata(folder.join("sandbox.db")).context("no database")?;
    let round = Round {
        value: resident,
        bound: MOST_MEMORY_MB,
        higher_is_better: false,
    };
    let parts = [
        ("anonymous_mb", many.memory_mb("RssAnon")?),
        ("file_mb", many.memory_mb("RssFile")?),
        ("peak_mb", many.memory_mb("VmHWM")?),
        ("resident_1k_mb", few.memory_mb("VmRSS")?),
        ("database_mb", megabytes(database.len())),
    ];
    report("size_memory_1m", "MB resident", &[round], &parts);
    Ok(())
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
