//! What somebody can do who has a socket and no key: send too much, too slowly
//! or without end, and never read. Each is told so or cut off, and others do not
//! notice. How much memory that takes, `kabao-cli` measures on the real binary.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    thread::sleep,
    time::{Duration, Instant},
};

use kabao_sandbox::RateLimits;
use serde_json::json;

use crate::{
    pictures,
    support::{Answer, CARD_PATH, Request, Running, card_target, patch_target},
};

const KIB: usize = 1024;

/// Far more than any limit leaves, on a machine that has much else to do.
const LONG: Duration = Duration::from_secs(60);

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Sends what is taken, and gives what comes back before the connection ends.
fn told(mut stream: TcpStream, bytes: &[u8]) -> Vec<u8> {
    // The other side may have heard enough.
    let _ = stream.write_all(bytes);
    rest(&mut stream)
}

fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if is_still_open(&error) => panic!("the connection stays open"),
        _ => answer,
    }
}

fn is_still_open(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// An answer as a gateway gives it.
#[track_caller]
fn is_plain(answer: &[u8], status: u16, words: &str) -> Answer {
    assert!(!answer.is_empty(), "no answer");
    let answer = Answer::parse(answer);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, status, "{text}");
    assert!(answer.is_unsigned() && text.contains(words), "{text}");
    answer
}

/// Sends a byte every now and then until the other side has had enough; gives how
/// long that was after it had begun.
fn dripped(stream: &mut TcpStream, begun: Instant, byte: &[u8]) -> Duration {
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    while begun.elapsed() < LONG {
        let mut first = [0];
        let ended = match stream.peek(&mut first) {
            Err(error) => !is_still_open(&error),
            Ok(_) => true,
        };
        if ended || stream.write_all(byte).is_err() {
            break;
        }
    }
    stream.set_read_timeout(Some(LONG)).unwrap();
    begun.elapsed()
}

#[track_caller]
fn is_answered(running: &Running) {
    let begun = Instant::now();
    running.merchant().get(&card_target()).ok();
    assert!(begun.elapsed() < Duration::from_secs(30), "that was slow");
}

#[test]
fn a_head_that_drips_ends_after_eight_seconds() {
    let running = Running::start();
    let begun = Instant::now();
    let mut stream = connect(running.address);
    stream.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
    let lasted = dripped(&mut stream, begun, b"x");
    assert!(
        lasted > Duration::from_secs(7) && lasted < LONG,
        "{lasted:?}"
    );
    assert_eq!(rest(&mut stream), b"");
    is_answered(&running);
}

#[test]
fn a_handshake_that_does_not_come_ends_too() {
    let running = Running::with(|builder| builder.tls(true));
    let begun = Instant::now();
    assert_eq!(told(connect(running.address), b"\x16\x03\x01"), b"");
    assert!(begun.elapsed() > Duration::from_secs(7));
}

#[test]
fn a_body_that_drips_is_given_up_and_a_steady_one_is_not() {
    let running = Running::start();
    for path in [CARD_PATH, "/_sandbox/faults"] {
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n");
        let begun = Instant::now();
        let mut stream = connect(running.address);
        stream.write_all(head.as_bytes()).unwrap();
        let lasted = dripped(&mut stream, begun, b" ");
        let bounds = Duration::from_secs(4)..Duration::from_secs(30);
        assert!(bounds.contains(&lasted), "{path}: {lasted:?}");
        is_plain(&rest(&mut stream), 408, "took too long");
    }
    // For longer than somebody may pause.
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(200 * KIB));
    let request = running.merchant().request("PATCH", &patch_target(), &body);
    let sent = request.sent_in(running.address, 14, Duration::from_millis(500));
    assert_eq!(sent.status, 400, "{sent:?}");
    running.verified(&sent);
}

#[test]
fn bodies_have_a_limit_that_is_told_before_they_are_asked_for() {
    let running = Running::start();
    let call = |more: &str| format!("POST {CARD_PATH} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
    let waits = call("Content-Length: 16000000\r\nExpect: 100-continue\r\n");
    is_plain(
        &told(connect(running.address), waits.as_bytes()),
        413,
        "256 KiB",
    );

    // Who sends it all the same is not cut off at once, and can read why it was
    // not taken.
    let mut stream = connect(running.address);
    let whole = call(&format!("Content-Length: {}\r\n", 1024 * KIB));
    stream.write_all(whole.as_bytes()).unwrap();
    stream.peek(&mut [0]).unwrap();
    for _ in 0..3 {
        stream.write_all(&vec![b' '; 16 * KIB]).unwrap();
        sleep(Duration::from_millis(50));
    }
    is_plain(&rest(&mut stream), 413, "256 KiB");

    let upload = "Content-Type: multipart/form-data; boundary=x\r\n";
    let upload = call(&format!("{upload}Content-Length: {}\r\n", 4096 * KIB + 1));
    is_plain(
        &told(connect(running.address), upload.as_bytes()),
        413,
        "4096 KiB",
    );

    let control = "POST /_sandbox/faults HTTP/1.1\r\nContent-Length: 99000000\r\n\r\n";
    is_plain(
        &told(connect(running.address), control.as_bytes()),
        413,
        "32768 KiB",
    );
    let open = "GET /_sandbox/health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n";
    is_plain(
        &told(connect(running.address), open.as_bytes()),
        413,
        "256 KiB",
    );
    // What is within is read, whatever reads it.
    let spacious = format!("{}{{\"kind\": \"html\"}}", " ".repeat(3 * KIB * KIB));
    let order = Request::new("POST", "/_sandbox/faults").body(spacious);
    order.send(running.address).ok();
}

#[test]
fn who_waits_to_be_asked_for_a_body_is_asked() {
    let running = Running::start();
    let head = format!(
        "POST {CARD_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\
         Expect: 100-continue\r\nConnection: close\r\n\r\n"
    );
    let mut stream = connect(running.address);
    stream.write_all(head.as_bytes()).unwrap();
    let mut asked = [0; 25];
    stream.read_exact(&mut asked).unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    let answer = Answer::parse(&told(stream, b"{}"));
    answer.is_refused(401, "SIGN_ERROR");
}

#[test]
fn chunks_without_end_are_given_up() {
    let running = Running::start();
    let head = format!(
        "POST {CARD_PATH} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let chunk = [b"4000\r\n", &[b' '; 0x4000][..], b"\r\n"].concat();
    let chunks = [head.as_bytes(), &chunk.repeat(64)].concat();
    is_plain(&told(connect(running.address), &chunks), 413, "256 KiB");
    let extended = format!("{head}1;{}", "x".repeat(64 * KIB));
    is_plain(
        &told(connect(running.address), extended.as_bytes()),
        400,
        "not framed",
    );
    is_answered(&running);
}

#[test]
fn heads_have_limits() {
    let running = Running::start();
    let long = |length: usize| "x".repeat(length);
    let get = |target: &str, more: &str| {
        let head =
            format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n");
        told(connect(running.address), head.as_bytes())
    };
    let authorization = format!("Authorization: {}\r\n", long(3 * KIB * KIB));
    let longer = format!("Authorization: {}\r\n", long(17 * KIB));
    for too_much in [&authorization, &longer, &"A: b\r\n".repeat(200)] {
        let answer = Answer::parse(&get(CARD_PATH, too_much));
        assert_eq!(answer.status, 431);
    }
    for path in ["/v3/", "/_sandbox/"] {
        let answer = get(&format!("{path}{}", long(9 * KIB)), "");
        is_plain(&answer, 414, "8192 bytes");
    }
    is_answered(&running);
}

#[test]
fn compressed_bodies_are_not_taken() {
    let running = Running::start();
    let head = |encoding: &str| {
        format!(
            "POST {CARD_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\
             Content-Encoding: {encoding}\r\nConnection: close\r\n\r\n\x1f\x1e\x08"
        )
    };
    for encoding in [
        "gzip",
        "identity, br",
        "deflate\r\nContent-Encoding: identity",
    ] {
        let answer = told(connect(running.address), head(encoding).as_bytes());
        let answer = is_plain(&answer, 415, "as it was signed");
        assert_eq!(answer.header("accept-encoding"), Some("identity"));
    }
    let plain = told(connect(running.address), head("Identity").as_bytes());
    Answer::parse(&plain).is_refused(401, "SIGN_ERROR");
}

#[test]
fn json_that_is_hard_to_read_is_refused_with_a_signature() {
    let running = Running::start();
    let merchant = running.merchant();
    let many = (0..12_000).map(|place| format!("\"m{place}\":0,"));
    for body in [
        "[".repeat(200 * KIB),
        format!("{{\"brand_id\":{}", "[".repeat(129)),
        "{\"a\":".repeat(30_000),
        format!("{{{}\"brand_id\":1}}", many.collect::<String>()),
        format!("{{{}\"brand_id\":1}}", "\"brand_id\":0,".repeat(12_000)),
        format!("{{\"brand_id\":{}}}", "9".repeat(200 * KIB)),
        format!("{{\"brand_id\":1e{}}}", "9".repeat(200 * KIB)),
    ] {
        let begun = Instant::now();
        let answer = merchant.send("PATCH", &patch_target(), &body);
        let took = begun.elapsed();
        let start: String = body.chars().take(20).collect();
        answer.is_refused(400, "PARAM_ERROR");
        running.verified(&answer);
        assert!(took < Duration::from_secs(30), "{start}: {took:?}");
    }
}

#[test]
fn a_long_name_costs_its_length_once() {
    let running = Running::start();
    let merchant = running.merchant();
    let fastest = |name: &str| {
        let body = format!("{{\"brand_id\":0,\"{name}\":[{}0]}}", "0,".repeat(60_000));
        let times = (0..3).map(|_| {
            let request = merchant.request("PATCH", &patch_target(), &body);
            let begun = Instant::now();
            request.send(running.address).blames("/brand_id");
            begun.elapsed()
        });
        times.min().unwrap()
    };
    let (short, long) = (fastest("n"), fastest(&"n".repeat(120 * KIB)));
    // Once for each of the numbers would be thousands of times.
    assert!(long < 20 * short, "{long:?} and not {short:?}");
}

#[test]
fn a_refused_signature_costs_little_whatever_was_sent() {
    let running = Running::start();
    let merchant = running.merchant();
    let deep = format!(
        "{}{}0{}",
        "[".repeat(120),
        "0,".repeat(32_000),
        "]".repeat(120)
    );
    let pairs = format!("{CARD_PATH}?{}", "a=1&".repeat(1_500));
    let spaces = format!("{{{}}}", " ".repeat(250 * KIB));
    for (target, body) in [(CARD_PATH, &*deep), (CARD_PATH, &spaces), (&pairs, "{}")] {
        // Somebody else's, and the caller's own for something else.
        let foreign = kabao_core::PrivateKey::generate().unwrap();
        for key in [&foreign, &merchant.key] {
            let signature = kabao_core::signature::encode(&key.sign_now(b"other bytes").unwrap());
            let time = crate::support::unix_now().to_string();
            let header = merchant.header_of(&time, "nonce", &signature);
            let request = merchant.bare("POST", target, body);
            let begun = Instant::now();
            let answer = request
                .header("Authorization", &header)
                .send(running.address);
            answer.is_refused(401, "SIGN_ERROR");
            let took = begun.elapsed();
            assert!(took < Duration::from_secs(30), "{took:?}");
        }
    }
}

#[test]
fn parts_and_boundaries_may_be_many_and_long() {
    let running = Running::start();
    let send = |boundary: &str, body: &[u8]| {
        let request = running.merchant().request("POST", CARD_PATH, "");
        let content_type = format!("multipart/form-data; boundary={boundary}");
        let request = request.header("Content-Type", &content_type).body(body);
        let begun = Instant::now();
        request.send(running.address).is_refused(401, "SIGN_ERROR");
        assert!(begun.elapsed() < Duration::from_secs(30), "that was slow");
    };
    let part = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n";
    send("x", &part.repeat(3900 * KIB / part.len()));
    // Everywhere it nearly begins.
    send(
        &format!("{}x", "-".repeat(8 * KIB)),
        &vec![b'-'; 3900 * KIB],
    );
}

#[test]
fn one_connection_too_many_is_told_so() {
    let running = Running::with(|builder| builder.max_connections(3));
    let mut held: Vec<_> = (0..3).map(|_| connect(running.address)).collect();
    let get = b"GET /_sandbox/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    // Connections are taken in the order that they came.
    let answer = told(connect(running.address), get);
    let answer = is_plain(&answer, 503, "too many connections");
    assert_eq!(answer.header("retry-after"), Some("1"));
    held.pop();
    let begun = Instant::now();
    while Answer::parse(&told(connect(running.address), get)).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30), "a place is free");
        sleep(Duration::from_millis(20));
    }
    drop(held);
}

#[test]
fn who_never_reads_an_answer_is_let_go() {
    let running = Running::with(|builder| builder.rate_limits(RateLimits::Off).max_connections(2));
    let picture = pictures::uploaded(&running, 2 * KIB * KIB - 1);
    let get = format!("GET {picture} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    // More than all buffers on the way can hold.
    let mut deaf = connect(running.address);
    deaf.write_all(get.repeat(40).as_bytes()).unwrap();
    let health = "GET /_sandbox/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    // Whether there is place for two.
    let has_place = || {
        let other = connect(running.address);
        let answer = told(connect(running.address), health.as_bytes());
        drop(other);
        Answer::parse(&answer).status == 200
    };
    let begun = Instant::now();
    // Who uploaded it may be the one to go first.
    while has_place() {
        assert!(begun.elapsed() < LONG, "nobody is sent to");
        sleep(Duration::from_millis(20));
    }
    while !has_place() {
        assert!(begun.elapsed() < LONG, "it is still waited for");
        sleep(Duration::from_millis(100));
    }
    let got = rest(&mut deaf).len();
    assert!(got < 80 * KIB * KIB, "everything was sent: {got}");
}

#[test]
fn who_is_being_answered_when_it_stops_gets_all_of_it() {
    let running = Running::start();
    let size = 2 * KIB * KIB - 1;
    let picture = pictures::uploaded(&running, size);
    // More than all buffers on the way can hold, so that one is under way.
    let get = format!("GET {picture} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut slow = connect(running.address);
    slow.write_all(get.repeat(20).as_bytes()).unwrap();
    slow.peek(&mut [0]).unwrap();
    sleep(Duration::from_millis(500));
    let reader = std::thread::spawn(move || {
        sleep(Duration::from_secs(2));
        rest(&mut slow)
    });
    running.stop();
    let got = reader.join().unwrap();
    let mut unread = &got[..];
    while !unread.is_empty() {
        let head = unread.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let (_, body) = unread.split_at(head.unwrap() + 4);
        assert!(body.len() >= size, "{} bytes of {size}", body.len());
        unread = &body[size..];
    }
}

#[test]
fn bodies_under_way_are_bounded_together_and_small_ones_pass() {
    let running = Running::start();
    let head = format!(
        "POST {CARD_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\
         Content-Type: multipart/form-data; boundary=x\r\n\r\n",
        4000 * KIB
    );
    let most = [head.as_bytes(), &vec![b' '; 3900 * KIB]].concat();
    // Three times what may be held, none of it whole.
    let senders: Vec<_> = (0..50)
        .map(|_| {
            let (stream, most) = (connect(running.address), most.clone());
            std::thread::spawn(move || Answer::parse(&told(stream, &most)))
        })
        .collect();
    while !senders.iter().all(|sender| sender.is_finished()) {
        is_answered(&running);
    }
    let answers: Vec<_> = senders
        .into_iter()
        .map(|sender| sender.join().unwrap())
        .collect();
    let count = |status| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    let [full, slow] = [503, 408].map(count);
    assert_eq!(full + slow, 50, "{answers:?}");
    assert!(full > 0 && slow > 0, "{full} refused, {slow} waited for");
    let refused = answers.iter().find(|answer| answer.status == 503);
    assert_eq!(refused.unwrap().header("retry-after"), Some("1"));
    // All of it is free again.
    pictures::uploaded(&running, KIB * KIB);
    running.control_ok("POST", "/_sandbox/faults", Some(json!({"kind": "html"})));
}
