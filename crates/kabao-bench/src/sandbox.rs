//! What an answer costs the sandbox's process, its store included.

use std::{
    io::{BufRead as _, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result};
use kabao_sandbox::{RateLimits, Sandbox};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
};

use crate::{
    Effort,
    load::{self, Requests},
    measure::{Round, cpu_time, median, micros_each, report},
    primitives::{Bench, Primitives},
    start,
};

const CONCURRENCY: usize = 16;
const CORES: usize = 2;
const CORES_AVAILABLE: f64 = 2.0;

/// Sensitive values in the sample card, and in the change that is sent.
const SEALED_IN_ANSWER: f64 = 3.0;
const SEALED_IN_PATCH: f64 = 1.0;

/// The names of the lines begin with `store`.
pub(crate) async fn measure(
    server: &Server,
    store: &str,
    patches: &Requests,
    effort: Effort,
) -> Result<()> {
    let bench = Bench::new()?;
    let now = start::unix_now();
    let get = Requests::get(&server.credentials, now)?;
    let get_bound = |p: Primitives| p.verify + p.sign + SEALED_IN_ANSWER * p.seal;
    let patch_bound =
        |p: Primitives| p.verify + p.sign + SEALED_IN_ANSWER * p.seal + SEALED_IN_PATCH * p.open;
    let gets = rounds(server, &bench, &get, effort, get_bound).await?;
    gets.report_cpu(&format!("{store}_get_c16"));
    rounds(server, &bench, patches, effort, patch_bound)
        .await?
        .report_cpu(&format!("{store}_patch_c16"));
    gets.report_wall(&format!("{store}_wall_c16"));
    Ok(())
}

struct Measured {
    /// Per round: CPU per call, calls per second, bound.
    rounds: Vec<(f64, f64, f64)>,
    samples: Vec<Primitives>,
}

impl Measured {
    fn report_cpu(&self, name: &str) {
        let rounds: Vec<Round> = self
            .rounds
            .iter()
            .map(|(cpu, _, bound)| Round {
                value: *cpu,
                bound: *bound,
                higher_is_better: false,
            })
            .collect();
        report(name, "us of CPU per call", &rounds, &self.parts());
    }

    fn report_wall(&self, name: &str) {
        let rounds: Vec<Round> = self
            .rounds
            .iter()
            .map(|(_, rate, bound)| Round {
                value: *rate,
                bound: CORES_AVAILABLE * 1e6 / bound,
                higher_is_better: true,
            })
            .collect();
        report(name, "calls per second", &rounds, &self.parts());
    }

    fn parts(&self) -> [(&'static str, f64); 5] {
        Primitives::parts(
            &self.samples,
            median(self.rounds.iter().map(|(cpu, _, _)| *cpu)),
        )
    }
}

async fn rounds(
    server: &Server,
    bench: &Bench,
    requests: &Requests,
    effort: Effort,
    bound: impl Fn(Primitives) -> f64,
) -> Result<Measured> {
    let address = server.address();
    load::run(address, requests, CONCURRENCY, effort.round / 2).await?;
    let mut measured = Measured {
        rounds: Vec::new(),
        samples: vec![bench.sample(CORES)],
    };
    for _ in 0..effort.rounds {
        let before = measured.samples[measured.samples.len() - 1];
        let cpu = server.cpu_time().await?;
        let (calls, elapsed) = load::run(address, requests, CONCURRENCY, effort.round).await?;
        let cpu = server.cpu_time().await?.saturating_sub(cpu);
        let after = bench.sample(CORES);
        let rate = 1e6 / micros_each(elapsed, calls);
        let round_bound = f64::midpoint(bound(before), bound(after));
        measured
            .rounds
            .push((micros_each(cpu, calls), rate, round_bound));
        measured.samples.push(after);
    }
    Ok(measured)
}

/// How a server is to run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Setting<'a> {
    /// Where its store is, instead of the folder.
    pub(crate) store: Option<&'a str>,
    /// On how many cores it may run.
    pub(crate) cores: Option<usize>,
    /// How many threads answer, if not one for each core.
    pub(crate) workers: Option<usize>,
}

/// The measured server: this program again, in a process of its own.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pipes: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
    credentials: Credentials,
    address: String,
}

impl Server {
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        Self::start_with(folder, Setting::default()).await
    }

    pub(crate) async fn start_with(folder: &Path, setting: Setting<'_>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        if let Some(workers) = setting.workers {
            command.env("TOKIO_WORKER_THREADS", workers.to_string());
        }
        let cores = setting.cores.unwrap_or(usize::MAX);
        let mut child = command
            .arg("serve")
            .arg(folder)
            .arg(cores.to_string())
            .args(setting.store)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take().context("no stdin")?;
        let mut lines = BufReader::new(child.stdout.take().context("no stdout")?).lines();
        let ready = lines
            .next_line()
            .await?
            .context("the server did not start")?;
        let address = ready
            .strip_prefix("http://")
            .context("an unexpected first line")?
            .to_owned();
        Ok(Self {
            child,
            pipes: Mutex::new((stdin, lines)),
            credentials: Credentials::read(folder.join("credentials"))?,
            address,
        })
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A line of `/proc/PID/status` such as `VmRSS`.
    pub(crate) fn memory_mb(&self, name: &str) -> Result<f64> {
        let id = self.child.id().context("the server is gone")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let kilobytes: f64 = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .and_then(|rest| rest.trim().strip_suffix(" kB"))
            .with_context(|| format!("no {name} in its status"))?
            .parse()?;
        Ok(kilobytes * 1.024 / 1e3)
    }

    /// CPU time of the server's process so far.
    pub(crate) async fn cpu_time(&self) -> Result<Duration> {
        let mut pipes = self.pipes.lock().await;
        let (stdin, lines) = &mut *pipes;
        stdin.write_all(b"cpu\n").await?;
        let nanos = lines.next_line().await?.context("the server is gone")?;
        Ok(Duration::from_nanos(nanos.parse()?))
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        drop(self.pipes);
        self.child.wait().await?;
        Ok(())
    }
}

/// The server's side: serves from `folder` on the first `cores` cores, tells its CPU time for every line
/// on stdin, and ends with it.
#[expect(clippy::print_stdout, reason = "the parent process reads it")]
pub(crate) fn serve(folder: &Path, cores: &str, store: Option<&str>) -> Result<()> {
    keep_to(cores.parse()?)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let mut builder = Sandbox::builder()
        .data_dir(folder)
        .credentials_dir(folder.join("credentials"))
        .rate_limits(RateLimits::Off);
    if let Some(store) = store {
        builder = builder.store(store);
    }
    let sandbox = runtime.block_on(builder.start())?;
    println!("{}", sandbox.base_url());
    std::io::stdout().flush()?;
    for line in std::io::stdin().lock().lines() {
        line?;
        println!("{}", cpu_time().as_nanos());
        std::io::stdout().flush()?;
    }
    runtime.block_on(sandbox.stop());
    Ok(())
}

/// Before there are threads, which all then keep to it.
fn keep_to(cores: usize) -> Result<()> {
    let all = sched_getaffinity(None)?;
    let mut some = CpuSet::new();
    let numbers = (0..CpuSet::MAX_CPU).filter(|number| all.is_set(*number));
    numbers.take(cores).for_each(|number| some.set(number));
    Ok(sched_setaffinity(None, &some)?)
}

/// The folder that a sandbox's `--credentials` writes.
#[derive(Debug)]
pub(crate) struct Credentials {
    folder: PathBuf,
    ids: serde_json::Map<String, serde_json::Value>,
}

impl Credentials {
    fn read(folder: PathBuf) -> Result<Self> {
        let ids = serde_json::from_slice(&std::fs::read(folder.join("credentials.json"))?)?;
        Ok(Self { folder, ids })
    }

    pub(crate) fn text(&self, name: &str) -> Result<String> {
        let value = self.ids.get(name).and_then(serde_json::Value::as_str);
        value
            .map(str::to_owned)
            .with_context(|| format!("credentials.json has no {name}"))
    }

    pub(crate) fn file(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.folder.join(name);
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    }
}
