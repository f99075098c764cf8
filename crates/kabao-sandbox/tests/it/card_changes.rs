//! Changing templates, and ending them.

use serde_json::{Value, json};

use crate::{
    caller::{Caller, text, with, without},
    cards::documented,
    support::{CARD_ID, CODE, OPENID, Running},
};

#[test]
fn a_change_replaces_what_is_there() {
    let running = Running::start();
    running.freeze("2025-08-01T10:00:00+08:00");
    for caller in running.callers() {
        let before = caller.card(without(documented(), "out_request_no"));
        let at_the_card = format!("cards/{}", text(&before["card_id"]));
        running.freeze("2025-08-02T10:00:00+08:00");
        let moved = json!({"modify_time": "2025-08-02T10:00:00.000+08:00"});
        let unchanged = with(before.clone(), moved);
        assert_eq!(caller.patch(&at_the_card, json!({})).ok(), unchanged);

        // An object replaces as a whole; null is absent; what is empty is gone;
        // what is fixed or unknown changes nothing.
        let points = json!({"jump_appid": "wx1"});
        let form = json!({"common_field_list": ["USER_FORM_FLAG_CITY"]});
        let change = json!({
            "card_title": "新名称",
            "card_color": null,
            "need_pinned": false,
            "service_phone": "",
            "legal_agreement": "",
            "points_information": points,
            "user_information": form,
            "balance_information": null,
            "code_mode": "MERCHANT_ALLOCATE",
            "code_type": "NONE_CODE",
            "card_type": "PURCHASE",
            "appid": "wx0000",
            "out_request_no": "another",
            "card_id": before["card_id"],
            "state": "CARD_INVALID",
            "create_time": "2000-01-01T00:00:00+08:00",
            "unknown": {"is": "ignored"},
        });
        let after = caller.patch(&at_the_card, change).ok();
        let changed = json!({
            "card_title": "新名称",
            "need_pinned": false,
            "points_information": points,
            "user_information": form,
        });
        let expected = without(with(unchanged, changed), "service_phone");
        assert_eq!(after, without(expected, "legal_agreement"));
        assert_eq!(caller.get(&at_the_card).ok(), after);
        running.freeze("2025-08-01T10:00:00+08:00");
    }
}

#[test]
fn a_change_is_as_well_formed_as_a_new_template() {
    let running = Running::start();
    let partner = running.partner();
    let sample = format!("cards/{CARD_ID}");
    let before = partner.get(&sample).ok();
    for (members, at) in [
        (json!({"card_title": ""}), "/card_title"),
        (json!({"card_title": "长".repeat(11)}), "/card_title"),
        (json!({"card_title": 5}), "/card_title"),
        (json!({"benefits": ""}), "/benefits"),
        (json!({"card_color": "yellow"}), "/card_color"),
        (json!({"card_picture_url": ""}), "/card_picture_url"),
        (json!({"notify_url": ""}), "/notify_url"),
        (json!({"init_level": "长".repeat(11)}), "/init_level"),
        (json!({"service_phone": 10}), "/service_phone"),
        (json!({"need_pinned": ""}), "/need_pinned"),
        (json!({"need_display_level": "true"}), "/need_display_level"),
        (json!({"points_information": ""}), "/points_information"),
        (json!({"member_information": []}), "/member_information"),
        (
            json!({"member_information": {"jump_appid": "a".repeat(33)}}),
            "/member_information/jump_appid",
        ),
        (
            json!({"user_information": {"common_field_list": ["SHOE_SIZE"]}}),
            "/user_information/common_field_list/0",
        ),
        (
            json!({"user_information": {"custom_field_list": [{}, {}]}}),
            "/user_information/custom_field_list",
        ),
    ] {
        partner.patch(&sample, members).blames(at);
    }
    let other_id = json!({"card_id": "p-other", "benefits": "x"});
    partner.patch(&sample, other_id).ok();
    partner
        .send("PATCH", &partner.target(&sample), "{}")
        .blames("/brand_id");
    for body in ["", "[]", "{"] {
        let answer = partner.send("PATCH", &partner.target(&sample), body);
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{body}");
    }
    let restored = json!({"benefits": before["benefits"]});
    let after = partner.patch(&sample, restored).ok();
    let moved = json!({"modify_time": after["modify_time"]});
    assert_eq!(after, with(before, moved));
}

#[test]
fn cards_that_users_hold_keep_their_validity() {
    let running = Running::start();
    let partner = running.partner();
    let card_id = partner.card_id(json!({
        "valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 30},
        "init_level": "白银",
    }));
    let join = |openid: &str| {
        let joined = running
            .play(openid, "join", json!({"card_id": card_id}))
            .ok();
        joined["user_card"].clone()
    };
    let before = join("o-1");
    partner
        .patch(
            &format!("cards/{card_id}"),
            json!({
                "valid_date_information": {"type": "PERMANENT"},
                "init_level": "黄金",
                "card_color": "#000000",
            }),
        )
        .ok();
    let after = join("o-2");
    let code = text(&before["user_card_code"]);
    let kept = partner
        .get(&format!("user-cards/{code}?card_id={card_id}&openid=o-1"))
        .ok();
    for (card, validity, level, color) in [
        (&kept, &before["valid_date_information"], "白银", "#FFFF00"),
        (&after, &json!({"type": "PERMANENT"}), "黄金", "#000000"),
    ] {
        assert_eq!(card["valid_date_information"], *validity);
        assert_eq!(card["level"], level);
        assert_eq!(card["card_color"], color);
    }
}

/// Both ways to end a template.
fn ends(caller: &Caller<'_>, card_id: &str) -> Vec<Value> {
    let at_the_card = format!("cards/{card_id}");
    let invalidate = format!("{at_the_card}/invalidate");
    match caller.is_partner() {
        true => vec![
            caller.post(&invalidate, json!({})).ok(),
            caller.delete(&at_the_card).ok(),
        ],
        // A brand sends no body at all, or an empty object.
        false => vec![
            caller.send("POST", &caller.target(&invalidate), "").ok(),
            caller.post(&invalidate, json!({})).ok(),
        ],
    }
}

#[test]
fn an_invalid_template_stays_so() {
    let running = Running::start();
    for caller in running.callers() {
        running.freeze("2025-08-01T10:00:00+08:00");
        let card = caller.card(json!({}));
        let card_id = text(&card["card_id"]);
        running.freeze("2025-08-02T10:00:00+08:00");
        let expected = with(
            card,
            json!({"state": "CARD_INVALID", "modify_time": "2025-08-02T10:00:00.000+08:00"}),
        );
        let first = ends(&caller, &card_id);
        running.freeze("2025-08-03T10:00:00+08:00");
        for answer in first.into_iter().chain(ends(&caller, &card_id)) {
            assert_eq!(answer, expected);
        }
        assert_eq!(caller.get(&format!("cards/{card_id}")).ok(), expected);
        for change in [json!({"card_title": "新"}), json!({})] {
            let answer = caller.patch(&format!("cards/{card_id}"), change);
            answer.is_refused(400, "INVALID_REQUEST");
        }
    }
    // The old address has no twin; a service provider names the brand.
    let [partner, brand] = running.callers();
    let card_id = partner.card_id(json!({}));
    let at_the_card = format!("cards/{card_id}");
    assert_eq!(brand.delete(&at_the_card).status, 405);
    let target = partner.target(&at_the_card);
    partner.send("DELETE", &target, "").blames("brand_id");
    let target = format!("{target}/invalidate");
    partner.send("POST", &target, "").blames("/brand_id");
    let state = partner.get(&at_the_card).ok()["state"].clone();
    assert_eq!(state, "CARD_EFFECTIVE");
}

#[test]
fn an_invalid_template_makes_no_more_members() {
    let running = Running::start();
    let partner = running.partner();
    let joined = |openid: &str| running.play(openid, "join", json!({"card_id": CARD_ID}));
    joined("o-before").ok();
    let token = json!({"card_id": CARD_ID, "openid": "o-1"});
    let given = partner.post("pre-auth-tokens", token.clone()).ok();
    let of_the_member = format!("cell=0&card_id={CARD_ID}&user_card_code={CODE}");
    let paid = |running: &Running| {
        let order = json!({"attach": of_the_member});
        running.play(OPENID, "pay", order).ok()["user_card"].clone()
    };
    let before = paid(&running);
    ends(&partner, CARD_ID);
    assert_eq!(paid(&running), before);

    let validity = json!({
        "type": "FIX_TIME_RANGE",
        "available_begin_time": "2020-05-20T13:29:35.120+08:00",
        "available_end_time": "2030-05-20T13:29:35.120+08:00",
    });
    let import = json!({
        "card_id": CARD_ID,
        "user_card_code": "1",
        "valid_date_information": validity,
    });
    // What has been imported is answered again.
    let member = with(
        import.clone(),
        json!({"openid": OPENID, "user_card_code": CODE}),
    );
    let stored = partner.post("user-cards/import-by-openid", member).ok();
    assert_eq!(stored["user_card_state"], "EFFECTIVE");
    let by_openid = with(import.clone(), json!({"openid": "o-1"}));
    let by_phone = with(import, json!({"phone_number": running.seal("13800138000")}));
    let activity = crate::activities::new_activity(CARD_ID);
    for (tail, body) in [
        ("pre-auth-tokens", token.clone()),
        ("open-user-card-tokens", token.clone()),
        ("pay-view-tokens", token),
        ("user-cards/import-by-openid", by_openid.clone()),
        ("user-cards/import-by-phone", by_phone),
        ("membership-activities", activity),
    ] {
        let answer = partner.post(tail, body);
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()), "{tail}");
    }
    let brand = running.own_brand();
    let answer = brand.post("user-cards/import-by-openid", by_openid);
    answer.is_refused(400, "INVALID_REQUEST");
    joined("o-1").is_refused(400, "INVALID_REQUEST");
    let with_token = json!({"card_id": CARD_ID, "token": given["token"]});
    let answer = running.play("o-1", "join", with_token);
    answer.is_refused(400, "INVALID_REQUEST");
    let attach = format!("cell=0&card_id={CARD_ID}&user_card_code=9");
    let answer = running.play("o-1", "pay", json!({"attach": attach}));
    answer.is_refused(400, "INVALID_REQUEST");

    // Who is a member stays one.
    let sample = crate::support::card_target();
    let card = running.merchant().get(&sample).ok();
    assert_eq!(card["user_card_state"], "EFFECTIVE");
    let list = partner
        .get("user-cards?openid=o-before&offset=0&limit=1")
        .ok();
    assert_eq!(list["data"][0]["user_card_state"], "UNACTIVATED");
}
