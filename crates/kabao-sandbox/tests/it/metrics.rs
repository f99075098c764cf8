//! What Prometheus is told.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    notifications::after_attempts,
    receiver::Receiver,
    support::{CARD_PATH, CODE, OPENID, Request, Running, card_target, echoed},
};

/// Every sample, by name and labels.
struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    /// Reads what is there, by the rules of the format and not more gently.
    fn of(running: &Running) -> Self {
        let answer = running.control("GET", "/_sandbox/metrics", None);
        assert_eq!(answer.status, 200);
        let content_type = answer.header("content-type").unwrap();
        assert!(
            content_type.starts_with("text/plain; version=0.0.4"),
            "{content_type}"
        );
        Self::parse(std::str::from_utf8(&answer.body).unwrap())
    }

    fn parse(text: &str) -> Self {
        let (mut samples, mut kinds) = (BTreeMap::new(), BTreeMap::new());
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let words: Vec<&str> = comment.splitn(3, ' ').collect();
                match words[..] {
                    ["HELP", name, help] => assert!(is_name(name) && !help.is_empty(), "{line}"),
                    ["TYPE", name, kind] => {
                        assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                        assert!(kinds.insert(name, kind).is_none(), "twice: {line}");
                    }
                    _ => panic!("not a comment of the format: {line}"),
                }
                continue;
            }
            let (series, value) = line.rsplit_once(' ').expect(line);
            let value: f64 = value.parse().expect(line);
            let (name, labels) = match series.split_once('{') {
                None => (series, ""),
                Some((name, labels)) => (name, labels.strip_suffix('}').expect(line)),
            };
            assert!(
                is_name(name) && name.starts_with("kabao_sandbox_"),
                "{line}"
            );
            for label in labels.split(',').filter(|label| !label.is_empty()) {
                let (name, value) = label.split_once('=').expect(line);
                let value = value
                    .strip_prefix('"')
                    .and_then(|value| value.strip_suffix('"'));
                let value = value.expect(line);
                assert!(is_name(name), "{line}");
                assert!(!value.contains(['"', '\\', ',', '\n']), "{line}");
            }
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| {
                    name.strip_suffix(end)
                        .filter(|name| kinds.contains_key(name))
                })
                .unwrap_or(name);
            let kind = kinds
                .get(family)
                .unwrap_or_else(|| panic!("no type: {line}"));
            assert!(*kind == "gauge" || value >= 0.0, "{line}");
            assert!(samples.insert(series.to_owned(), value).is_none(), "{line}");
        }
        Self(samples)
    }

    /// The sum of the series of that name that have all these labels.
    fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted: Vec<_> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{value}\""))
            .collect();
        let series = self.0.iter().filter(|(series, _)| {
            let named = series.split('{').next() == Some(&format!("kabao_sandbox_{name}"));
            named && wanted.iter().all(|label| series.contains(label))
        });
        series.map(|(_, value)| value).sum()
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[test]
fn requests_are_counted_by_operation_caller_status_and_code() {
    let running = Running::start();
    let get = ("operation", "get_user_card");
    assert_eq!(Scrape::of(&running).sum("requests_total", &[]), 0.0);
    let merchant = running.merchant();
    for _ in 0..3 {
        assert_eq!(merchant.get(&card_target()).status, 200);
    }
    let unknown = card_target().replace(CODE, "404404");
    assert_eq!(merchant.get(&unknown).status, 404);
    assert_eq!(merchant.get("/v3/nothing").status, 404);
    merchant
        .bare("GET", &card_target(), "")
        .send(running.address);
    let other = merchant.authorization("GET", "/v3/other", "");
    let spoiled = merchant.bare("GET", &card_target(), "");
    spoiled
        .header("Authorization", &other)
        .send(running.address);
    assert_eq!(
        running
            .brand()
            .get("/brand/card-member/cards?limit=1&offset=0")
            .status,
        200
    );

    let scrape = Scrape::of(&running);
    let merchants = ("caller", "merchant");
    let count = |labels: &[(&str, &str)]| scrape.sum("requests_total", labels);
    assert_eq!(
        count(&[get, merchants, ("status", "200"), ("code", "none")]),
        3.0
    );
    let missing = [
        get,
        merchants,
        ("status", "404"),
        ("code", "RESOURCE_NOT_EXISTS"),
    ];
    assert_eq!(count(&missing), 1.0);
    assert_eq!(count(&[("operation", "none"), ("code", "NOT_FOUND")]), 1.0);
    assert_eq!(
        count(&[
            get,
            ("caller", "none"),
            ("status", "401"),
            ("code", "SIGN_ERROR")
        ]),
        2.0
    );
    assert_eq!(count(&[("caller", "brand")]), 1.0);
    assert_eq!(count(&[]), 8.0);
    let failures = |step| scrape.sum("signature_failures_total", &[("step", step)]);
    assert_eq!(
        (failures("authorization"), failures("signature")),
        (1.0, 1.0)
    );

    // Each was timed: all are in the last bucket, and none took no time.
    assert_eq!(scrape.sum("request_duration_seconds_count", &[get]), 6.0);
    let all = [get, ("le", "+Inf")];
    assert_eq!(scrape.sum("request_duration_seconds_bucket", &all), 6.0);
    assert!(scrape.sum("request_duration_seconds_sum", &[get]) > 6.0 * 0.0001);
}

#[test]
fn what_is_turned_away_is_counted_by_what_was_out_of_bounds() {
    let running = Running::with(|builder| builder.max_connections(20));
    let long = format!("/v3/{}", "x".repeat(9_000));
    for target in [&*long, &long.replace("v3", "_sandbox")] {
        let request = Request::new("POST", target);
        assert_eq!(request.send(running.address).status, 414);
    }
    let large = Request::new("POST", CARD_PATH).body(" ".repeat(300_000));
    assert_eq!(large.send(running.address).status, 413);
    let compressed = Request::new("POST", CARD_PATH).header("Content-Encoding", "gzip");
    assert_eq!(compressed.send(running.address).status, 415);
    let connect = || std::net::TcpStream::connect(running.address).unwrap();
    let mut held: Vec<_> = (0..20).map(|_| connect()).collect();
    let health = Request::new("GET", "/_sandbox/health");
    // Who came before may have gone only after the last of them was taken.
    while health.send(running.address).status != 503 {
        held.push(connect());
        assert!(held.len() < 40, "20 connections are no limit");
    }
    drop(held);
    while health.send(running.address).status == 503 {}
    let scrape = Scrape::of(&running);
    let turned_away = |why| scrape.sum("turned_away_total", &[("why", why)]);
    assert_eq!(turned_away("target_too_long"), 2.0);
    assert_eq!(turned_away("too_large"), 1.0);
    assert_eq!(turned_away("encoded"), 1.0);
    assert!(turned_away("too_many_connections") >= 1.0);
    assert_eq!(scrape.sum("requests_total", &[]), 0.0);
}

#[test]
fn what_is_no_request_is_counted_as_its_connection_ends() {
    let running = Running::start();
    let large = Request::new("GET", CARD_PATH).header("A", &"x".repeat(20_000));
    assert_eq!(large.send(running.address).status, 431);
    for head in ["GET /v3/x HTTP/9\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n"] {
        let mut stream = std::net::TcpStream::connect(running.address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    // Who comes and goes has done nothing wrong.
    drop(std::net::TcpStream::connect(running.address).unwrap());
    let begun = Instant::now();
    loop {
        let scrape = Scrape::of(&running);
        let turned_away = |why| scrape.sum("turned_away_total", &[("why", why)]);
        let counted = (turned_away("head_too_large"), turned_away("bad_head"));
        // Nothing else is open but what asks this.
        if scrape.sum("connections", &[]) <= 1.0 {
            assert_eq!(counted, (1.0, 2.0));
            assert_eq!(scrape.sum("turned_away_total", &[]), 3.0);
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{counted:?}");
    }
}

#[test]
fn what_comes_too_often_and_what_is_ordered_are_told_apart() {
    let running = Running::with(|builder| builder);
    let merchant = running.merchant();
    let refused = (0..40).filter(|_| merchant.get(&card_target()).status == 429);
    let refused = refused.count() as f64;
    assert!(refused > 0.0, "five a second were kept");
    let fault = json!({"kind": "status", "status": 429, "code": "NEVER_HEARD_OF", "count": 2});
    running.control_ok("POST", "/_sandbox/faults", Some(fault));
    for _ in 0..2 {
        assert_eq!(merchant.get(&card_target()).status, 429);
    }
    let scrape = Scrape::of(&running);
    assert_eq!(scrape.sum("rate_limited_total", &[]), refused);
    let limited = [("code", "FREQUENCY_LIMITED"), ("status", "429")];
    assert_eq!(scrape.sum("requests_total", &limited), refused);
    // What a fault answers with may be anything, a label may not.
    assert_eq!(scrape.sum("requests_total", &[("code", "other")]), 2.0);
    let faults = [("kind", "status"), ("on", "answer")];
    assert_eq!(scrape.sum("faults_total", &faults), 2.0);
}

#[test]
fn what_comes_too_often_is_counted_whatever_else_befalls_it() {
    let running = Running::with(|builder| builder);
    let delay = json!({"kind": "delay", "ms": 1, "count": 1000});
    running.control_ok("POST", "/_sandbox/faults", Some(delay));
    let merchant = running.merchant();
    let refused = (0..40).filter(|_| merchant.get(&card_target()).status == 429);
    let refused = refused.count() as f64;
    assert!(refused > 0.0, "five a second were kept");
    let scrape = Scrape::of(&running);
    assert_eq!(scrape.sum("rate_limited_total", &[]), refused);
}

#[test]
fn notifications_are_counted_as_they_are_tried_and_owed() {
    let running = Running::start();
    let taking = Receiver::saying(200, "");
    let refusing = Receiver::saying(500, "");
    running.control_ok(
        "POST",
        "/_sandbox/faults",
        Some(json!({"kind": "bad_signature", "on": "notification", "count": 1})),
    );
    for url in [&taking.url, &refusing.url] {
        echoed(&running, url);
        after_attempts(&running, url, 1);
    }
    let scrape = Scrape::of(&running);
    let attempts = |outcome| {
        let labels = [("event", "SECURITY_ECHO.SUCCESS"), ("outcome", outcome)];
        scrape.sum("notification_attempts_total", &labels)
    };
    assert_eq!((attempts("delivered"), attempts("again")), (1.0, 1.0));
    assert_eq!(scrape.sum("notifications_owed", &[]), 1.0);
    let faults = [("kind", "bad_signature"), ("on", "notification")];
    assert_eq!(scrape.sum("faults_total", &faults), 1.0);
}

#[test]
fn what_goes_on_is_shown_while_it_does() {
    let running = Running::start();
    running.control_ok(
        "POST",
        "/_sandbox/faults",
        Some(json!({"kind": "delay", "ms": 60_000, "count": 1})),
    );
    let request = running.merchant().request("GET", &card_target(), "");
    let address = running.address;
    // It ends with the sandbox.
    let waiting = std::thread::spawn(move || request.exchange(address));
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    let in_flight = |scrape: &Scrape| scrape.sum("requests_in_flight", &[]);
    let mut scrape = Scrape::of(&running);
    while in_flight(&scrape) < 1.0 && std::time::Instant::now() < until {
        scrape = Scrape::of(&running);
    }
    assert_eq!(in_flight(&scrape), 1.0);
    // The one that waits, and the one that asks.
    assert!(scrape.sum("connections", &[]) >= 2.0);
    assert_eq!(scrape.sum("store_up", &[]), 1.0);
    assert_eq!(
        scrape.sum("build_info", &[("version", env!("CARGO_PKG_VERSION"))]),
        1.0
    );
    let started = scrape.sum("start_time_seconds", &[]);
    assert!((crate::support::unix_now() as f64 - started).abs() < 300.0);
    running.stop();
    let _ = waiting.join().unwrap();
}

#[test]
fn nobody_is_named_and_strangers_add_no_series() {
    let running = Running::start();
    let merchant = running.merchant();
    merchant.get(&card_target());
    let series = |running: &Running| Scrape::of(running).0.len();
    let target = |number: usize| format!("/v3/probe/{number}?openid=o{number}");
    merchant.get(&target(0));
    Request::new("BREW0", &target(0)).send(running.address);
    let before = series(&running);
    for number in 1..20 {
        merchant.get(&target(number));
        Request::new(&format!("BREW{number}"), &target(number)).send(running.address);
    }
    assert_eq!(series(&running), before);
    let text = running.control("GET", "/_sandbox/metrics", None).body;
    let text = String::from_utf8(text.to_vec()).unwrap();
    // A value may have any digits.
    let named = text.lines().filter_map(|line| line.rsplit_once(' '));
    let named: Vec<&str> = named.map(|(named, _)| named).collect();
    let named = named.join("\n");
    for private in [
        "1900000001",
        "1004",
        OPENID,
        CODE,
        CARD_PATH,
        "13800138000",
        "probe",
        "BREW",
    ] {
        assert!(!named.contains(private), "{private} in {text}");
    }
}
