//! A sandbox that others depend on: is it ready, what does it log, how does it
//! stop.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::world::{CARD_ID, CODE, Port, Server, World};

/// What a loaded machine may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn address(server: &Server) -> &str {
    server.base_url.strip_prefix("http://").expect("http")
}

/// Status and body, if there is an answer.
fn get(address: &str, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    read_answer(stream)
}

fn read_answer(mut stream: TcpStream) -> Option<(u16, String)> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some((status, body.to_owned()))
}

#[test]
fn it_is_waited_for_until_it_is_ready() {
    // Nobody listens on it, for now.
    let port = Port::new();
    let address = port.address();
    let url = format!("http://{address}");
    let world = World::new();
    let never = world.run(&["sandbox", "wait", "--url", &url, "--timeout", "200ms"]);
    never.failed(2, &["no sandbox was ready within 200ms", "no answer from"]);
    let waiting = world
        .command(&["sandbox", "wait", "--timeout", "60s"])
        .env("KABAO_BASE_URL", &url)
        .spawn()
        .expect("it runs");
    let server = world.serve(&["--store", "memory", "--listen", &address]);
    let waited = waiting.wait_with_output().expect("it ends");
    assert!(waited.status.success(), "{waited:?}");
    assert_eq!(waited.stdout, b"");
    drop(server);

    // Not a sandbox: no use in waiting.
    let stranger = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", stranger.local_addr().expect("its address"));
    let other = thread::spawn(move || {
        let (mut stream, _) = stranger.accept().expect("a caller");
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    });
    let wrong = world.run(&["sandbox", "wait", "--url", &url]);
    wrong.failed(1, &["404", "is this the address of a kabao sandbox?"]);
    other.join().expect("no panic");
    let embedded = world.run(&["sandbox", "wait"]);
    embedded.failed(2, &["the embedded sandbox is not waited for", "--url"]);
    // The longest span that can be written is longer than time.
    let forever = [
        "sandbox",
        "wait",
        "--url",
        &url,
        "--timeout=2562047788015215h",
    ];
    let forever = world.run(&forever);
    forever.failed(2, &["--timeout is beyond the end of time"]);
}

#[test]
fn a_request_under_way_is_answered_and_nobody_else_is_let_in() {
    let world = World::new();
    let server = world.serve(&["--store", "memory"]);
    let address = address(&server).to_owned();
    let mut under_way = TcpStream::connect(&address).expect("connected");
    let head = "POST /v3/security/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n12";
    under_way.write_all(head.as_bytes()).expect("sent");
    until("it is under way", || {
        let (_, metrics) = get(&address, "/_sandbox/metrics").expect("metrics");
        metrics.contains("\nkabao_sandbox_requests_in_flight 1\n")
    });
    server.signal("-TERM");
    until("new connections are refused", || {
        TcpStream::connect(&address).is_err()
    });
    under_way.write_all(b"34").expect("it still listens");
    let (status, body) = read_answer(under_way).expect("an answer");
    assert_eq!(status, 401, "{body}");
    assert!(body.contains("SIGN_ERROR"), "{body}");
    let ended = server.ended();
    assert_eq!(ended.status, 0, "{ended:?}");
}

#[test]
fn an_answer_that_waits_goes_out_when_it_stops() {
    let world = World::new();
    let server = world.serve(&["--credentials", "c"]);
    let url = server.base_url.clone();
    let fault = [
        "sandbox",
        "fault",
        "add",
        "delay",
        "--ms=600000",
        "--method=PATCH",
        "--url",
        &url,
    ];
    world.run(&fault).ok();
    let calling = world
        .caller("c")
        .command(&["user-card", "update", CODE, "--level", "银卡"])
        .spawn()
        .expect("it runs");
    until("it was decided", || {
        let (_, journal) = get(address(&server), "/_sandbox/requests").expect("a journal");
        journal.contains("delay")
    });
    let stopped = server.stop("-TERM");
    assert_eq!(stopped.status, 0, "{stopped:?}");
    let called = calling.wait_with_output().expect("it ends");
    assert!(called.status.success(), "{called:?}");
    assert_eq!(world.card()["level"], "银卡");
}

#[test]
fn balancers_are_told_before_it_stops() {
    let world = World::new();
    let server = world.serve(&["--store", "memory", "--drain-delay", "10m"]);
    let address = address(&server).to_owned();
    let ready = || get(&address, "/_sandbox/ready").expect("an answer");
    assert_eq!(ready().0, 200);
    server.signal("-TERM");
    until("it is not ready any more", || ready().0 == 503);
    assert!(ready().1.contains("DRAINING"), "{:?}", ready());
    assert_eq!(
        get(&address, "/_sandbox/health").expect("it serves on").0,
        200
    );
    // Whoever asks twice does not want to wait.
    let stopped = server.stop("-TERM");
    assert_eq!(stopped.status, 0, "{stopped:?}");
    assert!(stopped.stderr.contains("stopping in 600s"), "{stopped:?}");

    let server = world.serve(&["--store", "memory", "--drain-delay", "50ms"]);
    assert_eq!(server.stop("-TERM").status, 0, "it ends by itself");
    let wrong = world.run(&["sandbox", "serve", "--drain-delay", "soon"]);
    wrong.failed(2, &["write a span such as 10s"]);
}

#[test]
fn what_is_owed_is_delivered_after_a_restart() {
    let world = World::new();
    world.configure("[sandbox]\ncard_event_retries = '1h'\n");
    let receiver = TcpListener::bind("127.0.0.1:0").expect("a port");
    let notify_url = format!("http://{}/n", receiver.local_addr().expect("its address"));
    let (statuses, next_status) = std::sync::mpsc::channel::<u16>();
    let receiving = thread::spawn(move || {
        for status in next_status {
            let (mut stream, _) = receiver.accept().expect("a post");
            let _ = stream.read(&mut [0; 4096]);
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    world
        .run(&["card", "update", CARD_ID, "--notify-url", &notify_url])
        .ok();
    let stands = |server: &Server| {
        let list = [
            "sandbox",
            "notifications",
            "list",
            "--output",
            "json",
            "--url",
        ];
        let list = world
            .run(&[&list[..], &[&server.base_url]].concat())
            .ok()
            .json();
        (
            list[0]["state"].clone(),
            list[0]["attempts"].as_array().map_or(0, Vec::len),
        )
    };
    let server = world.serve(&[]);
    statuses.send(500).expect("it receives");
    let join = ["sandbox", "user", "join", "--openid=oNew", "--url"];
    world.run(&[&join[..], &[&server.base_url]].concat()).ok();
    until("it was tried", || stands(&server) == ("PENDING".into(), 1));
    assert_eq!(server.stop("-TERM").status, 0);

    let server = world.serve(&[]);
    assert_eq!(stands(&server), ("PENDING".into(), 1));
    statuses.send(200).expect("it receives");
    let advance = ["sandbox", "clock", "advance", "2h", "--url"];
    world
        .run(&[&advance[..], &[&server.base_url]].concat())
        .ok();
    until("it is delivered", || {
        stands(&server) == ("DELIVERED".into(), 2)
    });
    drop(statuses);
    receiving.join().expect("no panic");
}

#[test]
fn a_log_for_programs_is_json_and_names_nobody() {
    let world = World::new();
    // Warnings before it starts, too.
    let token = world.write("token", "0f1e2d3c4b5a69788796a5b4c3d2e1f0\n");
    #[cfg(unix)]
    {
        let all = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
        std::fs::set_permissions(&token, all).expect("opened to all");
    }
    let token = format!("--control-token-file={}", token.display());
    let many = format!("--max-connections={}", u32::MAX);
    let server = world.serve(&["--store=memory", "--log-format=json", "-v", &token, &many]);
    let openid = "oSecretPerson";
    let path = format!("/v3/brand/partner/card-member/user-cards/1370013?openid={openid}");
    assert_eq!(get(address(&server), &path).expect("an answer").0, 401);
    let url = server.base_url.clone();
    let stopped = server.stop("-TERM");
    let lines: Vec<Value> = stopped
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}")))
        .collect();
    let said = |message: &str| {
        let line = lines.iter().find(|line| line["message"] == message);
        line.unwrap_or_else(|| panic!("nothing {message} in {}", stopped.stderr))
    };
    assert_eq!(said("listening")["url"], url);
    assert_eq!(said("stopping")["level"], "INFO");
    #[cfg(unix)]
    {
        let mut warned = lines.iter().filter(|line| line["level"] == "WARN");
        let is_told = |line: &Value| {
            line["message"]
                .as_str()
                .is_some_and(|message| message.contains("token is open to other users"))
        };
        assert!(warned.any(is_told), "{}", stopped.stderr);
    }
    let request = said("answered");
    for (name, wanted) in [
        ("level", "DEBUG".into()),
        ("operation", "get_user_card".into()),
        ("method", "GET".into()),
        ("status", 401.into()),
        ("code", Value::from("SIGN_ERROR")),
        ("failed", "authorization".into()),
    ] {
        assert_eq!(request[name], wanted, "{name} in {request}");
    }
    assert_eq!(
        request["id"].as_str().map(str::is_empty),
        Some(false),
        "{request}"
    );
    assert!(request["duration_ms"].as_f64() > Some(0.0), "{request}");
    assert!(request["timestamp"].is_string(), "{request}");
    for private in [openid, "1370013"] {
        assert!(!stopped.stderr.contains(private), "{}", stopped.stderr);
    }

    // Quieter without -v; and what keeps it from starting is a line, too.
    let quiet = World::new().set("KABAO_LOG_FORMAT", "json");
    let server = quiet.serve(&["--store=memory"]);
    get(address(&server), &path).expect("an answer");
    let stopped = server.stop("-TERM");
    assert!(!stopped.stderr.contains("answered"), "{stopped:?}");
    assert!(stopped.stderr.contains("listening"), "{stopped:?}");
    let failed = quiet.run(&["sandbox", "serve", "--store", "nonsense:"]);
    let line: Value = serde_json::from_str(failed.stderr.trim_end()).expect("one line of JSON");
    assert_eq!(
        (failed.status, &line["level"]),
        (2, &"ERROR".into()),
        "{line}"
    );
    assert!(
        line["causes"].as_str().expect("why").contains("nonsense"),
        "{line}"
    );
    let text = quiet
        .serve(&["--store=memory", "--log-format=text"])
        .stop("-TERM");
    assert_eq!(text.stderr, "stopping\n");
}
