//! Faults on demand, and for each whether the change was applied.

mod answers;
mod notifications;
mod orders;
mod signatures;

use kabao_core::answer::{AnswerSignature, VerifyError};
use serde_json::{Value, json};

use crate::support::{Answer, Request, Running, card_target, change, patch_target, unix_now};

const SAMPLE_LEVEL: &str = "钻石会员";
const NEW_LEVEL: &str = "白金会员";

fn order(running: &Running, fault: Value) -> Value {
    running.control_ok("POST", "/_sandbox/faults", Some(fault))
}

fn clear(running: &Running) {
    running.control_ok("DELETE", "/_sandbox/faults", None);
}

/// A change of the sample card's level.
fn update(running: &Running) -> Request {
    let body = change(json!({"level": NEW_LEVEL})).to_string();
    running.merchant().request("PATCH", &patch_target(), &body)
}

fn level(running: &Running) -> Value {
    running.merchant().get(&card_target()).json()["level"].clone()
}

/// Whether the change was applied, and what the journal says of the fault.
fn applied(running: &Running, name: &str) -> (bool, Value) {
    let entry = running.last_request();
    assert_eq!(entry["fault"], name, "{entry}");
    clear(running);
    let level = level(running);
    assert!([SAMPLE_LEVEL, NEW_LEVEL].contains(&level.as_str().unwrap()));
    (level == NEW_LEVEL, entry)
}

fn says(entry: &Value, words: &str) {
    let effect = entry["fault_effect"].as_str().unwrap();
    assert!(effect.contains(words), "{effect}");
}

fn verify(running: &Running, answer: &Answer) -> Result<(), VerifyError> {
    let signature = AnswerSignature::from_headers(|name| answer.header(name))?;
    let keys = running.keyring();
    signature.verify(&answer.body, &keys, unix_now()).map(drop)
}
