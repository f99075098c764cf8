//! How throughput grows from one core to two. The load comes from the same
//! machine, so what it takes is counted, too.

use anyhow::Result;

use crate::{
    Effort,
    load::{self, Requests},
    measure::{Round, cpu_time, median, micros_each, report},
    sandbox::{Server, Setting},
    start,
};

const CONNECTIONS: usize = 16;

pub(crate) async fn measure(effort: Effort) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let on = |cores| Setting {
        cores: Some(cores),
        ..Setting::default()
    };
    let one = Server::start_with(folder.path(), on(1)).await?;
    let other = tempfile::tempdir()?;
    let two = Server::start_with(other.path(), on(2)).await?;
    let mut rounds = Vec::new();
    for _ in 0..effort.rounds {
        rounds.push((run(&one, effort).await?, run(&two, effort).await?));
    }
    let middle = |part: fn(&(Run, Run)) -> f64| median(rounds.iter().map(part));
    let parts = [
        ("rate_1", middle(|(one, _)| one.rate)),
        ("rate_2", middle(|(_, two)| two.rate)),
        ("cpu_us_per_call_1", middle(|(one, _)| one.cpu_us)),
        ("cpu_us_per_call_2", middle(|(_, two)| two.cpu_us)),
        ("load_us_per_call", middle(|(_, two)| two.load_us)),
    ];
    // What a call costs is what a core gives: free of what the load takes.
    let by_cpu = rounds.iter().map(|(one, two)| Round {
        value: 2.0 * one.cpu_us / two.cpu_us,
        bound: 2.0,
        higher_is_better: true,
    });
    let by_cpu: Vec<Round> = by_cpu.collect();
    report("cores_cpu", "times one core", &by_cpu, &parts);
    // By the clock the second core has to carry the load as well.
    let by_wall = rounds.iter().map(|(one, two)| Round {
        value: two.rate / one.rate,
        bound: 2.0 - two.rate * two.load_us / 1e6,
        higher_is_better: true,
    });
    let by_wall: Vec<Round> = by_wall.collect();
    report("cores_wall", "times one core", &by_wall, &parts);
    one.stop().await?;
    two.stop().await
}

#[derive(Debug, Clone, Copy)]
struct Run {
    rate: f64,
    cpu_us: f64,
    load_us: f64,
}

async fn run(server: &Server, effort: Effort) -> Result<Run> {
    let requests = Requests::get(server.credentials(), start::unix_now())?;
    let (cpu, own) = (server.cpu_time().await?, cpu_time());
    let (calls, elapsed) =
        load::run(server.address(), &requests, CONNECTIONS, effort.round).await?;
    let (cpu, own) = (
        server.cpu_time().await?.saturating_sub(cpu),
        cpu_time().saturating_sub(own),
    );
    Ok(Run {
        rate: 1e6 / micros_each(elapsed, calls),
        cpu_us: micros_each(cpu, calls),
        load_us: micros_each(own, calls),
    })
}
