//! What a sandbox says while it cannot look at what another one changed.

use std::{
    thread,
    time::{Duration, Instant},
};

use kabao_core::{PrivateKey, message, signature};
use kabao_sandbox::RateLimits;
use serde_json::{Value, json};

use super::{
    away::{PATIENCE, assert_is_away},
    proxy::Proxy,
    sandboxes::{folder_beside, start},
    server::{Database, database},
};
use crate::support::{Answer, Running, Signer, card_target, nonce, unix_now};

const FAULTS: &str = "/_sandbox/faults";
const LIST: &str = "/v3/certificates";

/// One, and another beside it, whose way to the database can fall silent.
fn one_and_a_remote_one(database: &Database) -> (Running, Running, Proxy) {
    let first = start(database, tempfile::tempdir().unwrap());
    let proxy = Proxy::to(database.server().port());
    let second = Running::in_folder(folder_beside(&first), |builder| {
        let uri = database.uri_at(proxy.port, "geheim");
        builder.store(uri).rate_limits(RateLimits::Off)
    });
    second.merchant().get(&card_target()).ok();
    (first, second, proxy)
}

/// The sample merchant, or another, with the key and certificate that somebody
/// was handed.
fn with_key_of<'a>(second: &'a Running, handed_out: &'a Value, mchid: &'a str) -> Signer<'a> {
    let text = |name: &str| handed_out[name].as_str().unwrap();
    Signer {
        identity: mchid,
        serial_no: text("serial_no"),
        key: PrivateKey::from_pem(text("apiclient_key.pem")).unwrap(),
        wechatpay_serial: Some(text("wechatpay_public_key_id").to_owned()),
        ..second.merchant()
    }
}

/// Nobody knows who it is, so the answer has no signature.
fn assert_is_unsure(second: &Running, step: &str, ask: impl FnOnce() -> Answer) {
    let begin = Instant::now();
    let answer = ask();
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
    assert_eq!(
        answer.refusal(),
        (503, "SERVICE_UNAVAILABLE".into()),
        "{step}"
    );
    assert!(answer.is_unsigned());
    assert_eq!(answer.header("retry-after"), Some("1"));
    let entry = entry_of(second, &answer);
    assert_eq!(entry["status"], 503);
    assert_eq!(entry["verdict"]["step"], step);
    let reason = entry["verdict"]["reason"].as_str().unwrap();
    assert!(reason.contains("could not be looked up"), "{reason}");
}

fn entry_of(running: &Running, answer: &Answer) -> Value {
    let list = running.control_ok("GET", "/_sandbox/requests", None);
    let id = answer.header("request-id").unwrap();
    let mut entries = list["data"].as_array().unwrap().iter();
    entries.find(|entry| entry["id"] == id).unwrap().clone()
}

#[test]
fn what_another_made_is_not_refused_while_the_network_is_silent() {
    const NEWCOMER: &str = "1900000002";
    let Some(database) = database() else { return };
    let (first, second, proxy) = one_and_a_remote_one(&database);
    let skew = json!({"kind": "clock_skew", "seconds": 4000, "count": 99, "path": LIST});
    first.control_ok("POST", FAULTS, Some(skew));
    thread::sleep(Duration::from_millis(1_200));
    let ahead = |signer: &Signer<'_>| {
        let (time, nonce) = ((unix_now() + 4000).to_string(), nonce());
        let message = message::request("GET", LIST, &time, &nonce, b"");
        let signature = signature::encode(&signer.key.sign_now(&message).unwrap());
        let header = signer.header_of(&time, &nonce, &signature);
        let request = signer.bare("GET", LIST, "");
        request
            .header("Authorization", &header)
            .send(signer.address)
    };
    ahead(&second.merchant()).ok();

    proxy.fall_silent();
    let post = |path: &str, body| first.control_ok("POST", path, Some(body));
    let newcomer = post("/_sandbox/merchants", json!({"mchid": NEWCOMER}));
    let own = &second.credentials.merchant.mchid;
    let renewed = format!("/_sandbox/merchants/{own}/certificates");
    let renewed = post(&renewed, json!({}));
    let rotated = post("/_sandbox/keys/rotate-certificate", json!({}));
    let newcomer = || with_key_of(&second, &newcomer, NEWCOMER);
    let renewed = || with_key_of(&second, &renewed, own);
    let asking = || Signer {
        wechatpay_serial: rotated["platform_serial_no"].as_str().map(Into::into),
        ..second.merchant()
    };
    let get = |signer: Signer<'_>| signer.get(&card_target());
    thread::scope(|scope| {
        scope.spawn(|| assert_is_unsure(&second, "serial", || get(newcomer())));
        scope.spawn(|| assert_is_unsure(&second, "serial", || get(renewed())));
        scope.spawn(|| assert_is_unsure(&second, "timestamp", || ahead(&second.merchant())));
        scope.spawn(|| assert_is_away(&second, || get(asking())));
    });

    proxy.speak_again();
    let begin = Instant::now();
    while renewed().get(&card_target()).status != 200 {
        assert!(begin.elapsed() < 3 * PATIENCE, "it stays away");
        thread::sleep(Duration::from_millis(20));
    }
    newcomer().get(&card_target()).is_refused(403, "NO_AUTH");
    asking().get(&card_target()).ok();
}

#[test]
fn faults_that_are_counted_are_waited_for_once() {
    let Some(database) = database() else { return };
    let (_first, second, proxy) = one_and_a_remote_one(&database);
    for kind in [
        json!({"kind": "clock_skew", "seconds": 1}),
        json!({"kind": "error_envelope"}),
        json!({"kind": "delay", "ms": 1}),
        json!({"kind": "probe"}),
    ] {
        for counted in ["skip", "count"] {
            let mut order = kind.clone();
            order[counted] = json!(1000);
            second.control_ok("POST", FAULTS, Some(order));
        }
    }
    // One is known to be current, one is not.
    for lately in [true, false] {
        let begin = Instant::now();
        let befallen = second.merchant().get(&card_target());
        assert_eq!(befallen.json()["code"], "SYSTEM_ERROR", "{befallen:?}");
        if !lately {
            thread::sleep(Duration::from_millis(2_500));
        }
        proxy.fall_silent();
        assert_is_away(&second, || second.merchant().get(&card_target()));
        assert_eq!(second.last_request()["fault"], Value::Null);
        proxy.speak_again();
        while second.control("GET", "/_sandbox/health", None).status != 200 {
            assert!(begin.elapsed() < 5 * PATIENCE, "it stays away");
        }
    }
}

#[test]
fn after_a_pause_nobody_goes_on_with_what_was_known_before() {
    let Some(database) = database() else { return };
    let (first, second, proxy) = one_and_a_remote_one(&database);
    let order = json!({"kind": "status", "status": 504, "path": LIST});
    first.control_ok("POST", FAULTS, Some(order));
    thread::sleep(Duration::from_millis(2_500));
    proxy.fall_silent();
    // Neither needs the store for anything but to hear of that.
    let list = || second.merchant().get(LIST);
    thread::scope(|scope| {
        let one = scope.spawn(list);
        thread::sleep(Duration::from_millis(500));
        let other = list();
        for answer in [one.join().unwrap(), other] {
            assert_eq!(answer.refusal(), (503, "SERVICE_UNAVAILABLE".into()));
        }
    });
    proxy.speak_again();
    let begin = Instant::now();
    while list().status != 504 {
        assert!(begin.elapsed() < 3 * PATIENCE, "it never hears of it");
    }
}
