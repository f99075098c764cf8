//! Who may use the control plane: this machine, or whoever has the token.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use kabao_sandbox::{Sandbox, SandboxBuilder, StartError};

use crate::{
    pictures,
    support::{Answer, Request, Running, card_target},
};

const TOKEN: &str = "0123456789abcdef-token";

/// One that other machines reach.
fn everywhere(configure: impl FnOnce(SandboxBuilder) -> SandboxBuilder) -> Running {
    Running::with(|builder| configure(builder.listen(([0, 0, 0, 0], 0).into())))
}

/// The same sandbox by an address of this machine that is not loopback, from
/// which its peer then comes. Nothing is sent to find it.
fn from_elsewhere(running: &Running) -> Option<SocketAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").ok()?;
    let own: IpAddr = socket.local_addr().unwrap().ip();
    (!own.is_loopback()).then(|| (own, running.address.port()).into())
}

fn bearer(method: &str, path: &str, token: &str) -> Request {
    Request::new(method, path).header("Authorization", &format!("Bearer {token}"))
}

#[track_caller]
fn says(answer: &Answer, status: u16, code: &str, words: &[&str]) {
    answer.is_refused(status, code);
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    for word in words {
        assert!(message.contains(word), "no {word} in {message}");
    }
}

#[test]
fn without_a_token_other_machines_are_refused_and_told_what_to_do() {
    let running = everywhere(|builder| builder);
    let here = SocketAddr::from(([127, 0, 0, 1], running.address.port()));
    let requests = Request::new("GET", "/_sandbox/requests");
    assert_eq!(requests.send(here).status, 200);
    // What a proxy on this machine passes on does not come from here.
    for (name, value) in [
        ("X-Forwarded-For", "203.0.113.7"),
        ("Forwarded", "for=203.0.113.7"),
        ("X-Real-IP", "203.0.113.7"),
    ] {
        let passed_on = requests.clone().header(name, value).send(here);
        says(
            &passed_on,
            403,
            "FORBIDDEN",
            &["proxy", "KABAO_CONTROL_TOKEN"],
        );
    }
    let Some(there) = from_elsewhere(&running) else {
        // This machine has loopback alone; `control::access` tests other peers.
        return;
    };
    for request in [requests, bearer("POST", "/_sandbox/reset", TOKEN)] {
        let refused = request.send(there);
        says(
            &refused,
            403,
            "FORBIDDEN",
            &[
                "--control-token-file",
                "KABAO_CONTROL_TOKEN",
                "Authorization: Bearer",
            ],
        );
    }
    let picture = pictures::uploaded(&running, 1000);
    for open in ["/_sandbox/health", &picture] {
        let anybody = Request::new("GET", open)
            .without("Host")
            .header("Host", "sandbox.example.com");
        assert_eq!(anybody.send(there).status, 200, "{open}");
    }
    let mut merchant = running.merchant();
    merchant.address = there;
    merchant.get(&card_target()).ok();
}

#[test]
fn a_token_is_asked_for_everywhere_and_opens_everywhere() {
    let running = everywhere(|builder| builder.control_token(TOKEN));
    let here = SocketAddr::from(([127, 0, 0, 1], running.address.port()));
    for address in [Some(here), from_elsewhere(&running)].into_iter().flatten() {
        for (method, path) in [
            ("GET", "/_sandbox/requests"),
            ("GET", "/_sandbox/clock"),
            ("POST", "/_sandbox/reset"),
            ("DELETE", "/_sandbox/health"),
            ("GET", "/_sandbox/nothing"),
            ("GET", "/_sandbox"),
        ] {
            let none = Request::new(method, path).send(address);
            says(
                &none,
                401,
                "UNAUTHORIZED",
                &["Bearer", "KABAO_CONTROL_TOKEN"],
            );
            assert_eq!(none.header("www-authenticate"), Some("Bearer"));
            assert!(none.is_unsigned());
            for wrong in [
                "",
                "0123456789abcdef-tokem",
                "0123456789abcdef-token0",
                "0123456789abcdef",
            ] {
                let refused = bearer(method, path, wrong).send(address);
                refused.is_refused(401, "UNAUTHORIZED");
            }
        }
        assert_eq!(
            Request::new("GET", "/_sandbox/health").send(address).status,
            200
        );
        let named = bearer("POST", "/_sandbox/reset", TOKEN)
            .without("Host")
            .header("Host", "sandbox.example.com")
            .header("X-Forwarded-For", "203.0.113.7");
        assert_eq!(named.send(address).status, 200);
        assert_eq!(
            bearer("GET", "/_sandbox/nothing", TOKEN)
                .send(address)
                .status,
            404
        );
    }
}

#[test]
fn a_page_elsewhere_cannot_steer_a_sandbox() {
    let running = Running::start();
    for (name, value) in [
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Origin", "http://localhost.evil.example"),
        ("Origin", "http://127.0.0.1.evil.example:80"),
        ("Host", "evil.example"),
        ("Host", "localhost.evil.example:8080"),
    ] {
        for (method, path) in [("POST", "/_sandbox/reset"), ("DELETE", "/_sandbox/faults")] {
            let request = Request::new(method, path).without(name).header(name, value);
            let refused = request.send(running.address);
            says(&refused, 403, "FORBIDDEN", &["another origin", name, value]);
        }
    }
}

#[test]
fn a_weak_token_is_refused_at_the_start() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let builder = Sandbox::builder().store("memory").control_token("secret 1");
    assert!(!format!("{builder:?}").contains("secret 1"));
    let error = runtime.block_on(builder.start()).unwrap_err();
    assert!(matches!(error, StartError::ControlToken(_)), "{error}");
    let words = error.to_string();
    assert!(
        words.contains("16 to 512") && !words.contains("secret"),
        "{words}"
    );
}
