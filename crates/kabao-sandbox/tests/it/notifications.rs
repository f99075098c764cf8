//! Notifications, from what causes them to the socket that takes them.

use std::{
    collections::HashSet,
    thread,
    time::{Duration, Instant},
};

use kabao_core::{
    answer::header,
    notification::{Event, Notification},
};
use kabao_sandbox::{NotificationSettings, RateLimits, Sandbox, SandboxBuilder};
use serde_json::{Value, json};

use crate::{
    caller::{new_card, with},
    receiver::{Post, Receiver},
    support::{Running, echo, echoed, unix_now},
};

fn notifying(settings: NotificationSettings) -> impl FnOnce(SandboxBuilder) -> SandboxBuilder {
    move |builder| builder.rate_limits(RateLimits::Off).notifications(settings)
}

/// Stands still, so many seconds after it did so first.
pub fn stop_clock_at(running: &Running, begin: i64, seconds: i64) {
    let now = jiff::Timestamp::from_second(begin + seconds).unwrap();
    let body = json!({"now": now.to_string(), "frozen": true});
    running.control_ok("PUT", "/_sandbox/clock", Some(body));
}

fn listed(running: &Running) -> Vec<Value> {
    let list = running.control_ok("GET", "/_sandbox/notifications", None);
    list["data"].as_array().unwrap().clone()
}

/// The newest notification to an address, once it has had so many attempts.
pub fn after_attempts(running: &Running, notify_url: &str, count: usize) -> Value {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let mut to_it = listed(running).into_iter();
        let newest = to_it.find(|sent| sent["notify_url"] == notify_url).unwrap();
        if newest["attempts"].as_array().unwrap().len() >= count {
            return newest;
        }
        assert!(Instant::now() < patience, "{newest}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn id_of(post: &Post) -> String {
    let Notification { id, .. } = post.envelope();
    id
}

#[test]
fn an_echo_is_posted_signed_and_doubly_encrypted() {
    let running = Running::start();
    let receiver = Receiver::answering([200]);
    echoed(&running, &receiver.url);
    let post = receiver.next();
    assert_eq!(post.path, "/notify");
    assert_eq!(post.header("content-type"), Some("application/json"));
    assert_eq!(
        post.header(header::SIGNATURE_TYPE),
        Some("WECHATPAY2-SHA256-RSA2048")
    );
    assert!(post.header(header::REQUEST_ID).is_some());
    let own = &running.credentials.merchant;
    assert_eq!(post.verified(&running), own.wechatpay_public_key_id);

    let envelope = post.envelope();
    assert_eq!(envelope.id.len(), 36);
    assert_eq!(envelope.event_type, "SECURITY_ECHO.SUCCESS");
    assert_eq!(envelope.resource_type, "encrypt-resource");
    assert_eq!(envelope.resource.original_type.as_deref(), Some("security"));
    assert_eq!(
        envelope.resource.associated_data.as_deref(),
        Some("security")
    );
    let Event::SecurityEcho(echo) = post.event(&running) else {
        panic!("{envelope:?}");
    };
    assert_eq!(echo.echo_message.as_deref(), Some("你好"));
    let message = echo.encrypt_echo_message.unwrap();
    assert_eq!((message.expose(), message.is_opened()), ("密语", true));

    let seen = after_attempts(&running, &receiver.url, 1);
    assert_eq!(seen["id"], envelope.id);
    assert_eq!(seen["state"], "DELIVERED");
    assert_eq!(seen["notify_url"], receiver.url);
    assert_eq!(seen["receiver"], own.mchid);
    assert_eq!(seen["attempts"][0]["status"], 200);
    receiver.stays_silent(&running);
}

#[test]
fn retries_follow_the_clock_each_signed_anew() {
    let running = Running::start();
    let begin = unix_now();
    stop_clock_at(&running, begin, 0);
    let receiver = Receiver::answering([500, 302, 204]);
    echoed(&running, &receiver.url);
    let first = receiver.next();
    let seen = after_attempts(&running, &receiver.url, 1);
    assert_eq!(seen["state"], "PENDING");
    assert_eq!(seen["attempts"][0]["status"], 500);
    stop_clock_at(&running, begin, 14);
    receiver.stays_silent(&running);
    stop_clock_at(&running, begin, 15);
    let second = receiver.next();
    after_attempts(&running, &receiver.url, 2);
    stop_clock_at(&running, begin, 30);
    let third = receiver.next();
    let seen = after_attempts(&running, &receiver.url, 3);
    assert_eq!(seen["state"], "DELIVERED");
    assert!(seen.get("next_attempt").is_none(), "{seen}");
    let statuses = [0, 1, 2].map(|index| seen["attempts"][index]["status"].clone());
    assert_eq!(statuses, [500, 302, 204]);

    for post in [&second, &third] {
        assert_eq!(post.body, first.body);
        post.verified(&running);
        for name in [header::NONCE, header::SIGNATURE, header::REQUEST_ID] {
            assert_ne!(post.header(name), first.header(name), "{name}");
        }
    }
    stop_clock_at(&running, begin, 100_000);
    receiver.stays_silent(&running);
}

#[test]
fn a_clock_that_has_run_out_can_be_wound_up_again() {
    let settings = NotificationSettings::default().other_event_retries([Duration::ZERO]);
    let running = Running::with(notifying(settings));
    let receiver = Receiver::answering([500, 500, 500, 200]);
    echoed(&running, &receiver.url);
    let seen = after_attempts(&running, &receiver.url, 2);
    assert_eq!(seen["state"], "FAILED");
    let path = format!("/_sandbox/notifications/{}", seen["id"].as_str().unwrap());
    let redeliver = format!("{path}/redeliver");
    for (attempts, state) in [(3, "FAILED"), (4, "DELIVERED"), (5, "DELIVERED")] {
        running.control_ok("POST", &redeliver, None);
        assert_eq!(
            after_attempts(&running, &receiver.url, attempts)["state"],
            state
        );
    }
    let ids: HashSet<String> = (0..5).map(|_| id_of(&receiver.next())).collect();
    assert_eq!(ids.len(), 1);

    let whole = running.control_ok("GET", &path, None);
    assert_eq!(whole["resource"]["echo_message"], "你好");
    assert_eq!(whole["resource"]["encrypt_echo_message"], "密语");
    assert_eq!(whole["attempts"].as_array().unwrap().len(), 5);
    let body: Notification = serde_json::from_str(whole["body"].as_str().unwrap()).unwrap();
    assert_eq!(body.id, whole["id"]);
}

#[test]
fn a_redelivery_asked_for_during_an_attempt_follows_it() {
    for status in [200, 500] {
        let running = Running::start();
        stop_clock_at(&running, unix_now(), 0);
        let receiver = Receiver::slow(Duration::from_millis(3_500), [status, 200]);
        echoed(&running, &receiver.url);
        receiver.next();
        let id = listed(&running)[0]["id"].clone();
        let path = format!("/_sandbox/notifications/{}", id.as_str().unwrap());
        let asked = running.control_ok("POST", &format!("{path}/redeliver"), None);
        assert_eq!(asked["state"], "PENDING");
        receiver.stays_silent(&running);
        receiver.next();
        let seen = after_attempts(&running, &receiver.url, 2);
        assert_eq!(seen["state"], "DELIVERED");
        let statuses = [0, 1].map(|index| seen["attempts"][index]["status"].clone());
        assert_eq!(statuses, [status, 200]);
        receiver.stays_silent(&running);
    }
}

#[test]
fn what_a_receiver_says_is_shown_and_not_in_the_files() {
    const WORDS: &str = r#"{"message":"no 13900139000"}"#;
    let running = Running::start();
    let receiver = Receiver::saying(500, WORDS);
    echoed(&running, &receiver.url);
    let seen = after_attempts(&running, &receiver.url, 1);
    let error = seen["attempts"][0]["error"].as_str().unwrap();
    assert!(error.ends_with(WORDS), "{error}");
    let folder = running.stop();
    let shows = |text: &str| {
        let files = std::fs::read_dir(folder.path()).unwrap();
        let mut files = files.map(|file| std::fs::read(file.unwrap().path()).unwrap_or_default());
        files.any(|bytes| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        })
    };
    assert!(shows(&receiver.url) && !shows("13900139000"));
}

#[test]
fn the_list_says_whether_there_is_more() {
    let running = Running::start();
    let receiver = Receiver::answering([200]);
    for _ in 0..3 {
        echoed(&running, &receiver.url);
        receiver.next();
    }
    after_attempts(&running, &receiver.url, 1);
    for (query, more) in [
        ("", false),
        ("?limit=3", false),
        ("?limit=2", true),
        ("?limit=0", true),
        ("?event_type=SECURITY_ECHO.SUCCESS", false),
        ("?event_type=SECURITY_ECHO.SUCCESS&limit=2", true),
        ("?event_type=USER_CARD.CREATE&limit=0", false),
    ] {
        let list = running.control_ok("GET", &format!("/_sandbox/notifications{query}"), None);
        assert_eq!(list["more"], more, "{query}");
    }
}

#[test]
fn the_list_can_be_narrowed() {
    let running = Running::start();
    let receiver = Receiver::answering([200]);
    for count in 1..=3 {
        echoed(&running, &receiver.url);
        after_attempts(&running, &receiver.url, 1);
        assert_eq!(listed(&running).len(), count);
    }
    let count = |query: &str| {
        let path = format!("/_sandbox/notifications?{query}");
        running.control_ok("GET", &path, None)["data"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count("limit=2"), 2);
    assert_eq!(count("state=DELIVERED&event_type=SECURITY_ECHO.SUCCESS"), 3);
    assert_eq!(count("state=FAILED"), 0);
    assert_eq!(count("event_type=USER_CARD.CREATE"), 0);
    for wrong in ["state=LOST", "limit=many", "stat=FAILED"] {
        let answer = running.control("GET", &format!("/_sandbox/notifications?{wrong}"), None);
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{wrong}");
    }
    for (method, path) in [("GET", "8b33"), ("POST", "8b33/redeliver")] {
        let answer = running.control(method, &format!("/_sandbox/notifications/{path}"), None);
        assert_eq!(answer.refusal(), (404, "NOT_FOUND".into()));
    }
}

#[test]
fn what_is_owed_survives_a_restart() {
    let running = Running::start();
    let begin = unix_now();
    stop_clock_at(&running, begin, 0);
    let receiver = Receiver::answering([503, 200]);
    echoed(&running, &receiver.url);
    let first = receiver.next();
    after_attempts(&running, &receiver.url, 1);
    let folder = running.stop();
    let again = Running::in_folder(folder, |builder| builder.rate_limits(RateLimits::Off));
    receiver.stays_silent(&again);
    stop_clock_at(&again, begin, 15);
    let second = receiver.next();
    assert_eq!(second.body, first.body);
    second.verified(&again);
    assert_eq!(
        after_attempts(&again, &receiver.url, 2)["state"],
        "DELIVERED"
    );
}

#[test]
fn stopping_waits_for_what_is_under_way() {
    let running = Running::start();
    let receiver = Receiver::slow(Duration::from_millis(800), [200]);
    echoed(&running, &receiver.url);
    receiver.next();
    let again = Running::in_folder(running.stop(), |builder| {
        builder.rate_limits(RateLimits::Off)
    });
    let seen = listed(&again).remove(0);
    assert_eq!(seen["state"], "DELIVERED", "{seen}");
    receiver.stays_silent(&again);
}

#[test]
fn two_processes_deliver_each_once() {
    let running = Running::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let starting = Sandbox::builder()
        .data_dir(running.folder.path())
        .rate_limits(RateLimits::Off)
        .start();
    let second = runtime.block_on(starting).unwrap();
    let receiver = Receiver::answering([200]);
    for _ in 0..24 {
        echoed(&running, &receiver.url);
    }
    let ids: HashSet<String> = (0..24).map(|_| id_of(&receiver.next())).collect();
    assert_eq!(ids.len(), 24);
    receiver.stays_silent(&running);
    runtime.block_on(second.stop());
}

#[test]
fn another_process_delivers_what_this_one_owes() {
    let running = Running::start();
    let begin = unix_now();
    stop_clock_at(&running, begin, 0);
    let receiver = Receiver::answering([500, 200]);
    echoed(&running, &receiver.url);
    receiver.next();
    after_attempts(&running, &receiver.url, 1);
    let folder = running.folder.path().to_owned();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let starting = Sandbox::builder().data_dir(folder).start();
    let second = runtime.block_on(starting).unwrap();
    // The clock is moved over here, and whoever looks first delivers.
    stop_clock_at(&running, begin, 15);
    receiver.next();
    assert_eq!(
        after_attempts(&running, &receiver.url, 2)["state"],
        "DELIVERED"
    );
    receiver.stays_silent(&running);
    runtime.block_on(second.stop());
}

#[test]
fn a_silent_receiver_holds_nobody_up() {
    let running = Running::start();
    let silent = Receiver::slow(Duration::from_secs(30), [200]);
    // One after the other, or a few at once, they would take longer.
    for _ in 0..24 {
        echoed(&running, &silent.url);
    }
    let receiver = Receiver::answering([200]);
    let begun = Instant::now();
    echoed(&running, &receiver.url);
    receiver.next();
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn nothing_leaves_this_machine() {
    let running = Running::start();
    echoed(&running, "https://192.0.2.7/notify");
    let seen = after_attempts(&running, "https://192.0.2.7/notify", 1);
    assert_eq!(seen["state"], "PENDING");
    // A name is not even looked up.
    for host in ["192.0.2.7", "shop.invalid"] {
        let url = format!("https://{host}/notify");
        echoed(&running, &url);
        let seen = after_attempts(&running, &url, 1);
        let error = seen["attempts"][0]["error"].as_str().unwrap();
        let refused = format!("refused: {host} is not among the hosts");
        assert!(
            error.starts_with(&refused) && error.contains("notify_hosts"),
            "{error}"
        );
    }
    let before = listed(&running).len();

    for url in [
        "http://192.0.2.7/notify",
        "https://shop.example.com/notify?a=1",
        "/notify",
    ] {
        let answer = echo(&running, url);
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{url}");
        assert_eq!(answer.json()["detail"]["field"], "/notify_url");
    }
    assert_eq!(listed(&running).len(), before);
}

#[test]
fn no_notification_goes_to_a_control_plane() {
    let running = Running::start();
    let own = format!("http://{}", running.address);
    for url in [
        format!("{own}/_sandbox/reset"),
        format!("{own}/_sandbox"),
        format!("{own}//_sandbox/reset"),
        format!("{own}/%5fsandbox/reset"),
        format!("{own}/%5Fsand%62ox%2freset"),
        format!("{own}/x/../_sandbox/reset"),
        format!("{own}/x%2F..%2F_sandbox%2Freset"),
        // Behind a proxy that takes a prefix away.
        format!("{own}/kabao/_sandbox/reset"),
        "http://localhost:9/_sandbox/faults".into(),
        "https://sandbox.example.com/_sandbox/reset".into(),
    ] {
        echo(&running, &url).blames("/notify_url");
        let form = with(new_card(), json!({"notify_url": url}));
        running.partner().post("cards", form).blames("/notify_url");
    }
    assert!(listed(&running).is_empty());
    for path in ["_sandboxes/notify", "my_sandbox", "sandbox/_notify", "%zz"] {
        echoed(&running, &format!("{own}/{path}"));
    }
}

#[test]
fn the_status_alone_decides() {
    let running = Running::start();
    for (status, state) in [(200, "DELIVERED"), (403, "PENDING")] {
        let receiver = Receiver::unfinished(status);
        echoed(&running, &receiver.url);
        let seen = after_attempts(&running, &receiver.url, 1);
        let attempt = &seen["attempts"][0];
        assert_eq!(
            (&seen["state"], &attempt["status"]),
            (&json!(state), &json!(status))
        );
        let error = attempt["error"].as_str().unwrap_or_default();
        assert_eq!(
            error.ends_with("403 Forbidden: more to come"),
            status == 403,
            "{error}"
        );
    }
}

#[test]
fn strictness_takes_https_alone() {
    let running = Running::with(notifying(NotificationSettings::default().https_only(true)));
    let answer = echo(&running, "http://127.0.0.1:9/notify");
    assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()));
}

#[test]
fn values_may_be_sent_plain() {
    let running = Running::with(notifying(
        NotificationSettings::default().plain_values(true),
    ));
    let receiver = Receiver::answering([200]);
    echoed(&running, &receiver.url);
    let post = receiver.next();
    let key = kabao_core::ApiV3Key::new(running.credentials.merchant.apiv3_key.as_bytes());
    let resource = post.envelope().open(&key.unwrap()).unwrap();
    let resource: Value = serde_json::from_slice(&resource).unwrap();
    assert_eq!(resource["encrypt_echo_message"], "密语");
}
