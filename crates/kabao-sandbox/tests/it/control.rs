//! The control plane, by its contract.

use serde_json::json;

use crate::support::{Request, Running, card_target, change, patch_target};

#[test]
fn reset_brings_the_sample_back_and_keeps_the_keys() {
    let running = Running::start();
    let merchant = running.merchant();
    merchant.patch(&patch_target(), &change(json!({"level": "新"})));
    running.control_ok(
        "PUT",
        "/_sandbox/clock",
        Some(json!({"offset_seconds": 86_400})),
    );
    running.control_ok("POST", "/_sandbox/reset", None);
    assert_eq!(merchant.get(&card_target()).json()["level"], "钻石会员");
    assert_eq!(
        running.control_ok("GET", "/_sandbox/clock", None)["offset_seconds"],
        0
    );
}

#[test]
fn the_clock_is_set_shifted_and_frozen() {
    let running = Running::start();
    let set = |body| running.control_ok("PUT", "/_sandbox/clock", Some(body));
    let state = set(json!({"now": "2027-01-01T00:00:00+08:00", "frozen": true}));
    assert_eq!(state["now"], "2027-01-01T00:00:00.000+08:00");
    assert_eq!(state["frozen"], true);
    assert_eq!(
        running.control_ok("GET", "/_sandbox/clock", None)["now"],
        "2027-01-01T00:00:00.000+08:00"
    );
    let state = set(json!({"frozen": false}));
    assert!(
        state["now"]
            .as_str()
            .unwrap()
            .starts_with("2027-01-01T00:0")
    );
    assert_eq!(set(json!({"offset_seconds": 3600}))["offset_seconds"], 3600);
    assert_eq!(set(json!({"offset_seconds": 0}))["offset_seconds"], 0);
    // An offset is from real time, so it sets a stopped clock going.
    set(json!({"now": "2031-01-01T00:00:00+08:00", "frozen": true}));
    assert_eq!(set(json!({"offset_seconds": 0}))["frozen"], false);
    for bad in [
        json!({}),
        json!({"now": "soon"}),
        json!({"now": "2027-01-01T00:00:00Z", "offset_seconds": 1}),
        json!({"nwo": 1}),
        json!({"offset_seconds": i64::MAX}),
        // Far from the ends of time, where leases and validity would fall over.
        json!({"offset_seconds": -99_999_999_999_i64}),
        json!({"now": "9999-12-31T23:59:59+08:00"}),
        json!({"now": "9000-01-01T00:00:00Z", "frozen": true}),
        json!({"now": "1969-12-31T23:59:59Z"}),
    ] {
        let answer = running.control("PUT", "/_sandbox/clock", Some(bad.clone()));
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{bad}");
    }
    for bad in [json!([]), json!("x"), json!(null)] {
        for (method, path) in [
            ("PUT", "/_sandbox/clock"),
            ("POST", "/_sandbox/keys/rotate-certificate"),
        ] {
            let answer = running.control(method, path, Some(bad.clone()));
            assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{bad}");
            let message = answer.json()["message"].to_string();
            assert!(message.contains("not a JSON object"), "{message}");
        }
    }
}

#[test]
fn what_does_not_fit_in_an_address_is_refused_as_everything_is() {
    let running = Running::start();
    for (method, path) in [
        ("GET", "/_sandbox/requests?limt=1"),
        ("GET", "/_sandbox/requests?limit=all"),
        ("GET", "/_sandbox/notifications?status=PENDING"),
        ("GET", "/_sandbox/notifications/%FF"),
        ("PUT", "/_sandbox/brands/1004/merchants/%FF"),
        ("POST", "/_sandbox/brands/%FF/certificates"),
        ("GET", "/_sandbox/media/1/%FF"),
    ] {
        let answer = running.control(method, path, None);
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{path}");
    }
}

#[test]
fn a_body_may_be_left_out_and_needs_no_type() {
    let running = Running::start();
    let send = |body: &str| {
        let request = Request::new("PUT", "/_sandbox/clock").body(body);
        request.send(running.address)
    };
    assert_eq!(send(r#"{"offset_seconds": 60}"#).ok()["offset_seconds"], 60);
    for (body, words) in [
        ("", "give now"),
        (" ", "give now"),
        ("{} {}", "the body: trailing characters"),
        ("{", "the body: EOF"),
        (r#"{"frozen": 1}"#, "the body: frozen: invalid type"),
    ] {
        let answer = send(body);
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{body}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(words), "{message}");
    }
}

#[test]
fn a_bad_signature_befalls_as_many_answers_as_ordered() {
    let running = Running::start();
    let merchant = running.merchant();
    running.control_ok(
        "POST",
        "/_sandbox/faults",
        Some(json!({"kind": "bad_signature", "count": 1})),
    );
    let spoiled = merchant.get(&card_target());
    assert_eq!(spoiled.status, 200);
    let verified =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| running.verified(&spoiled)));
    assert!(verified.is_err(), "a spoiled signature must not verify");
    assert_eq!(running.last_request()["fault"], "bad_signature");
    running.verified(&merchant.get(&card_target()));
    running.control_ok(
        "POST",
        "/_sandbox/faults",
        Some(json!({"kind": "bad_signature"})),
    );
    let cleared = running.control_ok("DELETE", "/_sandbox/faults", None);
    assert_eq!(cleared["data"], json!([]));
    running.verified(&merchant.get(&card_target()));
    let unknown = running.control(
        "POST",
        "/_sandbox/faults",
        Some(json!({"kind": "earthquake"})),
    );
    assert_eq!(unknown.refusal(), (400, "PARAM_ERROR".into()));
}

#[test]
fn the_journal_names_what_happened() {
    let running = Running::start();
    running.merchant().get(&card_target());
    let entry = running.last_request();
    assert_eq!(entry["method"], "GET");
    assert_eq!(entry["path"], crate::support::CARD_PATH);
    assert_eq!(entry["status"], 200);
    assert_eq!(entry["caller"], "1900000001");
    assert_eq!(entry["operation"], "get_user_card");
    assert_eq!(entry["verdict"]["ok"], true);
    assert_eq!(
        entry["signed_with"],
        running.credentials.merchant.wechatpay_public_key_id
    );
}

#[test]
fn health_unknown_addresses_and_foreign_pages() {
    let running = Running::start();
    assert_eq!(
        running.control_ok("GET", "/_sandbox/health", None)["status"],
        "ok"
    );
    assert_eq!(
        running.control_ok("GET", "/_sandbox/ready", None)["status"],
        "ready"
    );
    assert_eq!(
        running.control("GET", "/_sandbox/nothing", None).refusal(),
        (404, "NOT_FOUND".into())
    );
    assert_eq!(
        running
            .control("DELETE", "/_sandbox/health", None)
            .refusal(),
        (405, "METHOD_NOT_ALLOWED".into())
    );
    let foreign = Request::new("POST", "/_sandbox/reset").header("Origin", "https://example.com");
    assert_eq!(
        foreign.send(running.address).refusal(),
        (403, "FORBIDDEN".into())
    );
    let rebound = Request::new("GET", "/_sandbox/requests")
        .without("Host")
        .header("Host", "evil.example");
    assert_eq!(
        rebound.send(running.address).refusal(),
        (403, "FORBIDDEN".into())
    );
    let local = Request::new("POST", "/_sandbox/reset").header("Origin", "http://localhost:3000");
    assert_eq!(local.send(running.address).status, 200);
}

#[test]
fn what_comes_as_a_notification_steers_nothing() {
    let running = Running::start();
    let post = Request::new("POST", "/_sandbox/reset").header("Wechatpay-Signature", "c2ln");
    let answer = post.send(running.address);
    assert_eq!(answer.refusal(), (403, "FORBIDDEN".into()));
    let message = answer.json()["message"].to_string();
    assert!(message.contains("notification"), "{message}");
}
