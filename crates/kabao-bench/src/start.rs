//! From starting the program to its first signed answer.

use std::{path::Path, time::Instant};

use anyhow::Result;

use crate::{
    Effort,
    load::{self, Requests},
    measure::{Round, report},
    sandbox::Server,
};

/// What a person still takes for "at once".
const AT_ONCE_MS: f64 = 100.0;

pub(crate) async fn measure(name: &str, folder: &Path, effort: Effort) -> Result<()> {
    let mut rounds = Vec::new();
    for _ in 0..effort.rounds {
        let begin = Instant::now();
        let server = Server::start(folder).await?;
        let request = Requests::one_get(server.credentials(), unix_now())?;
        load::once(server.address(), &request).await?;
        rounds.push(Round {
            value: begin.elapsed().as_secs_f64() * 1e3,
            bound: AT_ONCE_MS,
            higher_is_better: false,
        });
        server.stop().await?;
    }
    report(name, "ms", &rounds, &[]);
    Ok(())
}

/// Unix seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the benchmark has no clock to move"
)]
pub(crate) fn unix_now() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |elapsed| {
            i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX)
        })
}
