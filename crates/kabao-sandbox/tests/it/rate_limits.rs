//! Rates of one's own, from the start and at run time.

use kabao_sandbox::{LimitTable, RateLimits};
use serde_json::{Value, json};

use crate::{
    caller::Caller,
    support::{Answer, Running, copied_folder},
};

const PATH: &str = "/_sandbox/rate-limits";

impl Running {
    fn limit(&self, limits: Value) -> Value {
        self.control_ok("PUT", PATH, Some(json!({ "limits": limits })))
    }
}

/// What of that many calls at once was refused for coming too often.
fn refused(caller: &Caller<'_>, tail: &str, calls: usize) -> usize {
    let target = caller.target(tail);
    let answers = (0..calls).map(|_| caller.send("GET", &target, ""));
    answers
        .filter(|answer: &Answer| answer.status == 429)
        .count()
}

#[test]
fn a_table_counts_from_the_start() {
    let table: LimitTable = serde_json::from_value(json!({
        "default": 1000,
        "operations": {"list_cards": {"merchant": 1}},
    }))
    .unwrap();
    let running = Running::with(|builder| builder.rate_limits(RateLimits::Table(table)));
    let [partner, brand] = running.callers();
    partner.get("cards").ok();
    // Unless a second has passed between the two.
    let mut answers = (0..200).map(|_| partner.get("cards"));
    let again = answers.find(|answer| answer.status != 200).unwrap();
    again.is_refused(429, "FREQUENCY_LIMITED");
    assert!(
        again.json()["message"]
            .as_str()
            .unwrap()
            .contains("每秒最多1次")
    );
    assert_eq!(refused(&brand, "cards", 12), 0);
    assert_eq!(
        refused(&partner, "user-cards?openid=o&offset=0&limit=1", 12),
        0
    );
    let shown = running.control_ok("GET", PATH, None);
    assert_eq!(shown["limits"]["default"], 1000);
    assert_eq!(
        shown["per_second"]["list_cards"],
        json!({"merchant": 1, "brand": 1000})
    );
}

#[test]
fn limits_change_at_run_time() {
    let running = Running::start();
    assert_eq!(running.control_ok("GET", PATH, None)["limits"], "off");
    let partner = running.partner();
    assert_eq!(refused(&partner, "cards", 12), 0);
    let documented = running.limit(json!("documented"));
    assert_eq!(documented["per_second"]["pay_view_token"], Value::Null);
    assert_eq!(
        documented["per_second"]["create_pay_view_token"],
        json!({"merchant": 10})
    );
    // More than what comes anew while they run.
    assert!(refused(&partner, "cards", 40) > 0);
    // What was used up is forgotten with the limit.
    running.limit(json!({"operations": {"list_cards": 100}}));
    assert_eq!(refused(&partner, "cards", 40), 0);
    running.limit(json!({"operations": {"list_cards": 1}}));
    assert!(refused(&partner, "cards", 12) > 0);
    running.limit(json!("off"));
    assert_eq!(refused(&partner, "cards", 12), 0);
    for bad in [
        json!("of"),
        json!({"operations": {"list_crads": 1}}),
        json!({"operations": {"list_cards": 0}}),
    ] {
        let answer = running.control("PUT", PATH, Some(json!({ "limits": bad })));
        answer.is_refused(400, "PARAM_ERROR");
    }
    assert_eq!(running.control_ok("GET", PATH, None)["limits"], "off");
}

#[test]
fn limits_that_were_set_outlive_a_restart_until_they_are_taken_back() {
    let documented = |folder| {
        Running::in_folder(folder, |builder| {
            builder.rate_limits(RateLimits::Documented)
        })
    };
    let running = documented(copied_folder());
    assert_eq!(running.control_ok("GET", PATH, None)["set"], false);
    assert_eq!(running.limit(json!("off"))["set"], true);
    running.control_ok("POST", "/_sandbox/reset", None);
    let running = documented(running.stop());
    let shown = running.control_ok("GET", PATH, None);
    assert_eq!(
        (&shown["limits"], &shown["set"]),
        (&json!("off"), &json!(true))
    );
    assert_eq!(refused(&running.partner(), "cards", 12), 0);
    let shown = running.limit(Value::Null);
    assert_eq!(shown["limits"], "documented");
    assert!(refused(&running.partner(), "cards", 40) > 0);
    // What is missing is no order.
    let answer = running.control("PUT", PATH, Some(json!({})));
    answer.is_refused(400, "PARAM_ERROR");
}

#[test]
fn limits_that_a_newer_version_has_set_are_kept_as_far_as_they_are_known() {
    let running = Running::start();
    running.limit(json!({"operations": {"list_cards": 1}}));
    let folder = running.stop();
    let store = rusqlite::Connection::open(folder.path().join("sandbox.db")).unwrap();
    let newer = r#"{"operations":{"list_cards":1,"of_tomorrow":9}}"#;
    let changed = store.execute(
        "UPDATE meta SET value = ?1 WHERE name = 'rate_limits'",
        [newer],
    );
    assert_eq!(changed.unwrap(), 1);
    drop(store);
    let running = Running::in_folder(folder, |builder| builder);
    assert!(refused(&running.partner(), "cards", 12) > 0);
    let shown = running.control_ok("GET", PATH, None);
    assert_eq!(shown["per_second"]["list_cards"]["merchant"], 1);
    assert_eq!(shown["per_second"]["of_tomorrow"], Value::Null);
}

#[test]
fn the_journal_tells_what_remains() {
    let running = Running::start();
    let partner = running.partner();
    let rate =
        || running.control_ok("GET", "/_sandbox/requests?limit=1", None)["data"][0]["rate"].clone();
    partner.get("cards").ok();
    assert_eq!(rate(), Value::Null);
    running.limit(json!({"operations": {"list_cards": 1}}));
    // Unless a second has passed between the two.
    let refused = (0..100).find(|_| {
        let status = partner.get("cards").status;
        assert_eq!(rate(), json!({"limit": 1, "remaining": 0}), "{status}");
        status == 429
    });
    assert!(refused.is_some());
    assert_eq!(rate(), json!({"limit": 1, "remaining": 0}));
    running.limit(json!({"operations": {"list_cards": 1000}}));
    partner.get("cards").ok();
    assert_eq!(rate(), json!({"limit": 1000, "remaining": 999}));
}
