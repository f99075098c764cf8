//! Card templates: making, reading and listing them.

use serde_json::{Value, json};

use crate::{
    caller::{new_card, number, text, with, without},
    support::{CARD_ID, Running},
};

/// The documented sample of `create_card`, without `brand_id`.
pub fn documented() -> Value {
    json!({
        "out_request_no": "100002322019090134234sfdf",
        "appid": "wxea9c30890f48d5ae",
        "card_type": "NORMAL",
        "card_title": "测试卡",
        "card_color": "#FFFF00",
        "card_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0",
        "code_mode": "SYSTEM_ALLOCATE",
        "code_type": "JUMP_MINI_PROGRAM",
        "code_jump_information": {
            "jump_appid": "wxea9c30a90fs8d3fe",
            "jump_path": "/pages/code/code",
        },
        "benefits": "会员折扣、专属价",
        "notify_url": "https://www.weixin.qq.com/wxpay/notify.php",
        "need_pinned": true,
        "need_display_level": true,
        "init_level": "白银会员",
        "service_phone": "010-8877xxxx",
        "legal_agreement": "商家需在 48 小时内发货。",
        "valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 200},
        "member_information": {
            "jump_appid": "wxea9c30a90fs8d3fe",
            "jump_path": "/pages/member/member",
        },
        "points_information": {
            "jump_appid": "wxea9c30a90fs8d3fe",
            "jump_path": "/pages/points/points",
        },
        "balance_information": {
            "jump_appid": "wxea9c30a90fs8d3fe",
            "jump_path": "/pages/balance/balance",
        },
        "purchase_information": {
            "price": 9900,
            "jump_appid": "wxea9c30a90fs8d3fe",
            "jump_path": "/pages/buy/buy",
        },
        "user_information": {
            "common_field_list": ["USER_FORM_FLAG_SEX", "USER_FORM_FLAG_BIRTHDAY"],
            "custom_field_list": [
                {"type": "CHECK_BOX", "name": "喜欢的运动", "values": ["篮球", "足球"]},
            ],
        },
    })
}

#[test]
fn a_new_template_has_what_was_asked_and_what_it_is() {
    let running = Running::start();
    running.freeze("2025-08-01T10:00:00+08:00");
    let [partner, brand] = running.callers();
    for (caller, other) in [(&partner, &brand), (&brand, &partner)] {
        let unknown = json!({"colour": 1, "state": "CARD_INVALID", "card_id": "mine"});
        let card = caller.post("cards", with(documented(), unknown)).ok();
        let card_id = text(&card["card_id"]);
        assert!(card_id.len() <= 32 && card_id != "mine", "{card_id}");
        let expected = json!({
            "brand_id": "1004",
            "card_id": card_id,
            "state": "CARD_EFFECTIVE",
            "create_time": "2025-08-01T10:00:00.000+08:00",
            "modify_time": "2025-08-01T10:00:00.000+08:00",
        });
        assert_eq!(card, with(documented(), expected));
        for reader in [caller, other] {
            assert_eq!(reader.get(&format!("cards/{card_id}")).ok(), card);
        }
    }
}

#[test]
fn a_brand_may_name_itself_and_nobody_else() {
    let running = Running::start();
    let brand = running.own_brand();
    let form = |brand_id: &str| with(new_card(), json!({"brand_id": brand_id}));
    brand.post("cards", form("1004")).ok();
    brand.post("cards", form("1005")).blames("/brand_id");
}

#[test]
fn a_request_number_counts_once() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    let form = new_card();
    let first = partner.post("cards", form.clone()).ok();
    let card_id = text(&first["card_id"]);
    // Not what it is now, but what was answered.
    let at_the_card = format!("cards/{card_id}");
    partner
        .patch(&at_the_card, json!({"benefits": "没有"}))
        .ok();
    partner.post(&format!("{at_the_card}/invalidate"), json!({}));
    let reordered: Value = {
        let members = form.as_object().unwrap().iter().rev();
        let members = members.map(|(name, value)| (name.clone(), value.clone()));
        Value::Object(members.collect())
    };
    for again in [
        form.clone(),
        reordered,
        with(form.clone(), json!({"service_phone": null})),
        with(form.clone(), json!({"service_phone": "", "unknown": 1})),
    ] {
        assert_eq!(partner.post("cards", again).ok(), first);
    }
    for other in [
        json!({"card_title": "另一张卡"}),
        json!({"service_phone": "010"}),
        json!({"valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 1}}),
    ] {
        let answer = partner.post("cards", with(form.clone(), other));
        answer.is_refused(400, "INVALID_REQUEST");
    }
    // The same number of another caller, or of another operation, is another.
    let by_the_brand = brand.post("cards", form.clone()).ok();
    assert_ne!(by_the_brand["card_id"], first["card_id"]);
    let activity = crate::activities::new_activity(CARD_ID);
    let same_number = json!({"out_request_no": form["out_request_no"]});
    let answer = partner.post("membership-activities", with(activity, same_number));
    answer.ok();
    assert_eq!(partner.get("cards").ok()["total_count"], 3);
}

#[test]
fn the_same_number_at_once_counts_once() {
    let running = Running::start();
    let partner = running.partner();
    let form = with(new_card(), json!({"brand_id": "1004"})).to_string();
    let target = partner.target("cards");
    let request = || partner.signer.request("POST", &target, &form);
    let requests: Vec<_> = (0..8).map(|_| request()).collect();
    let address = running.address;
    let sent: Vec<_> = requests
        .into_iter()
        .map(|request| std::thread::spawn(move || request.send(address).ok()))
        .collect();
    let answers: Vec<Value> = sent.into_iter().map(|one| one.join().unwrap()).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(partner.get("cards").ok()["total_count"], 2);
}

#[test]
fn a_request_number_may_be_left_out_where_that_is_allowed() {
    let running = Running::switched("optional_out_request_no");
    let partner = running.partner();
    let form = without(new_card(), "out_request_no");
    let first = partner.post("cards", form.clone()).ok();
    assert_eq!(first.get("out_request_no"), None);
    assert_ne!(partner.post("cards", form).ok(), first);
    // Where there is one it counts.
    let form = new_card();
    let first = partner.post("cards", form.clone()).ok();
    assert_eq!(partner.post("cards", form).ok(), first);
}

fn ids(page: &Value) -> Vec<String> {
    let rows = page["data"].as_array().unwrap().iter();
    rows.map(|row| text(&row["card_id"])).collect()
}

#[test]
fn templates_are_listed_newest_first() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    running.freeze("2030-01-01T00:00:00+08:00");
    let mut twins = [partner.card_id(json!({})), brand.card_id(json!({}))];
    twins.sort();
    running.freeze("2030-01-01T00:00:00.001+08:00");
    let newest = partner.card_id(json!({}));
    let invalidate = format!("cards/{}/invalidate", twins[0]);
    partner.post(&invalidate, json!({})).ok();
    let all = [&newest, &twins[0], &twins[1], CARD_ID];
    for caller in [&partner, &brand] {
        let list = |query: &str| caller.get(&format!("cards{query}")).ok();
        let page = list("");
        assert_eq!(ids(&page), all);
        assert_eq!(page["total_count"], 4);
        assert_eq!((&page["offset"], &page["limit"]), (&json!(0), &json!(20)));
        assert_eq!(
            page["data"][0],
            caller.get(&format!("cards/{newest}")).ok(),
            "a row is the whole template"
        );

        let page = list("?offset=1&limit=2");
        assert_eq!(ids(&page), all[1..3]);
        assert_eq!(page["total_count"], 4);
        assert_eq!((&page["offset"], &page["limit"]), (&json!(1), &json!(2)));
        assert_eq!(ids(&list("?offset=3")), all[3..]);
        for past_the_end in ["?offset=4", "?offset=18446744073709551615&limit=1"] {
            let page = list(past_the_end);
            assert_eq!(page["data"], json!([]));
            assert_eq!(page["total_count"], 4);
        }

        assert_eq!(ids(&list("?state=CARD_INVALID")), all[1..2]);
        let page = list("?state=CARD_EFFECTIVE&limit=1");
        assert_eq!(ids(&page), all[..1]);
        assert_eq!(page["total_count"], 3);
        for (bad, name) in [
            ("?offset=-1", "offset"),
            ("?offset=x", "offset"),
            ("?offset=", "offset"),
            ("?limit=0", "limit"),
            ("?limit=21", "limit"),
            ("?limit=1.5", "limit"),
            ("?state=EFFECTIVE", "state"),
            ("?limit=1&limit=2", "limit"),
        ] {
            let answer = caller.get(&format!("cards{bad}"));
            answer.blames(name);
            assert_eq!(answer.json()["detail"]["location"], "query", "{bad}");
        }
    }
    partner
        .send("GET", &partner.target("cards"), "")
        .blames("brand_id");
}

#[test]
fn a_template_that_is_not_there_is_not_found() {
    let running = Running::start();
    for caller in running.callers() {
        for card_id in ["p-other", &number()] {
            let at_the_card = format!("cards/{card_id}");
            let answers = [
                caller.get(&at_the_card),
                caller.patch(&at_the_card, json!({"benefits": "x"})),
                caller.post(&format!("{at_the_card}/invalidate"), json!({})),
            ];
            for answer in answers {
                answer.is_refused(404, "RESOURCE_NOT_EXISTS");
            }
        }
        let long = format!("cards/{}", "p".repeat(33));
        let answer = caller.get(&long);
        answer.blames("card_id");
        assert_eq!(answer.json()["detail"]["location"], "path");
    }
}
