//! What an answer costs the sandbox's process, its store included.

use std::{
    io::{BufRead as _, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result};
use kabao_sandbox::{RateLimits, Sandbox};
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

pub(crate) async fn measure(server: &Server, effort: Effort) -> Result<()> {
    let bench = Bench::new()?;
    let now = start::unix_now();
    let get = Requests::get(&server.credentials, now)?;
    let patch = Requests::patch(&server.credentials, now)?;
    let get_bound = |p: Primitives| p.verify + p.sign + SEALED_IN_ANSWER * p.seal;
    let patch_bound =
        |p: Primitives| p.verify + p.sign + SEALED_IN_ANSWER * p.seal + SEALED_IN_PATCH * p.open;
    let gets = rounds(server, &bench, &get, effort, get_bound).await?;
    gets.report_cpu("sandbox_get_c16");
    rounds(server, &bench, &patch, effort, patch_bound)
        .await?
        .report_cpu("sandbox_patch_c16");
    gets.report_wall("sandbox_wall_c16");
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
        let mut child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .arg(folder)
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

    /// CPU time of the server's process so far.
    async fn cpu_time(&self) -> Result<Duration> {
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

/// The server's side: serves from `folder`, tells its CPU time for every line
/// on stdin, and ends with it.
#[expect(clippy::print_stdout, reason = "the parent process reads it")]
pub(crate) fn serve(folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let sandbox = runtime.block_on(
        Sandbox::builder()
            .data_dir(folder)
            .credentials_dir(folder.join("credentials"))
            .rate_limits(RateLimits::Off)
            .start(),
    )?;
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
