//! How often an operation may be called: counted per caller and operation, and
//! before anything is read.

use std::time::Instant;

use kabao_sandbox::RateLimits;
use serde_json::json;

use crate::{
    caller::Caller,
    support::{Answer, Running},
};

fn documented() -> Running {
    Running::with(|builder| builder.rate_limits(RateLimits::Documented))
}

/// Calls until that is too often, and gives the refusal.
///
/// How many pass is exact: what a second allows at once, and what has come anew
/// since.
fn until_refused(caller: &Caller<'_>, method: &str, target: &str, limit: u32) -> Answer {
    until_refused_in_turn(caller, method, &[target], limit)
}

/// The same at several addresses that count together.
fn until_refused_in_turn(
    caller: &Caller<'_>,
    method: &str,
    targets: &[&str],
    limit: u32,
) -> Answer {
    let body = if method == "GET" { "" } else { "{}" };
    let begun = Instant::now();
    for (passed, target) in (0..1000_u32).zip(targets.iter().cycle()) {
        let answer = caller.send(method, target, body);
        if answer.status == 429 {
            let most = f64::from(limit) * (1.0 + begun.elapsed().as_secs_f64());
            assert!(passed >= limit, "{method} {target}: only {passed}");
            assert!(f64::from(passed) <= most, "{method} {target}: {passed}");
            return answer;
        }
    }
    panic!("{method} {targets:?} is never refused");
}

#[test]
fn every_operation_has_the_rate_of_the_documentation() {
    let running = documented();
    let [partner, brand] = running.callers();
    for (method, tail, of_partner, of_brand) in [
        ("POST", "cards", 5, 5),
        ("GET", "cards", 5, 5),
        ("GET", "cards/p", 5, 5),
        ("PATCH", "cards/p", 5, 5),
        ("DELETE", "cards/p", 5, 0),
        ("POST", "cards/p/invalidate", 10, 5),
        ("POST", "membership-activities", 5, 0),
        ("GET", "membership-activities", 5, 0),
        ("GET", "membership-activities/7", 5, 0),
        ("PATCH", "membership-activities/7", 5, 0),
        ("POST", "membership-activities/7/terminate", 5, 0),
        ("POST", "pre-auth-tokens", 5, 5),
        ("POST", "pay-view-tokens", 10, 0),
        ("GET", "user-cards", 5, 5),
        ("GET", "user-cards/1", 5, 5),
        ("PATCH", "user-cards/1", 5, 5),
        ("POST", "user-cards/import-by-openid", 5, 5),
        ("POST", "user-cards/import-by-phone", 5, 0),
        ("POST", "user-cards/1/confirm", 5, 5),
        ("POST", "user-cards/1/invalidate", 5, 5),
        ("POST", "user-feeds", 5, 5),
        ("POST", "user-points/sync", 5, 10),
        ("POST", "user-points/exchange-coupon/confirm", 5, 5),
    ] {
        for (caller, limit) in [(&partner, of_partner), (&brand, of_brand)] {
            if limit > 0 {
                let answer = until_refused(caller, method, &caller.target(tail), limit);
                answer.is_refused(429, "FREQUENCY_LIMITED");
            }
        }
    }
    let upload = "/v3/marketing/favor/media/image-upload";
    until_refused(&partner, "POST", upload, 5);
    until_refused(&brand, "POST", &brand.target("media/image-upload"), 5);
}

#[test]
fn the_old_address_of_a_token_counts_with_the_new_one() {
    let running = documented();
    let partner = running.partner();
    let [new, old] = ["pre-auth-tokens", "open-user-card-tokens"].map(|tail| partner.target(tail));
    until_refused_in_turn(&partner, "POST", &[&new, &old], 5);
    assert_eq!(
        partner
            .send("POST", &partner.target("pay-view-tokens"), "{}")
            .status,
        400
    );
}

#[test]
fn the_signature_is_looked_at_before_the_rate_and_the_rate_before_the_rest() {
    let running = documented();
    let partner = running.partner();
    let target = partner.target("user-feeds");
    until_refused(&partner, "POST", &target, 5);
    // Whatever is wrong behind it.
    for (target, body) in [(&*target, "{"), (&format!("{target}?brand_id=9999"), "{}")] {
        // One of the next second's may come in between.
        let mut statuses = (0..200).map(|_| partner.send("POST", target, body).status);
        assert!(statuses.any(|status| status == 429), "{target}: {body}");
    }
    let spoiled = partner.signer.request("POST", &target, "{}").body("{ }");
    spoiled.send(running.address).is_refused(401, "SIGN_ERROR");
    // Others are not held up, and a reset forgets.
    assert_eq!(
        running.own_brand().post("user-feeds", json!({})).status,
        400
    );
    running.control_ok("POST", "/_sandbox/reset", None);
    assert_eq!(partner.post("user-feeds", json!({})).status, 400);
}

#[test]
fn limits_can_be_off() {
    let running = Running::start();
    let partner = running.partner();
    for _ in 0..12 {
        partner.get("cards").ok();
    }
}
