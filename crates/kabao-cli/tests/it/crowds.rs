//! How much memory the real binary takes when many strangers come at once.
#![allow(clippy::print_stdout, reason = "the figures are what is asked for")]

use std::{
    fs,
    io::Write as _,
    net::TcpStream,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::world::{CARD_ID, CODE, OPENID, Server, World};

const KIB: usize = 1024;

/// One crowd at a time: each takes many files and all of the machine.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("the limit of open files");
    guard
}

/// As many connections as this test may open, up to `wanted`.
fn at_most(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    wanted.min(usize::try_from(limit).unwrap_or(usize::MAX) - 300)
}

fn serve(world: &World) -> Server {
    world.serve(&["--store=memory", "--rate-limits=off", "--credentials=c"])
}

fn connect(server: &Server) -> TcpStream {
    let address = server.base_url.strip_prefix("http://").expect("plain");
    let stream = TcpStream::connect(address).expect("accepted");
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("set");
    stream
}

/// A figure of the process's memory in MiB.
fn memory(server: &Server, name: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with(name));
    let figure = line.and_then(|line| line.split_whitespace().nth(1));
    figure
        .and_then(|kib| kib.parse::<usize>().ok())
        .expect("a figure")
        / KIB
}

/// Calls as a merchant does, and how long that took.
fn called(world: &World, server: &Server, command: &[&str]) -> Duration {
    let text = fs::read_to_string(world.path("c/credentials.json")).expect("written");
    let credentials: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let text = |name: &str| credentials[name].as_str().expect("a text").to_owned();
    let client = World::new()
        .set("KABAO_MCHID", text("mchid"))
        .set("KABAO_SERIAL_NO", text("serial_no"))
        .set("KABAO_PRIVATE_KEY", world.path("c/apiclient_key.pem"))
        .set("KABAO_APIV3_KEY", text("apiv3_key"))
        .set("KABAO_BASE_URL", &server.base_url)
        .set("KABAO_BRAND_ID", "1004")
        .set("KABAO_CARD_ID", CARD_ID)
        .set("KABAO_OPENID", OPENID);
    let begun = Instant::now();
    client.run(command).ok();
    begun.elapsed()
}

#[test]
fn five_thousand_connections_that_say_nothing_or_half_a_head() {
    let _alone = alone();
    let world = World::new();
    let server = serve(&world);
    let before = memory(&server, "VmRSS:");
    let count = at_most(5_000);
    let half = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(KIB));
    let held: Vec<TcpStream> = (0..count)
        .map(|place| {
            let mut stream = connect(&server);
            if place % 2 == 0 {
                stream.write_all(half.as_bytes()).expect("sent");
            }
            stream
        })
        .collect();
    // Heads that do not end are not kept either.
    let endless = half.clone() + &"x".repeat(300 * KIB);
    let refused: Vec<TcpStream> = (0..at_most(6_000) - count)
        .map(|_| {
            let mut stream = connect(&server);
            let _ = stream.write_all(endless.as_bytes());
            stream
        })
        .collect();
    let took = called(&world, &server, &["user-card", "get", CODE]);
    let grown = memory(&server, "VmHWM:") - before;
    println!("{count} connections: {grown} MiB more, a call in {took:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert!(grown < 250, "{grown} MiB");
    drop((held, refused));
}

#[test]
fn bodies_that_are_sent_and_never_end() {
    let _alone = alone();
    let world = World::new();
    let server = serve(&world);
    let before = memory(&server, "VmRSS:");
    let head = "POST /v3/security/echo HTTP/1.1\r\nHost: localhost\r\n";
    let kinds = [
        ("Content-Length: 16777216\r\n\r\n", 1024 * KIB),
        (
            "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 4000000\r\n\r\n",
            1024 * KIB,
        ),
        ("Transfer-Encoding: chunked\r\n\r\n3fff0\r\n", 200 * KIB),
    ];
    let held: Vec<TcpStream> = (0..at_most(1_200))
        .map(|place| {
            let (more, size) = kinds[place % kinds.len()];
            let mut stream = connect(&server);
            stream
                .set_write_timeout(Some(Duration::from_secs(20)))
                .expect("set");
            // It may be refused half-way.
            let _ = stream.write_all(format!("{head}{more}").as_bytes());
            let _ = stream.write_all(&vec![b' '; size]);
            stream
        })
        .collect();
    let took = called(&world, &server, &["user-card", "get", CODE]);
    let grown = memory(&server, "VmHWM:") - before;
    println!(
        "{} senders: {grown} MiB more, a call in {took:?}",
        held.len()
    );
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert!(grown < 300, "{grown} MiB");
}

#[test]
fn bytes_that_come_one_by_one_hold_no_buffers() {
    let _alone = alone();
    let world = World::new();
    let server = serve(&world);
    let before = memory(&server, "VmRSS:");
    let head =
        "POST /v3/security/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n";
    let mut dripping: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = connect(&server);
            stream.set_nodelay(true).expect("set");
            stream.write_all(head.as_bytes()).expect("sent");
            stream
        })
        .collect();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(4) {
        for stream in &mut dripping {
            let _ = stream.write_all(b" ");
        }
    }
    let grown = memory(&server, "VmHWM:") - before;
    println!("bytes one by one: {grown} MiB more");
    assert!(grown < 100, "{grown} MiB");
}
