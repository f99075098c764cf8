//! Thousands of open connections, each used again before it is idle for too
//! long.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{Instant as Moment, sleep_until},
};

use crate::{
    Effort,
    load::{Requests, read_answer},
    measure::{Latencies, Round, report},
    sandbox::Server,
    start,
};

const FEW: usize = 100;
const MANY: usize = 5_000;

/// From one call to the next on a connection; the server closes it after eight
/// seconds without.
const TURN: Duration = Duration::from_secs(5);

pub(crate) async fn measure(effort: Effort) -> Result<()> {
    let limit = allow_files(MANY as u64 + 100)?;
    let folder = tempfile::tempdir()?;
    let server = Server::start(folder.path()).await?;
    // As many calls a second, so that only the connections differ.
    let turn = TURN.mul_f64(FEW as f64 / MANY as f64);
    let turns = 2 + effort.rounds / 15;
    let before = server.memory_mb("VmRSS")?;
    let few = turns_of(&server, FEW, turn, turns * MANY / FEW).await?;
    let many = turns_of(&server, MANY, TURN, turns).await?;
    let round = Round {
        value: many.latencies.p99(),
        bound: few.latencies.p99(),
        higher_is_better: false,
    };
    let parts = [
        ("open", many.open as f64),
        ("answered", many.answered as f64),
        ("p50_100", few.latencies.p50()),
        ("p50_5000", many.latencies.p50()),
        ("p999_5000", many.latencies.p999()),
        ("connect_p99", many.connecting.p99()),
        ("resident_before_mb", before),
        ("resident_open_mb", many.resident_mb),
        (
            "kb_per_connection",
            (many.resident_mb - few.resident_mb) * 1e3 / (MANY - FEW) as f64,
        ),
        ("files_allowed", limit as f64),
    ];
    report(
        "connections_5000_get_p99",
        "us until the answer",
        &[round],
        &parts,
    );
    server.stop().await
}

struct Turns {
    open: usize,
    answered: usize,
    latencies: Latencies,
    connecting: Latencies,
    resident_mb: f64,
}

/// Opens connections and calls on each `turns` times, one after the other in
/// even steps. Fails if any of them is not served.
async fn turns_of(server: &Server, count: usize, turn: Duration, turns: usize) -> Result<Turns> {
    let requests = Requests::get(server.credentials(), start::unix_now())?;
    let (go, wait) = watch::channel(None::<Moment>);
    let mut tasks = JoinSet::new();
    let mut connecting = Vec::with_capacity(count);
    for place in 0..count {
        let begun = Instant::now();
        let mut stream = TcpStream::connect(server.address()).await?;
        stream.set_nodelay(true)?;
        connecting.push(begun.elapsed().as_secs_f64() * 1e6);
        let (requests, mut wait) = (requests.clone(), wait.clone());
        let offset = turn.mul_f64(place as f64 / count as f64);
        tasks.spawn(async move {
            let begin = *wait.wait_for(Option::is_some).await?;
            let begin = begin.context("no begin")? + offset;
            let mut micros = Vec::with_capacity(turns);
            let mut answer = Vec::with_capacity(4096);
            for number in 0..turns {
                sleep_until(begin + turn * u32::try_from(number)?).await;
                let sent = Instant::now();
                stream
                    .write_all(requests.get_at(place + number).context("no request")?)
                    .await?;
                read_answer(&mut stream, &mut answer)
                    .await
                    .with_context(|| format!("connection {place}, call {number}"))?;
                micros.push(sent.elapsed().as_secs_f64() * 1e6);
            }
            // The stream goes back, so that it stays open until all are done.
            anyhow::Ok((micros, stream))
        });
    }
    go.send(Some(Moment::now() + Duration::from_millis(20)))?;
    let (mut micros, mut streams) = (Vec::new(), Vec::with_capacity(count));
    while let Some(done) = tasks.join_next().await {
        let (own, stream) = done??;
        micros.extend(own);
        streams.push(stream);
    }
    let resident_mb = server.memory_mb("VmRSS")?;
    ensure!(micros.len() == count * turns, "calls were not answered");
    Ok(Turns {
        open: streams.len(),
        answered: micros.len(),
        latencies: Latencies::of(micros),
        connecting: Latencies::of(connecting),
        resident_mb,
    })
}

/// Lets this process, and the server that it starts, open that many files.
fn allow_files(wanted: u64) -> Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    ensure!(
        most >= wanted,
        "only {most} open files are allowed here, {wanted} are needed; raise `ulimit -Hn`"
    );
    let current = limit.current.unwrap_or(u64::MAX);
    if current < wanted {
        let raised = Rlimit {
            current: Some(wanted),
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised)?;
    }
    Ok(current.max(wanted))
}
