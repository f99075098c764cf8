//! What a sandbox does differently on request. (Where a rule is only loosened or
//! tightened, the tests of its resource try both.)

use serde_json::{Value, json};

use crate::{
    caller::{Caller, new_card, text, with},
    notifications::after_attempts,
    receiver::Receiver,
    support::{CARD_ID, CODE, OPENID, Running},
};

fn sample_card() -> String {
    format!("user-cards/{CODE}?card_id={CARD_ID}&openid={OPENID}")
}

/// Everything that answers with a template, but invalidating it.
fn templates(caller: &Caller<'_>) -> Vec<Value> {
    let created = caller.card(json!({"member_information": {"jump_appid": "wx1"}}));
    let at_the_card = format!("cards/{}", text(&created["card_id"]));
    vec![
        caller.get(&at_the_card).ok(),
        caller.get("cards").ok()["data"][0].clone(),
        caller.patch(&at_the_card, json!({"benefits": "x"})).ok(),
        created,
    ]
}

fn invalidated(caller: &Caller<'_>) -> Value {
    let card_id = caller.card_id(json!({"member_information": {"jump_appid": "wx1"}}));
    caller
        .post(&format!("cards/{card_id}/invalidate"), json!({}))
        .ok()
}

#[test]
fn update_time() {
    let running = Running::switched("update_time");
    for caller in running.callers() {
        for card in templates(&caller).into_iter().chain([invalidated(&caller)]) {
            assert!(card["modify_time"].is_string());
            assert_eq!(card["update_time"], card["modify_time"]);
        }
    }
    let usual = Running::start();
    for card in templates(&usual.partner()) {
        assert_eq!(card.get("update_time"), None);
    }
}

#[test]
fn bare_templates() {
    let names = [
        "out_request_no",
        "member_information",
        "state",
        "create_time",
    ];
    let running = Running::switched("bare_templates");
    for caller in running.callers() {
        for card in templates(&caller) {
            assert!(names.iter().all(|name| card.get(*name).is_none()), "{card}");
            assert!(card["modify_time"].is_string() && card["card_id"].is_string());
        }
        let whole = invalidated(&caller);
        assert!(
            names.iter().all(|name| whole.get(*name).is_some()),
            "{whole}"
        );
        // It is the answer alone that is bare.
        let form = new_card();
        let first = caller.post("cards", form.clone()).ok();
        assert_eq!(caller.post("cards", form).ok(), first);
        assert_eq!(
            caller.get("cards?state=CARD_INVALID").ok()["data"][0]["card_id"],
            whole["card_id"]
        );
    }
}

#[test]
fn bare_user_cards() {
    let running = Running::switched("bare_user_cards");
    for caller in running.callers() {
        let ids = json!({"card_id": CARD_ID, "openid": OPENID});
        let list = format!("user-cards?openid={OPENID}&offset=0&limit=1");
        for card in [
            caller.get(&sample_card()).ok(),
            caller.get(&list).ok()["data"][0].clone(),
            caller.patch(&format!("user-cards/{CODE}"), ids).ok(),
        ] {
            assert_eq!(card["user_card_code"], CODE);
            assert_eq!(
                (card.get("create_time"), card.get("modify_time")),
                (None, None)
            );
        }
    }
    let usual = Running::start();
    let card = usual.partner().get(&sample_card()).ok();
    assert!(card["create_time"].is_string() && card["modify_time"].is_string());
}

#[test]
fn no_import_by_phone() {
    let running = Running::switched("no_import_by_phone");
    let partner = running.partner();
    let form = json!({
        "card_id": partner.card_id(json!({})),
        "user_card_code": "1",
        "phone_number": partner.seal("13800138000"),
        "valid_date_information": {"type": "PERMANENT"},
    });
    let answer = partner.post("user-cards/import-by-phone", form.clone());
    answer.is_refused(400, "INVALID_REQUEST");
    let by_openid = with(form, json!({"openid": "o-1"}));
    partner.post("user-cards/import-by-openid", by_openid).ok();
}

/// What is told of a user who joins and leaves: the resources as they were sent.
fn told(running: &Running) -> [Value; 2] {
    let partner = running.partner();
    let receiver = Receiver::answering([200]);
    let card_id = partner.card_id(json!({"notify_url": receiver.url}));
    let key = running.credentials.merchant.apiv3_key.as_bytes();
    let key = kabao_core::ApiV3Key::new(key).unwrap();
    [
        (
            "join",
            json!({"card_id": card_id, "phone_number": "13800138000"}),
        ),
        ("delete-card", json!({"card_id": card_id})),
    ]
    .map(|(what, body)| {
        running.play("o-1", what, body).ok();
        let resource = receiver.next().envelope().open(&key).unwrap();
        serde_json::from_slice(&resource).unwrap()
    })
}

#[test]
fn plain_notifications() {
    for resource in told(&Running::switched("plain_notifications")) {
        assert_eq!(resource["phone_number"], "13800138000");
    }
    let usual = Running::start();
    for resource in told(&usual) {
        assert_eq!(
            usual.merchant().open(&resource["phone_number"]),
            "13800138000"
        );
        assert_ne!(resource["phone_number"], "13800138000");
    }
}

#[test]
fn community_states() {
    let states =
        |running: &Running| told(running).map(|resource| text(&resource["user_card_state"]));
    let community = Running::switched("community_states");
    assert_eq!(states(&community), ["NOT_EFFECTIVE", "DELETE"]);
    assert_eq!(states(&Running::start()), ["UNACTIVATED", "INVALID"]);
    // The API's own answers are not renamed.
    let list = community
        .partner()
        .get("user-cards?openid=o-1&offset=0&limit=1");
    assert_eq!(list.ok()["data"][0]["user_card_state"], "INVALID");
}

#[test]
fn refuse_replays() {
    for (running, again) in [
        (Running::switched("refuse_replays"), 401),
        (Running::start(), 200),
    ] {
        let partner = running.partner();
        let target = partner.target("cards?brand_id=1004");
        let request = partner.signer.request("GET", &target, "");
        request.send(running.address).ok();
        assert_eq!(request.send(running.address).status, again);
    }
}

#[test]
fn notify_hosts() {
    let mut switches = kabao_sandbox::Switches::default();
    switches.set("notify_hosts", Some("0.0.0.0")).unwrap();
    let named = Running::with(|builder| builder.switches(switches));
    for (running, refused) in [(named, false), (Running::start(), true)] {
        // This machine, under a name that does not say so; nobody listens there.
        let url = "https://0.0.0.0:9/notify";
        let card_id = running.partner().card_id(json!({"notify_url": url}));
        running
            .play("o-1", "join", json!({"card_id": card_id}))
            .ok();
        let attempt = after_attempts(&running, url, 1)["attempts"][0].clone();
        let error = text(&attempt["error"]);
        assert_eq!(
            error.starts_with("refused: 0.0.0.0 is not"),
            refused,
            "{error}"
        );
    }
}
