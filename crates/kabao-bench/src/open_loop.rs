//! Calls at a fixed rate, however long the answers take: what a user of a server
//! that is not overrun sees.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    load::{self, Requests},
    measure::Latencies,
};

/// Sends every request once, `rate` of them a second, over that many
/// connections. Threads and blocking sockets, for a runtime's timer is a
/// millisecond wide.
///
/// An answer that delays the next request is counted in that one's time, too; the
/// late waking of this program is not.
pub(crate) fn run(
    address: &str,
    requests: &Requests,
    rate: f64,
    connections: usize,
) -> Result<Latencies> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        streams.push(stream);
    }
    let begin = Instant::now() + Duration::from_millis(5);
    let micros = thread::scope(|scope| {
        let threads: Vec<_> = streams
            .into_iter()
            .enumerate()
            .map(|(place, stream)| {
                scope.spawn(move || one_of(stream, requests, begin, rate, place, connections))
            })
            .collect();
        let mut micros = Vec::with_capacity(requests.len());
        for thread in threads {
            let own = thread.join();
            micros.extend(own.map_err(|_| anyhow::anyhow!("a thread of the load died"))??);
        }
        anyhow::Ok(micros)
    })?;
    Ok(Latencies::of(micros))
}

/// Sends each `of`-th request.
fn one_of(
    mut stream: TcpStream,
    requests: &Requests,
    begin: Instant,
    rate: f64,
    place: usize,
    of: usize,
) -> Result<Vec<f64>> {
    let mut micros = Vec::new();
    let mut answer = Vec::with_capacity(8192);
    let mut chunk = [0; 8192];
    for number in (place..requests.len()).step_by(of) {
        let number_f64 = f64::from(u32::try_from(number)?);
        let due = begin + Duration::from_secs_f64(number_f64 / rate);
        let wait = due.saturating_duration_since(Instant::now());
        let sent = if wait.is_zero() {
            due
        } else {
            thread::sleep(wait);
            Instant::now()
        };
        stream.write_all(requests.get_at(number).context("no request")?)?;
        answer.clear();
        while !load::is_whole(&answer)? {
            let read = stream.read(&mut chunk)?;
            ensure!(read > 0, "the server closed the connection");
            answer.extend_from_slice(&chunk[..read]);
        }
        micros.push(sent.elapsed().as_secs_f64() * 1e6);
    }
    Ok(micros)
}
