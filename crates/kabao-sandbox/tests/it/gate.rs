//! What is let in, and in which form the rest is refused.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use kabao_core::{ApiV3Key, certificate::Certificate, certificate_list::CertificateList, message};
use kabao_sandbox::{RateLimits, folder::DataFolder};
use serde_json::json;

use crate::support::{
    CARD_PATH, Request, Running, card_target, change, nonce, patch_target, unix_now,
};

#[test]
fn an_answer_is_signed_with_the_key_that_the_request_asks_for() {
    let running = Running::start();
    let own = &running.credentials.merchant;
    let mut merchant = running.merchant();
    let answered_with = |merchant: &crate::support::Signer<'_>| {
        let answer = merchant.get(&card_target());
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("Wechatpay-Signature-Type"),
            Some("WECHATPAY2-SHA256-RSA2048")
        );
        assert!(answer.header("Request-ID").is_some());
        running.verified(&answer)
    };
    assert_eq!(answered_with(&merchant), own.wechatpay_public_key_id);
    merchant.wechatpay_serial = Some(own.platform_serial_no.clone());
    assert_eq!(answered_with(&merchant), own.platform_serial_no);
    merchant.wechatpay_serial = Some(own.platform_serial_no.to_lowercase());
    assert_eq!(answered_with(&merchant), own.platform_serial_no);
    merchant.wechatpay_serial = None;
    assert_eq!(answered_with(&merchant), own.wechatpay_public_key_id);
}

#[test]
fn an_unknown_wechatpay_serial_is_refused_and_signed_with_the_default() {
    let running = Running::start();
    let mut merchant = running.merchant();
    // The brand's key is not the merchant's, and the reverse.
    for wrong in [
        "PUB_KEY_ID_0100",
        "ABCDEF",
        "张",
        &running.credentials.brand.wechatpay_public_key_id,
    ] {
        merchant.wechatpay_serial = Some(wrong.to_owned());
        let answer = merchant.get(&card_target());
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()));
        assert!(
            answer.json()["message"]
                .as_str()
                .unwrap()
                .contains("Wechatpay-Serial")
        );
        assert_eq!(
            running.verified(&answer),
            running.credentials.merchant.wechatpay_public_key_id
        );
    }
}

#[test]
fn a_brand_must_name_its_key_on_every_call() {
    let running = Running::start();
    let mut brand = running.brand();
    let target = format!(
        "{}?card_id={}&openid={}",
        crate::support::BRAND_CARD_PATH,
        crate::support::CARD_ID,
        crate::support::OPENID
    );
    let answer = brand.get(&target);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(
        answer.header("Wechatpay-Signature-Type"),
        Some("WECHATPAY-BRAND-SHA256-RSA2048")
    );
    assert_eq!(
        running.verified(&answer),
        running.credentials.brand.wechatpay_public_key_id
    );
    brand.wechatpay_serial = None;
    let answer = brand.get(&target);
    assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()));
    running.verified(&answer);
    // Certificates are for merchants.
    brand.wechatpay_serial = Some(running.credentials.merchant.platform_serial_no.clone());
    assert_eq!(
        brand.get(&target).refusal(),
        (400, "INVALID_REQUEST".into())
    );
}

#[test]
fn each_caller_stays_on_its_own_addresses() {
    let running = Running::start();
    let answer = running.brand().get(&card_target());
    assert_eq!(answer.refusal(), (403, "NO_AUTH".into()));
    let answer = running.merchant().get(crate::support::BRAND_CARD_PATH);
    assert_eq!(answer.refusal(), (403, "NO_AUTH".into()));
}

#[test]
fn bad_grammar_is_a_sign_error_without_a_signature() {
    let running = Running::start();
    let merchant = running.merchant();
    let target = card_target();
    let good = merchant.authorization("GET", &target, "");
    let bad = [
        good.replace("\",", "\", "),
        good.replace('"', "'"),
        good.replace('"', ""),
        good.replace("WECHATPAY2-SHA256-RSA2048 ", ""),
        good.replace(
            "WECHATPAY2-SHA256-RSA2048 ",
            "WECHATPAY2-SHA256-RSA2048 WECHATPAY2-SHA256-RSA2048 ",
        ),
        good.replace("WECHATPAY2-SHA256-RSA2048 ", "WECHATPAY2-SHA256-RSA2048  "),
        good.replace("WECHATPAY2", "wechatpay2"),
        good.replace("WECHATPAY2", "WECHATPAY3"),
        good.replace("mchid", "brand_id"),
        format!("{good},nonce_str=\"again\""),
        format!("{good},extra=\"1\""),
        good.replace("nonce_str", "nonce"),
    ];
    for header in bad {
        let request = merchant
            .bare("GET", &target, "")
            .header("Authorization", &header);
        let answer = request.send(running.address);
        assert_eq!(answer.refusal(), (401, "SIGN_ERROR".into()), "{header}");
        assert!(answer.is_unsigned(), "{header}");
        let message = answer.json()["message"].clone();
        assert!(
            message
                .as_str()
                .unwrap()
                .starts_with("Http头Authorization值格式错误"),
            "{message}"
        );
        assert_eq!(running.last_request()["verdict"]["step"], "authorization");
    }
    let none = merchant.bare("GET", &target, "").send(running.address);
    assert_eq!(none.refusal(), (401, "SIGN_ERROR".into()));
    let twice = merchant
        .request("GET", &target, "")
        .header("Authorization", &good);
    assert_eq!(
        twice.send(running.address).refusal(),
        (401, "SIGN_ERROR".into())
    );
}

#[test]
fn a_signature_that_differs_shows_what_the_server_built() {
    let running = Running::start();
    let merchant = running.merchant();
    let body = r#"{"level":"钻石会员"}"#;
    let request = merchant
        .request("PATCH", CARD_PATH, body)
        .body(r#"{"level":"黄金会员"}"#);
    let answer = request.send(running.address);
    assert_eq!(answer.refusal(), (401, "SIGN_ERROR".into()));
    assert!(answer.is_unsigned());
    let body = answer.json();
    assert_eq!(body["message"], "错误的签名，验签失败");
    let shown = &body["detail"]["sign_information"];
    assert_eq!(body["detail"]["detail"]["issue"], "sign not match");
    assert_eq!(shown["method"], "PATCH");
    assert_eq!(shown["url"], CARD_PATH);
    let truncated = shown["truncated_sign_message"].as_str().unwrap();
    assert!(
        truncated.starts_with(&format!("PATCH\n{CARD_PATH}\n")),
        "{truncated}"
    );
    assert!(truncated.ends_with("\n{\"level\"\n"), "{truncated}");
    let entry = running.last_request();
    assert_eq!(entry["verdict"]["ok"], false);
    let built = entry["verdict"]["message"].as_str().unwrap();
    let (head, body) = built.split_at(truncated.len() - 1);
    assert_eq!(head, truncated.trim_end());
    assert!(body.starts_with("… (a body of 24 bytes"), "{body}");
}

#[test]
fn the_journal_keeps_the_bodies_of_refused_requests_if_asked_to() {
    use kabao_sandbox::{Sandbox, StartError, Switches};
    let mut switches = Switches::default();
    switches.journal_bodies = true;
    let running = Running::with(|builder| builder.switches(switches.clone()));
    let request = running.merchant().request("PATCH", CARD_PATH, "{}");
    let answer = request
        .body(r#"{"level":"黄金会员"}"#)
        .send(running.address);
    let entry = running.last_request();
    let built = entry["verdict"]["message"].as_str().unwrap();
    assert!(built.ends_with("{\"level\":\"黄金会员\"}\n"), "{built}");
    let shown = &answer.json()["detail"]["sign_information"];
    assert_eq!(shown["sign_message_length"], built.len());

    // On this machine alone.
    let elsewhere = Sandbox::builder()
        .switches(switches)
        .listen(([0, 0, 0, 0], 0).into());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime.block_on(elsewhere.start()).unwrap_err();
    assert!(matches!(error, StartError::JournalBodies { .. }), "{error}");
}

#[test]
fn requests_out_of_the_window_are_refused_either_way() {
    let running = Running::start();
    let merchant = running.merchant();
    let target = card_target();
    for off in [-301, 330, -86_400] {
        let (timestamp, nonce) = ((unix_now() + off).to_string(), nonce());
        let message = message::request("GET", &target, &timestamp, &nonce, b"");
        let signature = kabao_core::signature::encode(&merchant.key.sign_now(&message).unwrap());
        let header = merchant.header_of(&timestamp, &nonce, &signature);
        let answer = merchant
            .bare("GET", &target, "")
            .header("Authorization", &header)
            .send(running.address);
        assert_eq!(answer.refusal(), (401, "SIGN_ERROR".into()), "{off}");
        assert!(answer.is_unsigned());
        assert_eq!(running.last_request()["verdict"]["step"], "timestamp");
    }
}

#[test]
fn accept_and_user_agent_are_required() {
    let running = Running::start();
    for header in ["Accept", "User-Agent"] {
        let answer = running
            .merchant()
            .request("GET", &card_target(), "")
            .without(header)
            .send(running.address);
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()));
        assert_eq!(answer.json()["message"], "Http头缺少Accept或User-Agent");
        running.verified(&answer);
    }
}

#[test]
fn unknown_addresses_and_methods_are_refused_with_a_signature() {
    let running = Running::start();
    let merchant = running.merchant();
    let nowhere = merchant.get("/v3/nowhere");
    assert_eq!(nowhere.refusal(), (404, "NOT_FOUND".into()));
    running.verified(&nowhere);
    for method in ["DELETE", "PUT", "OPTIONS", "HEAD", "TRACE"] {
        let answer = merchant.send(method, CARD_PATH, "");
        assert_eq!(answer.status, 405, "{method}");
        assert_eq!(answer.header("Allow"), Some("GET, PATCH"));
        // Of HEAD the body is not sent, and the signature covers what is.
        running.verified(&answer);
    }
}

#[test]
fn a_repeated_authorization_is_accepted_and_marked_unless_refused() {
    let running = Running::start();
    let request = running.merchant().request("GET", &card_target(), "");
    assert_eq!(request.send(running.address).status, 200);
    assert_eq!(running.last_request()["replayed"], false);
    assert_eq!(request.send(running.address).status, 200);
    assert_eq!(running.last_request()["replayed"], true);

    let strict = Running::with(|builder| builder.rate_limits(RateLimits::Off).refuse_replays(true));
    let request = strict.merchant().request("GET", &card_target(), "");
    assert_eq!(request.send(strict.address).status, 200);
    assert_eq!(
        request.send(strict.address).refusal(),
        (401, "SIGN_ERROR".into())
    );
    assert_eq!(strict.last_request()["verdict"]["step"], "replay");
}

#[test]
fn a_replay_is_refused_whatever_the_clock_is_made_to_say() {
    let strict = Running::with(|builder| builder.rate_limits(RateLimits::Off).refuse_replays(true));
    let merchant = strict.merchant();
    for seconds in [-2_000, 2_000] {
        let skew = json!({"kind": "clock_skew", "seconds": seconds, "count": 2});
        strict.control_ok("POST", "/_sandbox/faults", Some(skew));
        let (timestamp, nonce) = ((unix_now() + seconds).to_string(), nonce());
        let message = message::request("GET", &card_target(), &timestamp, &nonce, b"");
        let signature = kabao_core::signature::encode(&merchant.key.sign_now(&message).unwrap());
        let header = merchant.header_of(&timestamp, &nonce, &signature);
        let request = merchant.bare("GET", &card_target(), "");
        let request = request.header("Authorization", &header);
        assert_eq!(request.send(strict.address).status, 200, "{seconds}");
        assert_eq!(request.send(strict.address).status, 401, "{seconds}");
        assert_eq!(strict.last_request()["verdict"]["step"], "replay");
    }
}

#[test]
fn the_documented_rate_limit_holds_per_operation() {
    let running = Running::with(|builder| builder.rate_limits(RateLimits::Documented));
    let merchant = running.merchant();
    // Signed before the clock runs: a slow machine must not refill the bucket.
    let requests: Vec<Request> = (0..200)
        .map(|_| merchant.request("GET", &card_target(), ""))
        .collect();
    let mut answers = requests.iter().map(|request| request.send(running.address));
    assert!(answers.by_ref().take(5).all(|answer| answer.status == 200));
    let refused = answers.find(|answer| answer.status != 200).unwrap();
    assert_eq!(refused.refusal(), (429, "FREQUENCY_LIMITED".into()));
    running.verified(&refused);
    // Another operation has its own allowance.
    assert_eq!(merchant.get("/v3/certificates").status, 200);
}

#[test]
fn certificates_are_encrypted_with_the_apiv3_key() {
    let running = Running::start();
    let answer = running.merchant().get("/v3/certificates");
    assert_eq!(answer.status, 200);
    running.verified(&answer);
    let list: CertificateList = serde_json::from_slice(&answer.body).unwrap();
    let own = &running.credentials.merchant;
    let opened = list
        .open(&ApiV3Key::new(own.apiv3_key.as_bytes()).unwrap())
        .unwrap();
    assert_eq!(
        opened,
        [Certificate::from_pem(&own.platform_certificate_pem).unwrap()]
    );
    assert_eq!(list.data[0].serial_no, own.platform_serial_no);
    assert_eq!(
        running
            .merchant()
            .get("/v3/certificates?algorithm_type=SM2")
            .refusal(),
        (404, "RESOURCE_NOT_EXISTS".into())
    );
    assert_eq!(
        running
            .merchant()
            .get("/v3/certificates?algorithm_type=DSA")
            .refusal(),
        (400, "PARAM_ERROR".into())
    );
}

#[test]
fn echo_gives_back_what_it_was_sent_sealed_for_the_caller() {
    let running = Running::start();
    let merchant = running.merchant();
    let body = json!({"echo_message": "你好", "encrypted_echo_message": running.seal("密语")});
    let answer = merchant.send("POST", "/v3/security/echo", &body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["echo_message"], "你好");
    assert_eq!(
        merchant.open(&answer.json()["encrypted_echo_message"]),
        "密语"
    );
    let plain = json!({"echo_message": "长".repeat(300)});
    let answer = merchant.send("POST", "/v3/security/echo", &plain.to_string());
    assert_eq!(answer.json(), plain);
    let bad = json!({"echo_message": "x", "encrypted_echo_message": "密语"});
    let answer = merchant.send("POST", "/v3/security/echo", &bad.to_string());
    assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()));
}

#[test]
fn what_is_no_request_does_not_bring_the_server_down() {
    let running = Running::start();
    let merchant = running.merchant();
    for (target, body) in [
        ("/", ""),
        ("*", ""),
        (
            "/v3/brand/partner/card-member/user-cards/%FF%FE?brand_id=1004",
            "",
        ),
        ("/v3/brand/partner/card-member/user-cards/%?brand_id=%", ""),
        (
            "/v3/brand/partner/card-member/user-cards/1?brand_id=%F0%9F%98%80",
            "",
        ),
    ] {
        let answer = merchant.send("GET", target, body);
        assert!((400..500).contains(&answer.status), "{target}: {answer:?}");
    }
    let too_large = merchant
        .bare("PATCH", CARD_PATH, "")
        .body(vec![b' '; 17 * 1024 * 1024]);
    // The server may close before it has read all.
    let _ = std::panic::catch_unwind(|| too_large.send(running.address));
    assert_eq!(merchant.get(&card_target()).status, 200);
}

#[test]
fn what_was_begun_is_done_and_noted_though_the_caller_hangs_up() {
    let running = Running::start();
    let order = json!({"kind": "delay", "ms": 1, "count": 1});
    running.control_ok("POST", "/_sandbox/faults", Some(order));
    let gauge = |name: &str| {
        let metrics = running.control("GET", "/_sandbox/metrics", None).body;
        let metrics = String::from_utf8(metrics).unwrap();
        let mut lines = metrics.lines().map(ToOwned::to_owned);
        let line = lines.find_map(|line| line.strip_prefix(name)?.trim().parse::<u32>().ok());
        line.unwrap()
    };
    let soon = |what: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !what() {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "it never happens"
            );
            sleep(Duration::from_millis(10));
        }
    };
    // Somebody else writes, and takes their time.
    let folder = DataFolder::create(running.folder.path()).unwrap();
    let other = rusqlite::Connection::open(folder.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let body = change(json!({"level": "白金"})).to_string();
    let request = running.merchant().request("PATCH", &patch_target(), &body);
    let impatient = request.started(running.address);
    soon(&|| gauge("kabao_sandbox_requests_in_flight ") == 1);
    drop(impatient);
    // Time to notice that, and no more than the change waits for its turn.
    sleep(Duration::from_millis(500));
    other.execute_batch("ROLLBACK").unwrap();
    soon(&|| running.last_request()["method"] == "PATCH");
    let noted = running.last_request();
    assert_eq!(noted["status"], 200, "{noted}");
    assert_eq!(noted["fault"], "delay", "{noted}");
    assert_eq!(running.merchant().get(&card_target()).ok()["level"], "白金");
}
