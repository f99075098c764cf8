//! WeChat Pay's keys change while the sandbox runs.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use kabao_core::{
    ApiV3Key, PublicKey,
    answer::AnswerSignature,
    certificate::Certificate,
    certificate_list::CertificateList,
    keyring::{Keyring, PlatformKey},
};
use kabao_sandbox::folder::DataFolder;
use serde_json::{Value, json};

use crate::{
    receiver::Receiver,
    support::{Answer, CARD_PATH, Running, Signer, card_target, change, patch_target, unix_now},
};

const LIST: &str = "/v3/certificates";
const ROTATE: &str = "/_sandbox/keys/rotate-certificate";

impl Running {
    fn rotate(&self, overlap_seconds: u64) -> Value {
        self.rotate_as(json!({ "overlap_seconds": overlap_seconds }))
    }

    fn rotate_as(&self, order: Value) -> Value {
        self.control_ok("POST", ROTATE, Some(order))
    }

    /// The control plane's list, and the second at which each takes over.
    fn shown(&self) -> Vec<(String, Option<i64>)> {
        let shown = self.control_ok("GET", "/_sandbox/keys", None);
        let row = |row: &Value| {
            let takeover = row.get("takeover_time").map(|time| second(text(time)));
            (text(&row["serial_no"]).to_owned(), takeover)
        };
        let rows = shown["platform_certificates"].as_array().unwrap();
        rows.iter().map(row).collect()
    }

    fn migrate(&self, percent: impl Into<Value>) -> Value {
        let body = json!({"public_key_percent": percent.into()});
        self.control_ok("PUT", "/_sandbox/keys/migration", Some(body))
    }

    fn forward(&self, seconds: i64) {
        let body = json!({ "offset_seconds": seconds });
        self.control_ok("PUT", "/_sandbox/clock", Some(body));
    }

    /// The sample merchant, asking to be answered with a key, or with any.
    fn asking(&self, serial: Option<&str>) -> Signer<'_> {
        let mut signer = self.merchant();
        signer.wechatpay_serial = serial.map(ToOwned::to_owned);
        signer
    }

    /// Which key signed the answer to a call that asks for one.
    fn signed_with(&self, serial: Option<&str>) -> String {
        let answer = self.asking(serial).get(&card_target());
        answer.ok();
        answer.header("Wechatpay-Serial").unwrap().to_owned()
    }

    /// The platform certificates as the merchant downloads them.
    fn downloaded(&self) -> Vec<(String, Certificate, String)> {
        let answer = self.merchant().get(LIST);
        let list: CertificateList = serde_json::from_value(answer.ok()).unwrap();
        let key = ApiV3Key::new(self.credentials.merchant.apiv3_key.as_bytes()).unwrap();
        let open = |listed: &kabao_core::certificate_list::ListedCertificate| {
            let pem = listed.encrypt_certificate.open(&key).unwrap();
            let certificate = Certificate::from_pem(&*pem).unwrap();
            assert_eq!(certificate.serial_no(), listed.serial_no);
            (
                listed.serial_no.clone(),
                certificate,
                listed.expire_time.clone(),
            )
        };
        list.data.iter().map(open).collect()
    }

    fn listed(&self) -> Vec<String> {
        let all = self.downloaded().into_iter();
        all.map(|(serial_no, ..)| serial_no).collect()
    }
}

fn verifies(answer: &Answer, certificate: &Certificate) {
    let key = PlatformKey::certificate(certificate).unwrap();
    let keys = Keyring::from_iter([key]);
    let signature = AnswerSignature::from_headers(|name| answer.header(name)).unwrap();
    signature.verify(&answer.body, &keys, unix_now()).unwrap();
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn second(time: &str) -> i64 {
    let time = kabao_core::time::Time::from(time);
    time.instant().unwrap().as_second()
}

/// A change whose phone number is sealed for this certificate.
fn sealed_change(certificate: &Certificate) -> Value {
    let key: PublicKey = certificate.public_key().unwrap();
    let value = kabao_core::Sensitive::from("13900139000");
    let sealed = kabao_core::sensitive::Sealer::seal(&key, &value).unwrap();
    change(json!({"phone_number": sealed.as_str()}))
}

#[test]
fn after_a_rotation_both_certificates_serve_until_the_overlap_is_over() {
    let running = Running::start();
    running.migrate(0);
    let old = running.credentials.merchant.platform_serial_no.clone();
    assert_eq!(running.signed_with(None), old);
    let rotated = running.rotate(600);
    let new = text(&rotated["platform_serial_no"]).to_owned();
    assert_eq!(running.listed(), [new.clone(), old.clone()]);
    assert_eq!(running.signed_with(None), new, "the new one is the default");

    // Either signs for who names it, and opens what was sealed for it.
    for (serial_no, certificate, _) in running.downloaded() {
        let caller = running.asking(Some(&serial_no));
        let answer = caller.get(&card_target());
        answer.ok();
        verifies(&answer, &certificate);
        let body = sealed_change(&certificate);
        caller.patch(&patch_target(), &body).ok();
    }
    // The old one is said to end with the overlap.
    let ends = |serial: &str| {
        let mut all = running.downloaded().into_iter();
        let (.., end) = all.find(|(serial_no, ..)| serial_no == serial).unwrap();
        second(&end)
    };
    assert!(
        (590..=600).contains(&(ends(&old) - unix_now())),
        "{}",
        ends(&old)
    );
    assert!(ends(&new) - unix_now() > 4 * 365 * 86_400);

    running.forward(601);
    assert_eq!(running.listed(), std::slice::from_ref(&new));
    let refused = running.asking(Some(&old)).get(&card_target());
    refused.is_refused(400, "INVALID_REQUEST");
    assert_eq!(running.signed_with(None), new);
    // The clock decides, in either direction.
    running.forward(0);
    assert_eq!(running.signed_with(Some(&old)), old);
    running.forward(601);
    assert_eq!(running.listed(), [new]);
}

#[test]
fn a_certificate_that_was_given_notice_of_is_listed_before_it_signs() {
    let running = Running::start();
    running.migrate(0);
    let old = running.credentials.merchant.platform_serial_no.clone();
    let receiver = Receiver::answering([200]);
    let echo = json!({"echo_message": "x", "notify_url": receiver.url}).to_string();
    let begun = unix_now();
    let rotated = running.rotate_as(json!({"notice_seconds": 600, "overlap_seconds": 300}));
    let new = text(&rotated["platform_serial_no"]).to_owned();

    let downloaded = running.downloaded();
    let keys: Keyring = downloaded
        .iter()
        .map(|(_, certificate, _)| PlatformKey::certificate(certificate).unwrap())
        .collect();
    let told_with = || {
        let echo = running.merchant().send("POST", "/v3/security/echo", &echo);
        echo.ok();
        receiver.next().verified_with(&keys)
    };
    let in_order = |first: &str, second: &str| {
        assert_eq!(running.listed(), [first, second]);
        assert_eq!(running.signed_with(None), first);
        assert_eq!(told_with(), first);
        // Either signs for who names it.
        for serial in [first, second] {
            assert_eq!(running.signed_with(Some(serial)), serial);
        }
    };
    in_order(&old, &new);
    // What a client seals for the newest that it knows is opened.
    let (_, certificate, _) = &downloaded[1];
    let caller = running.asking(Some(&new));
    let changed = caller.patch(&patch_target(), &sealed_change(certificate));
    changed.ok();
    verifies(&changed, certificate);
    let shown = running.shown();
    let takeover = shown[1].1.unwrap();
    assert_eq!(shown, [(old.clone(), None), (new.clone(), Some(takeover))]);
    assert!((600..=610).contains(&(takeover - begun)), "{takeover}");
    let ends = second(&downloaded[0].2);
    assert_eq!(ends - takeover, 300, "the overlap begins with the takeover");

    // The clock decides, in either direction.
    running.forward(takeover - begun + 1);
    in_order(&new, &old);
    assert_eq!(running.shown(), [(new.clone(), None), (old.clone(), None)]);
    running.forward(0);
    in_order(&old, &new);
    running.forward(ends - begun + 1);
    assert_eq!(running.listed(), std::slice::from_ref(&new));
    assert_eq!(running.signed_with(None), new);
    let gone = running.asking(Some(&old)).get(&card_target());
    gone.is_refused(400, "INVALID_REQUEST");
}

#[test]
fn one_that_signs_at_once_comes_before_one_that_was_given_notice_of() {
    let running = Running::start();
    running.migrate(0);
    let later = running.rotate_as(json!({"notice_seconds": 600}));
    let at_once = running.rotate(10_000);
    let at_once = text(&at_once["platform_serial_no"]);
    assert_eq!(running.signed_with(None), at_once);
    running.forward(601);
    // It is the older of the two by now.
    assert_eq!(running.signed_with(None), at_once);
    assert_eq!(running.listed()[1], text(&later["platform_serial_no"]));
}

#[test]
fn a_notice_outlives_a_restart_and_holds_in_every_process() {
    let running = Running::start();
    running.migrate(0);
    let old = running.credentials.merchant.platform_serial_no.clone();
    let rotated = running.rotate_as(json!({"notice_seconds": 600}));
    let new = text(&rotated["platform_serial_no"]);
    running.control_ok("POST", "/_sandbox/reset", None);
    let folder = running.stop();
    let credentials = folder.path().join("credentials");
    let running = Running::in_folder(folder, |builder| {
        builder
            .rate_limits(kabao_sandbox::RateLimits::Off)
            .credentials_dir(&credentials)
    });
    assert_eq!(running.credentials.merchant.platform_serial_no, old);
    assert_eq!(running.signed_with(None), old);
    assert_eq!(running.listed(), [&*old, new]);

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let builder = kabao_sandbox::Sandbox::builder()
        .data_dir(running.folder.path())
        .rate_limits(kabao_sandbox::RateLimits::Off);
    let other = runtime.block_on(builder.start()).unwrap();
    let through_the_other = || {
        let mut caller = running.asking(None);
        caller.address = other.address();
        let answer = caller.get(&card_target());
        answer.ok();
        answer.header("Wechatpay-Serial").unwrap().to_owned()
    };
    assert_eq!(through_the_other(), old);
    // Where the clock stands is seen within a second.
    let turns_to = |wanted: &str| {
        let begin = std::time::Instant::now();
        while through_the_other() != wanted {
            assert!(begin.elapsed().as_secs() < 20, "it is not {wanted}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    };
    running.forward(601);
    turns_to(new);
    assert_eq!(running.signed_with(None), new);
    // The folder of credentials follows, though no key was changed.
    let file = credentials.join("wechatpay_cert.pem");
    let begin = std::time::Instant::now();
    while json!(std::fs::read_to_string(&file).unwrap()) != rotated["wechatpay_cert.pem"] {
        assert!(begin.elapsed().as_secs() < 20, "it stays the old one");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    running.forward(0);
    turns_to(&old);
    runtime.block_on(other.stop());
}

#[test]
fn an_overlap_can_be_left_out_or_be_nothing() {
    let running = Running::start();
    let old = running.credentials.merchant.platform_serial_no.clone();
    let body = running.control_ok("POST", ROTATE, None);
    let second = text(&body["platform_serial_no"]).to_owned();
    running.forward(86_390);
    assert_eq!(running.listed(), [second, old]);
    let third = running.rotate(0);
    assert_eq!(running.listed(), [text(&third["platform_serial_no"])]);
    let shown = running.control_ok("GET", "/_sandbox/keys", None);
    assert_eq!(shown["platform_certificates"].as_array().unwrap().len(), 1);
    for bad in [
        json!({"overlap_seconds": -1}),
        json!({"overlap": 1}),
        json!({"overlap_seconds": u64::MAX}),
        json!({"notice_seconds": -1}),
        json!({"notice_seconds": 6 * 365 * 86_400}),
    ] {
        let answer = running.control("POST", ROTATE, Some(bad));
        assert_eq!(answer.status, 400, "{answer:?}");
    }
}

#[test]
fn certificates_expire_by_the_sandboxs_clock() {
    const SIX_YEARS: i64 = 6 * 366 * 86_400;
    let running = Running::start();
    let old = running.credentials.merchant.platform_serial_no.clone();
    running.forward(SIX_YEARS);
    let refused = running.merchant().get(&card_target());
    refused.is_refused(401, "SIGN_ERROR");
    let journal = running.control_ok("GET", "/_sandbox/requests?limit=1", None);
    let verdict = &journal["data"][0]["verdict"];
    assert_eq!(verdict["step"], "serial");
    assert!(text(&verdict["reason"]).contains("expired at"), "{verdict}");

    // Another serves for five years from then on, and can be used today.
    let certificates = format!(
        "/_sandbox/merchants/{}/certificates",
        running.credentials.merchant.mchid
    );
    let renewed = running.control_ok("POST", &certificates, None);
    let mut merchant = running.merchant();
    merchant.serial_no = text(&renewed["serial_no"]);
    merchant.key =
        kabao_core::PrivateKey::from_pem(text(&renewed["apiclient_key.pem"]).as_bytes()).unwrap();
    merchant.get(&card_target()).ok();
    let made = Certificate::from_pem(text(&renewed["apiclient_cert.pem"])).unwrap();
    let today = Certificate::from_pem(&running.credentials.merchant.certificate_pem).unwrap();
    assert!(made.not_before() < today.not_after());
    assert!(made.not_after() > today.not_after());

    // Who has to sign goes on until there is another.
    let listed = |rows: &Value| -> Vec<String> {
        let rows = rows["platform_certificates"].as_array().unwrap();
        rows.iter()
            .map(|row| text(&row["serial_no"]).to_owned())
            .collect()
    };
    assert_eq!(
        listed(&running.control_ok("GET", "/_sandbox/keys", None)),
        [&*old]
    );
    let rotated = running.rotate(86_400);
    let new = text(&rotated["platform_serial_no"]).to_owned();
    assert_eq!(listed(&rotated), [&*new]);
    running.forward(0);
    assert_eq!(running.signed_with(Some(&old)), old);
    assert_eq!(running.listed(), [new, old]);
}

#[test]
fn answers_follow_the_request_through_a_migration() {
    let running = Running::start();
    let own = &running.credentials.merchant;
    let (by_key, by_certificate) = (&*own.wechatpay_public_key_id, &*own.platform_serial_no);
    assert_eq!(running.signed_with(None), by_key, "the sample has finished");
    // Before it has begun, naming the public key has no effect.
    for (percent, if_nothing, if_the_key) in [
        (json!(0), by_certificate, by_certificate),
        (json!(0.1), by_certificate, by_key),
        (json!(99.9), by_certificate, by_key),
        (json!(100), by_key, by_key),
    ] {
        let moved = running.migrate(percent.clone());
        assert_eq!(moved["data"][0]["public_key_percent"], percent);
        for _ in 0..3 {
            assert_eq!(running.signed_with(None), if_nothing, "{percent}");
        }
        assert_eq!(running.signed_with(Some(by_key)), if_the_key, "{percent}");
        assert_eq!(running.signed_with(Some(by_certificate)), by_certificate);
    }
    for bad in [
        json!(100.1),
        json!(-1),
        json!(0.05),
        json!("30"),
        json!(null),
    ] {
        let body = json!({"public_key_percent": bad});
        let answer = running.control("PUT", "/_sandbox/keys/migration", Some(body));
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()));
    }
    let body = json!({"public_key_percent": 1, "mchid": "7"});
    let answer = running.control("PUT", "/_sandbox/keys/migration", Some(body));
    answer.is_refused(404, "RESOURCE_NOT_EXISTS");
}

#[test]
fn notifications_move_by_the_share() {
    let running = Running::start();
    let own = running.credentials.merchant.clone();
    let receiver = Receiver::answering([200]);
    let echo = json!({"echo_message": "x", "notify_url": receiver.url}).to_string();
    let told_with = || {
        let answer = running.merchant().send("POST", "/v3/security/echo", &echo);
        answer.ok();
        receiver.next().verified(&running)
    };
    assert_eq!(told_with(), own.wechatpay_public_key_id);
    running.migrate(0);
    assert_eq!(told_with(), own.platform_serial_no);
    running.migrate(20);
    let told: Vec<_> = (0..10).map(|_| told_with()).collect();
    let by_key = |serial: &&String| **serial == own.wechatpay_public_key_id;
    assert_eq!(told.iter().filter(by_key).count(), 2, "{told:?}");
}

#[test]
fn a_merchant_without_certificates_is_told_that_there_are_none() {
    let running = Running::start();
    let own = running.credentials.merchant.clone();
    let path = format!("/_sandbox/merchants/{}", own.mchid);
    let set = |only: bool| {
        let body = json!({ "public_key_only": only });
        running.control_ok("PUT", &path, Some(body))
    };
    running.migrate(0);
    assert_eq!(set(true)["public_key_only"], true);
    let none = running.merchant().get(LIST);
    none.is_refused(404, "RESOURCE_NOT_EXISTS");
    assert_eq!(running.verified(&none), own.wechatpay_public_key_id);
    let named = running
        .asking(Some(&own.platform_serial_no))
        .get(&card_target());
    named.is_refused(400, "INVALID_REQUEST");
    assert_eq!(running.signed_with(None), own.wechatpay_public_key_id);
    let body = json!({"public_key_percent": 50, "mchid": own.mchid});
    let answer = running.control("PUT", "/_sandbox/keys/migration", Some(body));
    answer.is_refused(400, "INVALID_REQUEST");
    // All others are none.
    running.migrate(50);
    assert_eq!(running.signed_with(None), own.wechatpay_public_key_id);
    assert_eq!(set(false)["public_key_percent"], 100);
    assert_eq!(running.listed(), [own.platform_serial_no]);
}

#[test]
fn keys_outlive_a_restart_and_a_reset() {
    let running = Running::start();
    let new = running.rotate(600);
    let new = text(&new["platform_serial_no"]);
    running.migrate(0.1);
    running.control_ok("POST", "/_sandbox/reset", None);
    let folder = running.stop();
    let again = Running::in_folder(folder, |builder| {
        builder.rate_limits(kabao_sandbox::RateLimits::Off)
    });
    let own = &again.credentials.merchant;
    assert_eq!(own.platform_serial_no, new, "credentials are current");
    assert_eq!(again.listed().len(), 2);
    assert_eq!(again.signed_with(None), new);
    let listed = again.control_ok("GET", "/_sandbox/merchants", None);
    assert_eq!(listed["data"][0]["public_key_percent"], 0.1);
    let card = format!("{CARD_PATH}?brand_id=1004");
    again.merchant().get(&card).is_refused(400, "PARAM_ERROR");
}

#[test]
fn a_change_that_the_store_has_lost_is_forgotten() {
    let running = Running::start();
    let folder = DataFolder::create(running.folder.path()).unwrap();
    let store = rusqlite::Connection::open(folder.database()).unwrap();
    store.busy_timeout(Duration::from_secs(20)).unwrap();
    let before = "CREATE TABLE kept_keys AS SELECT * FROM keys;
        CREATE TABLE kept_meta AS SELECT * FROM meta;";
    store.execute_batch(before).unwrap();
    let old = running.listed();
    let new = text(&running.rotate(0)["platform_serial_no"]).to_owned();
    assert_eq!(running.signed_with(Some(&new)), new);
    // As where a standby takes over that was behind.
    let taken_over = "BEGIN IMMEDIATE;
        DELETE FROM keys; INSERT INTO keys SELECT * FROM kept_keys;
        DELETE FROM meta; INSERT INTO meta SELECT * FROM kept_meta;
        COMMIT;";
    store.execute_batch(taken_over).unwrap();
    let begun = Instant::now();
    while running.listed() != old {
        assert!(begun.elapsed() < Duration::from_secs(20), "it stays");
        sleep(Duration::from_millis(50));
    }
    let unknown = running.asking(Some(&new)).get(&card_target());
    unknown.is_refused(400, "INVALID_REQUEST");
    // And the next change is seen at once.
    let next = text(&running.rotate(0)["platform_serial_no"]).to_owned();
    assert_eq!(running.signed_with(Some(&next)), next);
}
