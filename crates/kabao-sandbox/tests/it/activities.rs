//! Coupon-for-joining activities, which service providers alone have.

use serde_json::{Value, json};

use crate::{
    caller::{Caller, number, text, with, without},
    support::{CARD_ID, Running},
};

const ACTIVITIES: &str = "membership-activities";
const BEGIN: &str = "2030-01-20T13:29:35.120+08:00";
const END: &str = "2030-01-29T13:29:35.120+08:00";

/// A form that is right in everything.
pub fn new_activity(card_id: &str) -> Value {
    json!({
        "out_request_no": number(),
        "card_id": card_id,
        "activity_channel": "MECHANT_APP_COMPONENT",
        "title": "入会享券",
        "sub_title": "5张满减券",
        "begin_time": BEGIN,
        "end_time": END,
        "apply_total": 1000,
        "product_coupon_stock_list": [
            {"product_coupon_id": "701138812971763025610907319729", "stock_id": "98065001"},
        ],
    })
}

/// A form of a change that is right in everything.
fn change() -> Value {
    json!({"title": "标题", "sub_title": "副标题", "begin_time": BEGIN, "end_time": END})
}

/// A running sandbox, before any of this begins.
fn in_2025() -> Running {
    let running = Running::start();
    running.freeze("2025-08-01T10:00:00+08:00");
    running
}

fn create(partner: &Caller<'_>, members: Value) -> Value {
    let form = with(new_activity(CARD_ID), members);
    partner.post(ACTIVITIES, form).ok()
}

fn at(activity: &Value) -> String {
    format!("{ACTIVITIES}/{}", text(&activity["activity_id"]))
}

fn state(partner: &Caller<'_>, activity: &Value) -> Value {
    partner.get(&at(activity)).ok()["activity_state"].clone()
}

#[test]
fn a_new_activity_has_what_was_asked_and_what_it_is() {
    let running = in_2025();
    let partner = running.partner();
    let form = new_activity(CARD_ID);
    let unknown = json!({"activity_state": "MEMBERSHIP_ACTIVITY_EXPIRED", "apply_available": 1});
    let activity = partner.post(ACTIVITIES, with(form.clone(), unknown)).ok();
    let id = text(&activity["activity_id"]);
    assert!(id.bytes().all(|byte| byte.is_ascii_digit()), "{id}");
    let expected = json!({
        "brand_id": "1004",
        "apply_available": 1000,
        "activity_id": id,
        "activity_state": "MEMBERSHIP_ACTIVITY_CREATED",
        "create_time": "2025-08-01T10:00:00.000+08:00",
        "modify_time": "2025-08-01T10:00:00.000+08:00",
    });
    assert_eq!(activity, with(form, expected));
    assert_eq!(partner.get(&at(&activity)).ok(), activity);
}

#[test]
fn what_an_activity_must_have_is_named() {
    let running = in_2025();
    let partner = running.partner();
    let form = new_activity(CARD_ID);
    for name in form.as_object().unwrap().keys() {
        let at = format!("/{name}");
        partner
            .post(ACTIVITIES, without(form.clone(), name))
            .blames(&at);
        for wrong in [json!(null), json!(""), json!({}), json!(1.5)] {
            let form = with(form.clone(), json!({name: wrong}));
            partner.post(ACTIVITIES, form).blames(&at);
        }
    }
    partner
        .send("POST", &partner.target(ACTIVITIES), &form.to_string())
        .blames("/brand_id");
    let stock = |product: Value, stock: Value| json!({"product_coupon_stock_list": [{"product_coupon_id": product, "stock_id": stock}]});
    let (product, batch) = (
        "/product_coupon_stock_list/0/product_coupon_id",
        "/product_coupon_stock_list/0/stock_id",
    );
    for (members, at) in [
        (json!({"out_request_no": "1004 1"}), "/out_request_no"),
        (
            json!({"out_request_no": "1".repeat(129)}),
            "/out_request_no",
        ),
        (
            json!({"activity_channel": "MERCHANT_APP_COMPONENT"}),
            "/activity_channel",
        ),
        (json!({"title": "长".repeat(129)}), "/title"),
        (json!({"sub_title": "长".repeat(129)}), "/sub_title"),
        (json!({"begin_time": "2030-01-20"}), "/begin_time"),
        (json!({"end_time": "2030-01-29T13:29:35"}), "/end_time"),
        (json!({"begin_time": END, "end_time": BEGIN}), "/end_time"),
        (json!({"begin_time": END}), "/end_time"),
        (json!({"apply_total": 0}), "/apply_total"),
        (json!({"apply_total": -1}), "/apply_total"),
        (json!({"apply_total": "1000"}), "/apply_total"),
        (
            json!({"apply_total": 9_223_372_036_854_775_808_u64}),
            "/apply_total",
        ),
        (
            json!({"product_coupon_stock_list": []}),
            "/product_coupon_stock_list",
        ),
        (stock(json!("7"), json!("")), batch),
        (stock(json!(""), json!("9")), product),
        (stock(json!("7"), json!(null)), batch),
        (stock(json!(7), json!("9")), product),
        (
            json!({"product_coupon_stock_list": [{"stock_id": "9"}]}),
            product,
        ),
        (
            json!({"product_coupon_stock_list": [{"product_coupon_id": "7"}]}),
            batch,
        ),
    ] {
        partner
            .post(ACTIVITIES, with(form.clone(), members))
            .blames(at);
    }
    let longest = json!({
        "out_request_no": "1".repeat(128),
        "title": "长".repeat(128),
        "sub_title": "长".repeat(128),
        "apply_total": i64::MAX,
    });
    assert_eq!(create(&partner, longest.clone())["title"], longest["title"]);
}

#[test]
fn an_activity_ends_in_the_future_on_a_template_that_is_there() {
    let running = in_2025();
    let partner = running.partner();
    running.freeze(END);
    let answer = partner.post(ACTIVITIES, new_activity(CARD_ID));
    answer.is_refused(400, "INVALID_REQUEST");
    running.freeze("2030-01-29T13:29:35.119+08:00");
    let activity = create(&partner, json!({}));
    assert_eq!(activity["activity_state"], "MEMBERSHIP_ACTIVITY_EFFECTIVE");
    partner
        .post(ACTIVITIES, new_activity("p-other"))
        .is_refused(404, "RESOURCE_NOT_EXISTS");
}

#[test]
fn the_number_of_an_activity_counts_once() {
    let running = in_2025();
    let partner = running.partner();
    let form = new_activity(CARD_ID);
    let first = partner.post(ACTIVITIES, form.clone()).ok();
    partner
        .post(&format!("{}/terminate", at(&first)), json!({}))
        .ok();
    running.freeze("2031-01-01T00:00:00+08:00");
    assert_eq!(partner.post(ACTIVITIES, form.clone()).ok(), first);
    for other in [
        json!({"title": "别的"}),
        json!({"apply_total": 1001}),
        json!({"end_time": "2030-01-30T13:29:35.120+08:00"}),
        json!({"product_coupon_stock_list": [{"product_coupon_id": "1", "stock_id": "2"}]}),
    ] {
        let answer = partner.post(ACTIVITIES, with(form.clone(), other));
        answer.is_refused(400, "INVALID_REQUEST");
    }
    assert_eq!(list(&partner, "")["total_count"], 1);
}

#[test]
fn its_state_follows_the_clock() {
    let running = in_2025();
    let partner = running.partner();
    let [left, ended] = [(); 2].map(|()| create(&partner, json!({})));
    partner
        .post(&format!("{}/terminate", at(&ended)), json!({}))
        .ok();
    for (now, expected) in [
        ("2030-01-20T13:29:35.119+08:00", "CREATED"),
        (BEGIN, "EFFECTIVE"),
        ("2030-01-29T13:29:35.119+08:00", "EFFECTIVE"),
        (END, "EXPIRED"),
        ("2031-01-01T00:00:00+08:00", "EXPIRED"),
    ] {
        running.freeze(now);
        let expected = format!("MEMBERSHIP_ACTIVITY_{expected}");
        assert_eq!(state(&partner, &left), expected, "{now}");
        assert_eq!(state(&partner, &ended), "MEMBERSHIP_ACTIVITY_TERMINATED");
        for name in ["CREATED", "EFFECTIVE", "EXPIRED", "TERMINATED"] {
            let name = format!("MEMBERSHIP_ACTIVITY_{name}");
            let page = list(&partner, &format!("&activity_state={name}"));
            let shown = match &*name {
                "MEMBERSHIP_ACTIVITY_TERMINATED" => vec![&ended],
                _ if name == expected => vec![&left],
                _ => vec![],
            };
            let shown: Vec<_> = shown
                .iter()
                .map(|activity| &activity["activity_id"])
                .collect();
            let rows = page["data"].as_array().unwrap();
            let ids: Vec<_> = rows.iter().map(|row| &row["activity_id"]).collect();
            assert_eq!(ids, shown, "{name} {now}");
            assert_eq!(page["total_count"], shown.len());
            assert!(rows.iter().all(|row| row["activity_state"] == *name));
        }
    }
}

fn list(partner: &Caller<'_>, more: &str) -> Value {
    partner
        .get(&format!("{ACTIVITIES}?offset=0&limit=20{more}"))
        .ok()
}

#[test]
fn activities_are_listed_newest_first() {
    let running = in_2025();
    let partner = running.partner();
    let other_card = partner.card_id(json!({}));
    let mut twins = [CARD_ID, &other_card].map(|card_id| {
        let activity = create(&partner, json!({"card_id": card_id}));
        (text(&activity["activity_id"]), card_id)
    });
    twins.sort();
    running.freeze("2025-08-01T10:00:00.001+08:00");
    let newest = text(&create(&partner, json!({}))["activity_id"]);
    let ids = |page: &Value| -> Vec<String> {
        let rows = page["data"].as_array().unwrap().iter();
        rows.map(|row| text(&row["activity_id"])).collect()
    };
    let page = list(&partner, "");
    assert_eq!(ids(&page), [&*newest, &*twins[0].0, &*twins[1].0]);
    assert_eq!((&page["offset"], &page["limit"]), (&json!(0), &json!(20)));
    let page = partner.get(&format!("{ACTIVITIES}?offset=1&limit=1")).ok();
    assert_eq!(ids(&page), [&*twins[0].0]);
    assert_eq!(page["total_count"], 3);
    let page = partner.get(&format!("{ACTIVITIES}?offset=3&limit=1")).ok();
    assert_eq!(page["data"], json!([]));
    let page = list(&partner, &format!("&card_id={other_card}"));
    assert_eq!(page["total_count"], 1);
    assert_eq!(page["data"][0]["card_id"], other_card);
    assert_eq!(list(&partner, "&card_id=p-other")["total_count"], 0);
    for (query, name) in [
        ("offset=0", "limit"),
        ("limit=1", "offset"),
        ("offset=0&limit=0", "limit"),
        ("offset=0&limit=21", "limit"),
        ("offset=-1&limit=1", "offset"),
        (
            "offset=0&limit=1&activity_state=EFFECTIVE",
            "activity_state",
        ),
        ("offset=0&limit=1&card_id=", "card_id"),
    ] {
        partner.get(&format!("{ACTIVITIES}?{query}")).blames(name);
    }
}

#[test]
fn titles_and_period_change_together() {
    let running = in_2025();
    let partner = running.partner();
    let before = create(&partner, json!({}));
    let change = json!({
        "title": "新标题",
        "sub_title": "新副标题",
        "begin_time": "2025-08-01T00:00:00+08:00",
        "end_time": "2025-08-31T00:00:00+08:00",
    });
    running.freeze("2025-08-02T10:00:00+08:00");
    let fixed =
        json!({"apply_total": 1, "card_id": "p-other", "activity_id": before["activity_id"]});
    let after = partner
        .patch(&at(&before), with(change.clone(), fixed))
        .ok();
    let expected = with(
        with(before.clone(), change.clone()),
        json!({
            "activity_state": "MEMBERSHIP_ACTIVITY_EFFECTIVE",
            "modify_time": "2025-08-02T10:00:00.000+08:00",
        }),
    );
    assert_eq!(after, expected);
    assert_eq!(partner.get(&at(&before)).ok(), after);
    // While it runs, too.
    let later = json!({"begin_time": "2025-08-03T00:00:00+08:00"});
    let after = partner
        .patch(&at(&before), with(change.clone(), later))
        .ok();
    assert_eq!(after["activity_state"], "MEMBERSHIP_ACTIVITY_CREATED");

    for name in ["title", "sub_title", "begin_time", "end_time"] {
        let answer = partner.patch(&at(&before), without(change.clone(), name));
        answer.blames(&format!("/{name}"));
    }
    let reversed = json!({"begin_time": "2025-08-31T00:00:00+08:00"});
    let answer = partner.patch(&at(&before), with(change.clone(), reversed));
    answer.blames("/end_time");
    let over = json!({"end_time": "2025-08-02T10:00:00+08:00"});
    let answer = partner.patch(&at(&before), with(change.clone(), over));
    answer.is_refused(400, "INVALID_REQUEST");
    let target = partner.target(&at(&before));
    partner
        .send("PATCH", &target, &change.to_string())
        .blames("/brand_id");
    assert_eq!(partner.get(&at(&before)).ok(), after);
}

#[test]
fn an_activity_can_be_ended_once_and_before_its_end() {
    let running = in_2025();
    let partner = running.partner();
    for now in ["2025-08-02T10:00:00.000+08:00", BEGIN] {
        running.freeze(now);
        let before = create(&partner, json!({}));
        let terminate = format!("{}/terminate", at(&before));
        partner
            .send("POST", &partner.target(&terminate), "{}")
            .blames("/brand_id");
        let expected = with(
            before.clone(),
            json!({"activity_state": "MEMBERSHIP_ACTIVITY_TERMINATED", "modify_time": now}),
        );
        assert_eq!(partner.post(&terminate, json!({})).ok(), expected);
        running.freeze("2030-01-20T13:29:36+08:00");
        assert_eq!(partner.post(&terminate, json!({})).ok(), expected);
        assert_eq!(partner.get(&at(&before)).ok(), expected);
        let answer = partner.patch(&at(&before), change());
        answer.is_refused(400, "INVALID_REQUEST");
    }
    let over = create(&partner, json!({}));
    running.freeze(END);
    let answer = partner.post(&format!("{}/terminate", at(&over)), json!({}));
    answer.is_refused(400, "INVALID_REQUEST");
    let longer = json!({"end_time": "2031-01-01T00:00:00+08:00"});
    let answer = partner.patch(&at(&over), with(change(), longer));
    answer.is_refused(400, "INVALID_REQUEST");
    assert_eq!(state(&partner, &over), "MEMBERSHIP_ACTIVITY_EXPIRED");
}

#[test]
fn an_activity_that_is_not_there_is_not_found() {
    let running = in_2025();
    let partner = running.partner();
    for id in ["371067", "no-number"] {
        let at = format!("{ACTIVITIES}/{id}");
        for answer in [
            partner.get(&at),
            partner.patch(&at, change()),
            partner.post(&format!("{at}/terminate"), json!({})),
        ] {
            answer.is_refused(404, "RESOURCE_NOT_EXISTS");
        }
    }
    partner
        .get(&format!("{ACTIVITIES}/{}", "1".repeat(33)))
        .blames("activity_id");
    let target = partner.target(&format!("{ACTIVITIES}/371067"));
    partner.send("GET", &target, "").blames("brand_id");
}

#[test]
fn a_member_who_joins_through_the_component_takes_from_the_stock() {
    let running = in_2025();
    let partner = running.partner();
    let other_card = partner.card_id(json!({}));
    let scarce = create(&partner, json!({"apply_total": 1}));
    let plenty = create(&partner, json!({"apply_total": 9}));
    let later = create(&partner, json!({"begin_time": "2030-01-21T00:00:00+08:00"}));
    let elsewhere = create(&partner, json!({"card_id": other_card}));
    let ended = create(&partner, json!({}));
    running.freeze(BEGIN);
    partner
        .post(&format!("{}/terminate", at(&ended)), json!({}))
        .ok();

    let given = |openid: &str, with_token: bool| {
        let mut body = json!({"card_id": CARD_ID});
        if with_token {
            let asked = json!({"card_id": CARD_ID, "openid": openid});
            let token = partner.post("pre-auth-tokens", asked).ok();
            body["token"] = token["token"].clone();
        }
        let played = running.play(openid, "join", body).ok();
        let gifts = played["gifts"].as_array().unwrap().iter();
        let mut gifts: Vec<Value> = gifts.map(|gift| gift["activity_id"].clone()).collect();
        gifts.sort_by_key(Value::to_string);
        gifts
    };
    let mut both = [scarce["activity_id"].clone(), plenty["activity_id"].clone()];
    both.sort_by_key(Value::to_string);
    // From the business card nobody gets anything.
    assert!(given("o-card", false).is_empty());
    assert_eq!(given("o-first", true), both);
    assert_eq!(given("o-second", true), [plenty["activity_id"].clone()]);
    for (activity, left) in [
        (scarce, 0),
        (plenty, 7),
        (later, 1000),
        (elsewhere, 1000),
        (ended, 1000),
    ] {
        let activity = partner.get(&at(&activity)).ok();
        assert_eq!(activity["apply_available"], left, "{activity}");
    }
}

#[test]
fn a_brand_has_no_activities() {
    let running = in_2025();
    let brand = running.own_brand();
    let form = new_activity(CARD_ID).to_string();
    for (method, tail, body) in [
        ("POST", ACTIVITIES, &*form),
        ("GET", "membership-activities?offset=0&limit=1", ""),
        ("GET", "membership-activities/371067", ""),
        ("PATCH", "membership-activities/371067", "{}"),
        ("POST", "membership-activities/371067/terminate", "{}"),
    ] {
        let answer = brand.send(method, &brand.target(tail), body);
        answer.is_refused(404, "NOT_FOUND");
        // Nor does it find the service provider's.
        let partners = running.partner().target(tail);
        brand
            .send(method, &partners, body)
            .is_refused(403, "NO_AUTH");
    }
}
