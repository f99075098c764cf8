//! What a template may look like.

use serde_json::{Value, json};

use crate::{
    caller::{new_card, text, with, without},
    support::Running,
};

#[test]
fn what_a_template_must_have_is_named() {
    let running = Running::start();
    for caller in running.callers() {
        let required = without(new_card(), "valid_date_information");
        for name in required.as_object().unwrap().keys() {
            let at = format!("/{name}");
            caller.post("cards", without(new_card(), name)).blames(&at);
            for wrong in [json!(null), json!(""), json!(7), json!(["x"])] {
                let form = with(new_card(), json!({name: wrong}));
                caller.post("cards", form).blames(&at);
            }
        }
        for wrong in [json!(null), json!(""), json!([])] {
            let form = with(new_card(), json!({"valid_date_information": wrong}));
            caller.post("cards", form).blames("/valid_date_information");
        }
        let form = with(new_card(), json!({"valid_date_information": {}}));
        caller
            .post("cards", form)
            .blames("/valid_date_information/type");
        let form = without(new_card(), "valid_date_information");
        caller.post("cards", form).blames("/valid_date_information");
        assert_eq!(caller.get("cards").ok()["total_count"], 1);
    }
    let partner = running.partner();
    let target = partner.target("cards");
    let answer = partner.send("POST", &target, &new_card().to_string());
    answer.blames("/brand_id");
    assert_eq!(answer.json()["detail"]["location"], "body");
    let long = with(new_card(), json!({"brand_id": "1".repeat(33)}));
    partner.post("cards", long).blames("/brand_id");
}

/// Puts a value at a JSON Pointer, making objects and lists on the way.
fn put(form: &mut Value, pointer: &str, value: Value) {
    let mut at = form;
    for part in pointer.trim_start_matches('/').split('/') {
        at = match part.parse::<usize>() {
            Ok(index) => {
                if at.is_null() {
                    *at = json!([]);
                }
                let list = at.as_array_mut().unwrap();
                list.resize(list.len().max(index + 1), Value::Null);
                &mut list[index]
            }
            Err(_) => &mut at[part],
        };
    }
    *at = value;
}

/// The form with one member set.
fn set(pointer: &str, value: impl Into<Value>) -> Value {
    let mut form = new_card();
    put(&mut form, pointer, value.into());
    form
}

#[test]
fn texts_are_counted_in_characters() {
    let running = Running::start();
    let question = "/user_information/custom_field_list/0";
    let limits = [
        ("/card_title".to_owned(), 10),
        ("/benefits".to_owned(), 32),
        ("/card_picture_url".to_owned(), 256),
        ("/init_level".to_owned(), 10),
        ("/service_phone".to_owned(), 32),
        ("/legal_agreement".to_owned(), 20_480),
        (format!("{question}/name"), 32),
        (format!("{question}/values/0"), 8),
    ];
    let pages = ["code_jump", "member", "points", "balance", "purchase"].map(|page| {
        let at = format!("/{page}_information");
        [
            (format!("{at}/jump_appid"), 32),
            (format!("{at}/jump_path"), 128),
        ]
    });
    let partner = running.partner();
    for (at, limit) in limits.into_iter().chain(pages.into_iter().flatten()) {
        let longest = "长".repeat(limit);
        let card = partner.post("cards", set(&at, &*longest)).ok();
        assert_eq!(card.pointer(&at), Some(&json!(longest)), "{at}");
        partner.post("cards", set(&at, longest + "长")).blames(&at);
    }
    // Two that must have a form besides.
    let appid = format!("wx{}", "a".repeat(30));
    partner.post("cards", set("/appid", &*appid)).ok();
    partner
        .post("cards", set("/appid", appid + "a"))
        .blames("/appid");
    let url = format!("https://shop.example.com/{}", "n".repeat(256 - 25));
    partner.post("cards", set("/notify_url", &*url)).ok();
    let longer = set("/notify_url", url + "n");
    partner.post("cards", longer).blames("/notify_url");
    // Characters of four bytes are not stored at all.
    let smile = set("/benefits", "会员😀");
    partner.post("cards", smile).blames("/benefits");
}

#[test]
fn members_of_a_template_have_forms() {
    let running = Running::start();
    let question = "/user_information/custom_field_list/0";
    let good = [
        ("/card_color", json!("#0a1B2c")),
        ("/code_mode", json!("MERCHANT_ALLOCATE")),
        ("/code_type", json!("NONE_CODE")),
        ("/code_type", json!("BAR_CODE")),
        ("/code_type", json!("QR_CODE")),
        ("/code_type", json!("BAR_CODE_AND_QR_CODE")),
        ("/need_pinned", json!(false)),
        ("/user_information", json!({})),
    ];
    let bad = [
        ("/card_color", json!("FFFF00")),
        ("/card_color", json!("#FFFF0")),
        ("/card_color", json!("#GGFF00")),
        ("/card_color", json!("黄")),
        ("/appid", json!("wx")),
        ("/appid", json!("ax9c30890f48d5ae")),
        ("/appid", json!("wxea9c 0890f48d5ae")),
        ("/appid", json!("wxea9c三")),
        ("/card_type", json!("GOLD")),
        ("/code_mode", json!("ALLOCATE")),
        ("/code_type", json!("bar_code")),
        ("/need_pinned", json!("yes")),
        ("/need_display_level", json!(1)),
        ("/points_information", json!("")),
        ("/points_information/jump_path", json!(5)),
        ("/purchase_information/price", json!("9.9")),
        ("/user_information/common_field_list", json!("SEX")),
        ("/user_information/common_field_list/0", json!("SHOE_SIZE")),
        ("/user_information/custom_field_list", json!([{}, {}])),
        (&format!("{question}/type"), json!("DROPDOWN")),
        (&format!("{question}/values"), json!(vec!["甲"; 11])),
    ];
    for caller in running.callers() {
        for (at, value) in &good {
            let card = caller.post("cards", set(at, value.clone())).ok();
            assert_eq!(card.pointer(at), Some(value));
        }
        for (at, value) in &bad {
            caller.post("cards", set(at, value.clone())).blames(at);
        }
        let most = json!({"type": "RADIO", "name": "尺码", "values": vec!["甲"; 10]});
        let card = caller.post("cards", set(question, most.clone())).ok();
        assert_eq!(card.pointer(question), Some(&most));
        for name in ["SEX", "NAME", "BIRTHDAY", "ADDRESS", "EMAIL", "CITY"] {
            let name = format!("USER_FORM_FLAG_{name}");
            let form = set("/user_information/common_field_list/0", name);
            caller.post("cards", form).ok();
        }
    }
}

#[test]
fn a_code_that_jumps_needs_somewhere_to_go() {
    let running = Running::start();
    let whole = json!({"jump_appid": "wxea9c30a90fs8d3fe", "jump_path": "/pages/code/code"});
    let form = |code_type: &str, page: Value| {
        let members = json!({"code_type": code_type, "code_jump_information": page});
        with(new_card(), members)
    };
    for caller in running.callers() {
        let jumping = caller
            .post("cards", form("JUMP_MINI_PROGRAM", whole.clone()))
            .ok();
        for (page, missing) in [
            (json!(null), "jump_appid"),
            (without(whole.clone(), "jump_appid"), "jump_appid"),
            (without(whole.clone(), "jump_path"), "jump_path"),
            (with(whole.clone(), json!({"jump_path": ""})), "jump_path"),
        ] {
            let at = format!("/code_jump_information/{missing}");
            let answer = caller.post("cards", form("JUMP_MINI_PROGRAM", page.clone()));
            answer.blames(&at);
            // Of other codes nothing is asked.
            caller.post("cards", form("QR_CODE", page.clone())).ok();
            if page.is_object() {
                let at_the_card = format!("cards/{}", text(&jumping["card_id"]));
                let change = json!({"code_jump_information": page});
                caller.patch(&at_the_card, change).blames(&at);
            }
        }
    }
}

#[test]
fn a_level_that_shows_must_be_there() {
    let running = Running::start();
    let partner = running.partner();
    let shows = with(new_card(), json!({"need_display_level": true}));
    partner.post("cards", shows.clone()).blames("/init_level");
    let empty = with(shows.clone(), json!({"init_level": ""}));
    partner.post("cards", empty).blames("/init_level");
    let card = partner
        .post("cards", with(shows, json!({"init_level": "白银"})))
        .ok();
    assert_eq!(card["init_level"], "白银");

    // Likewise when one of the two is changed.
    let shown = format!("cards/{}", text(&card["card_id"]));
    let change = json!({"init_level": ""});
    partner.patch(&shown, change.clone()).blames("/init_level");
    let hidden = json!({"init_level": "", "need_display_level": false});
    assert_eq!(partner.patch(&shown, hidden).ok().get("init_level"), None);
    let again = json!({"need_display_level": true});
    partner.patch(&shown, again.clone()).blames("/init_level");
    let level = json!({"init_level": "黄金"});
    partner.patch(&shown, level).ok();
    assert_eq!(partner.patch(&shown, again).ok()["init_level"], "黄金");
}

#[test]
fn only_ordinary_cards_can_be_made_unless_told_otherwise() {
    let form = |kind: &str| with(new_card(), json!({"card_type": kind}));
    let running = Running::start();
    for caller in running.callers() {
        for kind in ["PURCHASE", "BALANCE"] {
            let answer = caller.post("cards", form(kind));
            answer.is_refused(400, "INVALID_REQUEST");
            assert!(text(&answer.json()["message"]).contains(kind));
        }
    }
    let running = Running::switched("other_card_types");
    for caller in running.callers() {
        for kind in ["NORMAL", "PURCHASE", "BALANCE"] {
            let card = caller.post("cards", form(kind)).ok();
            assert_eq!(card["card_type"], kind);
        }
        caller.post("cards", form("GOLD")).blames("/card_type");
    }
}

/// What a validity may be, and where one that may not is wrong.
fn validities() -> (Vec<Value>, Vec<(Value, &'static str)>) {
    const BEGIN: &str = "2020-05-20T13:29:35.120+08:00";
    const END: &str = "2030-05-20T13:29:35.120+08:00";
    let range = |begin: &str, end: &str| json!({"type": "FIX_TIME_RANGE", "available_begin_time": begin, "available_end_time": end});
    let term = |days: Value| json!({"type": "FIX_TERM", "available_day_after_receive": days});
    let good = vec![
        json!({"type": "PERMANENT"}),
        term(json!(1)),
        term(json!(10_958)),
        range(BEGIN, END),
        range("2020-05-20T13:29:35Z", "2020-05-20T21:29:36+08:00"),
        // Samples send all members with any type.
        with(range("now", "then"), json!({"type": "PERMANENT"})),
        with(range("now", "then"), term(json!(200))),
        with(term(json!(0)), range(BEGIN, END)),
    ];
    let days = "/available_day_after_receive";
    let (begins, ends) = ("/available_begin_time", "/available_end_time");
    let bad = vec![
        (json!({"type": "SOMETIMES"}), "/type"),
        (json!({"type": null}), "/type"),
        (json!({"type": "FIX_TERM"}), days),
        (term(json!(0)), days),
        (term(json!(-1)), days),
        (term(json!(10_959)), days),
        (term(json!("200")), days),
        (term(json!(1.5)), days),
        (json!({"type": "FIX_TIME_RANGE"}), begins),
        (without(range(BEGIN, END), "available_end_time"), ends),
        (without(range(BEGIN, END), "available_begin_time"), begins),
        (range(END, BEGIN), ends),
        (range(BEGIN, BEGIN), ends),
        // The same instant in two zones.
        (
            range("2020-05-20T13:29:35Z", "2020-05-20T21:29:35+08:00"),
            ends,
        ),
        (range("2020-05-20 13:29:35", END), begins),
        (range(BEGIN, "2030-05-20"), ends),
    ];
    (good, bad)
}

#[test]
fn a_validity_makes_sense() {
    let running = Running::start();
    let (good, bad) = validities();
    for caller in running.callers() {
        let card_id = caller.card_id(json!({}));
        let at_the_card = format!("cards/{card_id}");
        for validity in &good {
            let member = json!({"valid_date_information": validity});
            assert_eq!(
                caller.card(member.clone())["valid_date_information"],
                *validity
            );
            let changed = caller.patch(&at_the_card, member).ok();
            assert_eq!(changed["valid_date_information"], *validity);
        }
        for (validity, at) in &bad {
            let at = format!("/valid_date_information{at}");
            let member = json!({"valid_date_information": validity});
            let form = with(new_card(), member.clone());
            caller.post("cards", form).blames(&at);
            caller.patch(&at_the_card, member).blames(&at);
        }
    }
}

#[test]
fn notifications_go_to_https_or_to_this_machine() {
    let good = [
        "http://127.0.0.1:8080/notify",
        "http://localhost/notify",
        "http://[::1]:9/n",
        "https://shop.example.com/notify",
        "https://10.0.0.1:8443/notify",
    ];
    let bad = [
        "http://shop.example.com/notify",
        "http://10.0.0.1/notify",
        "ftp://shop.example.com/notify",
        "https://shop.example.com/notify?shop=1",
        "shop.example.com/notify",
        "通知",
    ];
    let running = Running::start();
    let strict = Running::switched("https_only");
    for caller in running.callers() {
        let at_the_card = format!("cards/{}", caller.card_id(json!({})));
        for url in good {
            assert_eq!(caller.card(json!({"notify_url": url}))["notify_url"], url);
            let changed = caller.patch(&at_the_card, json!({"notify_url": url})).ok();
            assert_eq!(changed["notify_url"], url);
        }
        for url in bad {
            let form = with(new_card(), json!({"notify_url": url}));
            caller.post("cards", form).blames("/notify_url");
            let answer = caller.patch(&at_the_card, json!({"notify_url": url}));
            answer.blames("/notify_url");
        }
    }
    for url in good {
        let form = with(new_card(), json!({"notify_url": url}));
        let answer = strict.partner().post("cards", form);
        match url.starts_with("https") {
            true => drop(answer.ok()),
            false => answer.blames("/notify_url"),
        }
    }
}

#[test]
fn a_request_number_is_made_of_few_characters() {
    let running = Running::start();
    let partner = running.partner();
    let longest = format!("AZaz09-_{}", "1".repeat(120));
    let card = partner.post("cards", set("/out_request_no", &*longest));
    assert_eq!(card.ok()["out_request_no"], longest);
    for bad in [&*(longest + "1"), "1004 1", "1004/1", "单号", "1004.1"] {
        let answer = partner.post("cards", set("/out_request_no", bad));
        answer.blames("/out_request_no");
    }
}
