//! What kabao costs, as ratios to what it cannot do without.
//!
//! `kabao-bench --quick` ends within 60 s; names choose parts, of which the full
//! run has more (`docs/benchmarks.md`). Every figure is a JSON line
//! `{"name","value","unit","bound","ratio",…}`. For calls the bound is the
//! cryptography that the protocol demands (one signature and one verification,
//! plus an opening or a sealing per sensitive value), measured in the same
//! round; `ratio` is bound ÷ cost, so 1 is perfection. The parts of the bound
//! stand beside it.

mod awake;
mod client;
mod connections;
mod cores;
mod crowd;
mod load;
mod measure;
mod members;
mod open_loop;
mod postgres;
mod primitives;
mod sandbox;
mod size;
mod start;
mod store;

use std::{path::Path, thread::available_parallelism, time::Duration};

use anyhow::{Context as _, Result, bail};

use awake::Awake;

/// A call makes a hundred small allocations; this allocator halves their cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long one measurement may take and how often it is repeated.
#[derive(Debug, Clone, Copy)]
struct Effort {
    rounds: usize,
    round: Duration,
}

impl Effort {
    // Many short rounds: a shared machine changes its speed within seconds, and
    // a round's bound is measured right before and after it.
    const QUICK: Self = Self {
        rounds: 15,
        round: Duration::from_millis(200),
    };
    const FULL: Self = Self {
        rounds: 60,
        round: Duration::from_millis(500),
    };
}

/// What there is to measure. The first ones are what `--quick` measures if it is
/// told no other.
const PARTS: [&str; 9] = [
    "client",
    "sandbox",
    "start",
    "store",
    "size",
    "connections",
    "crowd",
    "cores",
    "postgres",
];
const QUICK_PARTS: &[&str] = &["client", "sandbox", "start", "store"];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        // How the benchmark starts the server it measures; see sandbox.rs.
        ["serve", folder, cores, store @ ..] => {
            return sandbox::serve(folder.as_ref(), cores, store.first().copied());
        }
        ["spin"] => return awake::spin(),
        _ => {}
    }
    let is_quick = arguments.contains(&"--quick");
    arguments.retain(|argument| *argument != "--quick");
    if let Some(unknown) = arguments.iter().find(|part| !PARTS.contains(part)) {
        bail!(
            "there is no `{unknown}`; usage: kabao-bench [--quick] [PART…], of {}",
            PARTS.join(", ")
        );
    }
    let (effort, parts) = match (is_quick, arguments.as_slice()) {
        (true, []) => (Effort::QUICK, QUICK_PARTS),
        (false, []) => (Effort::FULL, &PARTS[..]),
        (true, named) => (Effort::QUICK, named),
        (false, named) => (Effort::FULL, named),
    };
    let runtime = tokio::runtime::Runtime::new().context("no async runtime")?;
    runtime.block_on(async {
        let folder = tempfile::tempdir()?;
        for part in parts {
            measure(part, folder.path(), effort).await?;
        }
        Ok(())
    })
}

async fn measure(part: &str, folder: &Path, effort: Effort) -> Result<()> {
    // These work by themselves, without an answer that has to wake somebody.
    match part {
        "start" => return start::measure("start_to_first_answer", folder, effort).await,
        "store" => return store::measure(effort).await,
        _ => {}
    }
    let _awake = Awake::keep(available_parallelism()?.get())?;
    match part {
        "size" => return size::measure(effort).await,
        "connections" => return connections::measure(effort).await,
        "crowd" => return crowd::measure(effort).await,
        "cores" => return cores::measure(effort).await,
        "postgres" => return postgres::measure(effort).await,
        _ => {}
    }
    let server = sandbox::Server::start(folder).await?;
    match part {
        "client" => client::measure(&server, effort).await?,
        _ => {
            let patches = load::Requests::patch(server.credentials(), start::unix_now())?;
            sandbox::measure(&server, "sandbox", &patches, effort).await?;
        }
    }
    server.stop().await
}
