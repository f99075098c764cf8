//! Which of several reasons to refuse is told: signature, rate, shape,
//! permission, existence, state. And who finds which address.

use serde_json::{Value, json};

use crate::{
    activities::new_activity,
    caller::{Caller, new_card, with},
    support::{Answer, Running},
};

/// A request that is well formed, about things that are not there.
struct Case {
    method: &'static str,
    tail: &'static str,
    body: Value,
    /// The same with something wrong about its shape.
    spoiled: Spoiled,
    /// What there is to be found.
    status: u16,
    brand_has_it: bool,
}

enum Spoiled {
    Tail(&'static str),
    Body(Value),
}

fn cases() -> Vec<Case> {
    let validity = json!({"type": "PERMANENT"});
    let ids = json!({"card_id": "p", "openid": "o"});
    let card = with(ids.clone(), json!({"user_card_code": "1"}));
    let number = json!({"out_request_no": "1"});
    let activity = json!({
        "title": "a", "sub_title": "b",
        "begin_time": "2030-01-01T00:00:00+08:00", "end_time": "2031-01-01T00:00:00+08:00",
    });
    let import = with(card.clone(), json!({"valid_date_information": validity}));
    let exchange = json!({"record_id": "r", "exchange_coupon_template_id": "t", "result": "POINT_EXCHANGE_COUPON_ALLOW"});
    let empty = || Spoiled::Body(json!({}));
    let case = |method, tail, body, spoiled, status, brand_has_it| Case {
        method,
        tail,
        body,
        spoiled,
        status,
        brand_has_it,
    };
    const LONG: &str = "cards/ppppppppppppppppppppppppppppppppp";
    vec![
        case("POST", "cards", new_card(), empty(), 200, true),
        case(
            "GET",
            "cards",
            json!({}),
            Spoiled::Tail("cards?limit=21"),
            200,
            true,
        ),
        case("GET", "cards/p", json!({}), Spoiled::Tail(LONG), 404, true),
        case(
            "PATCH",
            "cards/p",
            json!({}),
            Spoiled::Body(json!({"card_color": "red"})),
            404,
            true,
        ),
        case(
            "DELETE",
            "cards/p",
            json!({}),
            Spoiled::Tail(LONG),
            404,
            false,
        ),
        case(
            "POST",
            "cards/p/invalidate",
            json!({}),
            Spoiled::Tail("cards/ppppppppppppppppppppppppppppppppp/invalidate"),
            404,
            true,
        ),
        case(
            "POST",
            "membership-activities",
            new_activity("p"),
            empty(),
            404,
            false,
        ),
        case(
            "GET",
            "membership-activities?offset=0&limit=1",
            json!({}),
            Spoiled::Tail("membership-activities"),
            200,
            false,
        ),
        case(
            "GET",
            "membership-activities/7",
            json!({}),
            Spoiled::Tail("membership-activities/777777777777777777777777777777777"),
            404,
            false,
        ),
        case(
            "PATCH",
            "membership-activities/7",
            activity,
            empty(),
            404,
            false,
        ),
        case(
            "POST",
            "membership-activities/7/terminate",
            json!({}),
            Spoiled::Tail("membership-activities/777777777777777777777777777777777/terminate"),
            404,
            false,
        ),
        case("POST", "pre-auth-tokens", ids.clone(), empty(), 404, true),
        case(
            "POST",
            "open-user-card-tokens",
            ids.clone(),
            empty(),
            404,
            false,
        ),
        case("POST", "pay-view-tokens", ids.clone(), empty(), 404, false),
        case(
            "GET",
            "user-cards?openid=o&offset=0&limit=1",
            json!({}),
            Spoiled::Tail("user-cards?openid=o"),
            200,
            true,
        ),
        case(
            "GET",
            "user-cards/1?card_id=p&openid=o",
            json!({}),
            Spoiled::Tail("user-cards/1"),
            404,
            true,
        ),
        case("PATCH", "user-cards/1", ids.clone(), empty(), 404, true),
        case(
            "POST",
            "user-cards/import-by-openid",
            import.clone(),
            empty(),
            404,
            true,
        ),
        case(
            "POST",
            "user-cards/import-by-phone",
            with(import, json!({"phone_number": "SEALED"})),
            empty(),
            404,
            false,
        ),
        case(
            "POST",
            "user-cards/1/confirm",
            with(
                ids.clone(),
                json!({"user_card_confirm_state": "CREATE_CARD_SUCCESS"}),
            ),
            empty(),
            404,
            true,
        ),
        case("POST", "user-cards/1/invalidate", ids, empty(), 404, true),
        case(
            "POST",
            "user-feeds",
            with(with(card.clone(), number.clone()), json!({"cell": "0"})),
            empty(),
            404,
            true,
        ),
        case(
            "POST",
            "user-points/sync",
            with(with(card.clone(), number), json!({"point_balance": 1})),
            empty(),
            404,
            true,
        ),
        case(
            "POST",
            "user-points/exchange-coupon/confirm",
            with(card, exchange),
            empty(),
            404,
            true,
        ),
    ]
}

impl Case {
    fn send(&self, caller: &Caller<'_>, tail: &str, mut body: Value) -> Answer {
        if body.get("phone_number").is_some() {
            body["phone_number"] = json!(caller.seal("13800138000"));
        }
        match self.method {
            "GET" => caller.get(tail),
            "DELETE" => caller.delete(tail),
            "PATCH" => caller.patch(tail, body),
            _ => caller.post(tail, body),
        }
    }

    fn whole(&self, caller: &Caller<'_>) -> Answer {
        self.send(caller, self.tail, self.body.clone())
    }

    fn spoiled(&self, caller: &Caller<'_>) -> Answer {
        match &self.spoiled {
            Spoiled::Tail(tail) => self.send(caller, tail, self.body.clone()),
            Spoiled::Body(body) => self.send(caller, self.tail, body.clone()),
        }
    }
}

#[test]
fn shape_comes_before_permission_and_permission_before_existence() {
    let running = Running::start();
    let served = running.partner();
    let unserved = running.partner().acting_for("9999");
    let brand = running.own_brand();
    for case in cases() {
        let (method, tail) = (case.method, case.tail);
        let spoiled = (400, "PARAM_ERROR".to_owned());
        assert_eq!(
            case.spoiled(&unserved).refusal(),
            spoiled,
            "{method} {tail}"
        );
        let refusal = case.whole(&unserved).refusal();
        assert_eq!(refusal, (403, "NO_AUTH".to_owned()), "{method} {tail}");
        for caller in [&served, &brand] {
            if !caller.is_partner() && !case.brand_has_it {
                continue;
            }
            assert_eq!(case.spoiled(caller).refusal(), spoiled, "{method} {tail}");
            let answer = case.whole(caller);
            assert_eq!(
                answer.status,
                case.status,
                "{method} {tail} {}",
                answer.json()
            );
            if case.status == 404 {
                answer.is_refused(404, "RESOURCE_NOT_EXISTS");
            }
        }
    }
}

#[test]
fn a_service_provider_always_names_the_brand() {
    let running = Running::start();
    let partner = running.partner();
    for case in cases() {
        let target = partner.target(case.tail);
        let (at, body) = match case.method {
            "GET" | "DELETE" => ("brand_id", String::new()),
            _ => ("/brand_id", case.body.to_string()),
        };
        partner.send(case.method, &target, &body).blames(at);
    }
}

#[test]
fn what_the_card_type_may_not_be_is_told_to_those_who_may_ask() {
    let running = Running::start();
    let purchase = with(new_card(), json!({"card_type": "PURCHASE"}));
    let unserved = running.partner().acting_for("9999");
    unserved
        .post("cards", purchase.clone())
        .is_refused(403, "NO_AUTH");
    let answer = running.partner().post("cards", purchase);
    answer.is_refused(400, "INVALID_REQUEST");
}

#[test]
fn each_caller_has_its_own_addresses() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    let upload = "media/image-upload";
    let uploads = [
        "/v3/marketing/favor/media/image-upload".to_owned(),
        brand.target(upload),
    ];
    for case in cases() {
        let (method, body) = (case.method, case.body.to_string());
        let at = [partner.target(case.tail), brand.target(case.tail)];
        brand.send(method, &at[0], &body).is_refused(403, "NO_AUTH");
        let answer = partner.send(method, &at[1], &body);
        let elsewhere = brand.send(method, &at[1], &body);
        if case.brand_has_it {
            answer.is_refused(403, "NO_AUTH");
            assert_ne!(elsewhere.status, 403);
            continue;
        }
        // An address that nobody has, or that has other methods.
        for answer in [answer, elsewhere] {
            match (answer.status, case.tail) {
                (405, "cards/p" | "user-cards/import-by-phone") => {
                    assert!(answer.header("Allow").is_some());
                }
                _ => answer.is_refused(404, "NOT_FOUND"),
            }
        }
    }
    brand
        .send("POST", &uploads[0], "{}")
        .is_refused(403, "NO_AUTH");
    partner
        .send("POST", &uploads[1], "{}")
        .is_refused(403, "NO_AUTH");
}
