//! What several processes count together.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    iter,
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Stdio},
    thread,
    time::{Duration, Instant},
};

use kabao_sandbox::{RateLimits, Sandbox};
use serde_json::json;

use crate::{
    child,
    support::{Request, Running, card_target},
};

const LIMITS: &str = "/_sandbox/rate-limits";
const FAULTS: &str = "/_sandbox/faults";

/// How long a rate is tried.
const TRIED: Duration = Duration::from_secs(3);

/// Sets a rate, calls through all of them for as fast as they answer, and looks
/// at how many calls passed.
pub(crate) fn assert_one_rate(first: &Running, addresses: &[SocketAddr], rate: u32) {
    let limits = json!({"limits": {"operations": {"get_user_card": rate}}});
    first.control_ok("PUT", LIMITS, Some(limits));
    // The others have seen it when they refuse to be called that often.
    thread::sleep(Duration::from_millis(1_200));
    for address in addresses {
        let _ = call(first, *address);
    }
    first.control_ok("POST", "/_sandbox/reset", None);
    // What they took before the reset is over by then.
    thread::sleep(Duration::from_millis(1_100));
    let begin = Instant::now();
    let mut answered: Vec<(Duration, u16)> = thread::scope(|scope| {
        let calling = addresses.iter().map(|address| {
            scope.spawn(move || {
                let mut answered = Vec::new();
                while begin.elapsed() < TRIED {
                    let status = call(first, *address);
                    answered.push((begin.elapsed(), status));
                }
                answered
            })
        });
        let calling: Vec<_> = calling.collect();
        let answered = calling.into_iter().map(|calls| calls.join().unwrap());
        answered.flatten().collect()
    });
    answered.sort_unstable();
    let mut statuses = answered.iter().map(|(_, status)| status);
    assert!(statuses.all(|status| [200, 429].contains(status)));
    let passed = answered.iter().filter(|(_, status)| *status == 200).count() as f64;
    // A second's at once, and what has come back since.
    let most = f64::from(rate) * (1.0 + begin.elapsed().as_secs_f64());
    assert!(passed <= most, "{passed} of {most} at {rate}");
    // A machine that is busy with other things cannot do any rate, and what comes
    // back while nobody calls is lost; but what it does is not refused for nothing.
    let ends = answered.iter().map(|(end, _)| *end);
    let begins = iter::once(Duration::ZERO).chain(ends.clone());
    let longest = ends.zip(begins).map(|(end, begin)| end - begin).max();
    let called = TRIED.saturating_sub(longest.unwrap_or(TRIED));
    let allowed = (answered.len() as f64).min(f64::from(rate) * called.as_secs_f64());
    assert!(passed >= 0.9 * allowed, "{passed} of {allowed} at {rate}");
}

/// Sends one and the same request to both at once, again and again.
pub(crate) fn assert_passes_once(first: &Running, addresses: [SocketAddr; 2]) {
    for _ in 0..40 {
        let request = first.merchant().request("GET", &card_target(), "");
        let mut statuses: Vec<u16> = thread::scope(|scope| {
            let request = &request;
            let sent = addresses.map(|to| scope.spawn(move || request.send(to).status));
            sent.map(|sent| sent.join().unwrap()).into()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
    }
}

/// Orders faults through one and is befallen through all of them, so often as
/// was ordered in all.
pub(crate) fn assert_one_order(first: &Running, addresses: &[SocketAddr]) {
    const PASSED: usize = 2;
    const COUNT: usize = 9;
    const CALLS: usize = 12;
    let order = |fault| first.control_ok("POST", FAULTS, Some(fault));
    // Each hears of it, by what it then answers to a call that nothing counts.
    let heard = |status: u16| {
        for address in addresses {
            let begin = Instant::now();
            let list = || first.merchant().request("GET", "/v3/certificates", "");
            while list().send(*address).status != status {
                assert!(
                    begin.elapsed() < Duration::from_secs(20),
                    "{address} never answers {status}"
                );
            }
        }
    };
    let marker = json!({"kind": "status", "status": 504, "path": "/v3/certificates"});
    order(marker.clone());
    heard(504);
    let last = addresses.last().unwrap();
    let called_off = Request::new("DELETE", FAULTS).send(*last);
    assert_eq!(called_off.status, 200);
    heard(200);

    let counted = json!({
        "kind": "status", "status": 502, "operation": "get_user_card",
        "skip": PASSED, "count": COUNT,
    });
    order(counted);
    order(marker);
    heard(504);
    // Passed over are the first, through whichever they come.
    let begin = addresses.iter().cycle().take(PASSED + 1);
    let statuses: Vec<u16> = begin.map(|address| call(first, *address)).collect();
    assert_eq!(statuses, [200, 200, 502]);
    let befallen: usize = thread::scope(|scope| {
        let calling = addresses.iter().map(|address| {
            scope.spawn(move || {
                let statuses = (0..CALLS).map(|_| call(first, *address));
                statuses.filter(|status| *status == 502).count()
            })
        });
        let calling: Vec<_> = calling.collect();
        calling.into_iter().map(|calls| calls.join().unwrap()).sum()
    });
    assert_eq!(befallen, COUNT - 1);
    // Whoever was not called for a while has heard of it before the first call is
    // judged.
    order(json!({"kind": "clock_skew", "seconds": 400}));
    thread::sleep(Duration::from_millis(1_100));
    for address in addresses {
        assert_eq!(call(first, *address), 401, "{address}");
    }
    first.control_ok("POST", "/_sandbox/reset", None);
    let listed = Request::new("GET", FAULTS).send(*last).json();
    assert_eq!(listed, json!({"data": []}));
}

#[test]
fn two_processes_on_one_file_keep_one_order() {
    let role = "together::two_processes_on_one_file_keep_one_order";
    if let Some(folder) = child::place() {
        return serve(&folder, false);
    }
    let first = Running::start();
    let second = Process::start(role, first.folder.path());
    assert_one_order(&first, &[first.address, second.address]);
}

#[test]
fn two_processes_on_one_file_let_one_rate_through() {
    let role = "together::two_processes_on_one_file_let_one_rate_through";
    if let Some(folder) = child::place() {
        return serve(&folder, false);
    }
    let first = Running::start();
    let second = Process::start(role, first.folder.path());
    let addresses = [first.address, second.address];
    for rate in [5, 100] {
        assert_one_rate(&first, &addresses, rate);
    }
    // Alone, it has all of it.
    assert_one_rate(&first, &addresses[..1], 5);
}

#[test]
fn limits_are_set_for_all_processes() {
    let role = "together::limits_are_set_for_all_processes";
    if let Some(folder) = child::place() {
        return serve(&folder, false);
    }
    let first = Running::start();
    let second = Process::start(role, first.folder.path());
    let is_limited = || (0..6).any(|_| call(&first, second.address) == 429);
    assert!(!is_limited());
    for (limits, limited) in [
        (json!({"operations": {"get_user_card": 1}}), true),
        (json!(null), false),
    ] {
        first.control_ok("PUT", LIMITS, Some(json!({ "limits": limits })));
        let begin = Instant::now();
        while is_limited() != limited {
            assert!(
                begin.elapsed() < Duration::from_secs(20),
                "it never hears of {limits}"
            );
        }
    }
}

#[test]
fn a_replayed_request_passes_one_of_two_processes() {
    let role = "together::a_replayed_request_passes_one_of_two_processes";
    if let Some(folder) = child::place() {
        return serve(&folder, true);
    }
    let first = Running::with(|builder| builder.rate_limits(RateLimits::Off).refuse_replays(true));
    let second = Process::start(role, first.folder.path());
    assert_passes_once(&first, [first.address, second.address]);
}

fn call(first: &Running, address: SocketAddr) -> u16 {
    let request = first.merchant().request("GET", &card_target(), "");
    request.send(address).status
}

/// A sandbox in a process of its own, on a folder that has one already.
struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Process {
    fn start(role: &str, folder: &Path) -> Self {
        let mut command = child::command(role, folder);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut lines = stdout.by_ref().lines().map_while(Result::ok);
        let said = lines.find_map(|line| child::said(&line).map(str::to_owned));
        Self {
            address: said.expect("it starts").parse().unwrap(),
            child,
            stdout,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        // The harness has a last word to say.
        let _ = self.stdout.read_to_end(&mut Vec::new());
        let _ = self.child.wait();
    }
}

/// Plays such a process, until its parent is gone.
#[expect(clippy::print_stdout, reason = "how a child speaks to its parent")]
fn serve(folder: &Path, refuse_replays: bool) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let builder = Sandbox::builder()
        .data_dir(folder)
        .rate_limits(RateLimits::Off)
        .refuse_replays(refuse_replays);
    let sandbox = runtime.block_on(builder.start()).unwrap();
    println!("said: {}", sandbox.address());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    runtime.block_on(sandbox.stop());
}
