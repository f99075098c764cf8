//! What kabao costs, as ratios to what it cannot do without.
//!
//! `kabao-bench --quick` ends within 40 s. Every figure is a JSON line
//! `{"name","value","unit","bound","ratio",…}`. For calls the bound is the
//! cryptography that the protocol demands (one signature and one verification,
//! plus an opening or a sealing per sensitive value), measured in the same
//! round; `ratio` is bound ÷ cost, so 1 is perfection. The parts of the bound
//! stand beside it.

mod awake;
mod client;
mod load;
mod measure;
mod primitives;
mod sandbox;
mod start;
mod store;

use std::{thread::available_parallelism, time::Duration};

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

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let effort = match arguments.as_slice() {
        [] => Effort::FULL,
        ["--quick"] => Effort::QUICK,
        // How the benchmark starts the server it measures; see sandbox.rs.
        ["serve", folder] => return sandbox::serve(folder.as_ref()),
        ["spin"] => return awake::spin(),
        _ => bail!("usage: kabao-bench [--quick]"),
    };
    let runtime = tokio::runtime::Runtime::new().context("no async runtime")?;
    runtime.block_on(async {
        let folder = tempfile::tempdir()?;
        let server = sandbox::Server::start(folder.path()).await?;
        let awake = Awake::keep(available_parallelism()?.get())?;
        client::measure(&server, effort).await?;
        sandbox::measure(&server, effort).await?;
        server.stop().await?;
        drop(awake);
        start::measure(folder.path(), effort).await?;
        store::measure(effort).await
    })
}
