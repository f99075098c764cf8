//! Older pages print some answers differently; both are read.

use std::collections::BTreeSet;

use kabao_core::{
    Sealed, UserCard,
    card_member::{
        Card, CardState, ExchangeState, Page, PointExchange, UserCardImport, UserFeed,
        ValidDateInformation,
    },
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{members::Members, sample::Sample};

/// The documented answer, as `change` makes it.
fn answer(operation: &str, change: impl FnOnce(&mut serde_json::Map<String, Value>)) -> Value {
    let mut answer = Sample::of(operation).answer;
    change(answer.as_object_mut().expect("members"));
    answer
}

fn read<T: DeserializeOwned>(answer: &Value) -> T {
    serde_json::from_value(answer.clone()).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// Takes members away.
fn without<const N: usize>(names: [&str; N]) -> impl FnOnce(&mut serde_json::Map<String, Value>) {
    move |members| {
        for name in names {
            members.remove(name).expect("it was there");
        }
    }
}

#[test]
fn a_template_may_call_its_last_change_update_time() {
    let time = "2025-08-02T09:30:00.000+08:00";
    let older = answer("get_card", |members| {
        members.remove("modify_time");
        members.insert("update_time".into(), json!(time));
    });
    let card: Card = read(&older);
    assert!(Members::of(&card).all_known(), "{card:?}");
    assert_eq!(card.modify_time, Some(time.into()));

    // Some send both names.
    let both = answer("get_card", |members| {
        members.insert("update_time".into(), json!(time));
    });
    let card: Card = read(&both);
    assert_eq!(
        card.modify_time,
        Some("2025-08-01T10:00:00.000+08:00".into())
    );
    assert_eq!(serde_json::to_value(&card).expect("JSON"), both);
}

#[test]
fn a_template_may_leave_out_what_came_later() {
    let bare = answer(
        "create_card",
        without([
            "out_request_no",
            "member_information",
            "state",
            "create_time",
            "modify_time",
        ]),
    );
    let card: Card = read(&bare);
    assert_eq!((&card.state, &card.modify_time), (&None, &None));
    assert_eq!(serde_json::to_value(&card).expect("JSON"), bare);

    let optional = [
        "code_jump_information",
        "need_pinned",
        "need_display_level",
        "init_level",
        "service_phone",
        "legal_agreement",
        "points_information",
        "balance_information",
        "user_information",
    ];
    let bare = answer("invalidate_card", without(optional));
    let card: Card = read(&bare);
    assert_eq!(card.state, Some(CardState::Invalid));
    assert!(card.member_information.is_some());
    assert_eq!(serde_json::to_value(&card).expect("JSON"), bare);
}

#[test]
fn an_empty_page_may_have_no_rows_member() {
    for rows in [None, Some(json!([])), Some(json!(null))] {
        let older = answer("list_cards", |members| match rows {
            None => drop(members.remove("data")),
            Some(rows) => drop(members.insert("data".into(), rows)),
        });
        let page: Page<Card> = read(&older);
        assert!(page.data.is_empty());
        assert_eq!((page.total_count, page.offset, page.limit), (1, 0, 20));
    }
}

#[test]
fn a_card_may_say_no_more_than_it_must() {
    let bare = answer("get_user_card", without(["create_time", "modify_time"]));
    let card: UserCard<Sealed> = read(&bare);
    assert_eq!(serde_json::to_value(&card).expect("JSON"), bare);

    let optional = [
        "card_color",
        "card_picture_url",
        "phone_number",
        "level",
        "user_information",
        "attach",
        "create_time",
        "modify_time",
    ];
    let least = answer("get_user_card", without(optional));
    let card: UserCard<Sealed> = read(&least);
    let unset: BTreeSet<String> = Members::of(&card).unset.into_iter().collect();
    let never_there = [
        "available_day_after_receive",
        "invalid_reason",
        "invalid_time",
    ];
    let absent = optional.iter().chain(&never_there);
    assert_eq!(unset, absent.map(ToString::to_string).collect());
    assert_eq!(serde_json::to_value(&card).expect("JSON"), least);
    for name in least.as_object().expect("members").keys() {
        let mut less = least.clone();
        less.as_object_mut().expect("members").remove(name);
        let error = serde_json::from_value::<UserCard<Sealed>>(less).expect_err(name);
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn a_validity_may_carry_members_that_its_type_does_not_need() {
    let all_four = json!({
        "type": "PERMANENT",
        "available_begin_time": "2020-05-20T13:29:35.120+08:00",
        "available_end_time": "2030-05-20T13:29:35.120+08:00",
        "available_day_after_receive": 200,
    });
    let validity: ValidDateInformation = read(&all_four);
    assert!(validity.check("").is_ok());
    assert_eq!(serde_json::to_value(&validity).expect("JSON"), all_four);
}

#[test]
fn a_feed_may_call_its_content_cell_message_and_name_the_user() {
    let older = answer("create_user_feed", |members| {
        let cell = members.remove("cell").expect("it was there");
        members.insert("cell_message".into(), cell);
        members.insert("openid".into(), json!("obLatj"));
    });
    let feed: UserFeed = read(&older);
    assert!(Members::of(&feed).all_known(), "{feed:?}");
    assert_eq!(
        (&*feed.cell, feed.openid.as_deref()),
        ("15_1200_1", Some("obLatj"))
    );

    // Some send both names.
    let both = answer("create_user_feed", |members| {
        members.insert("cell_message".into(), json!("15_1200_1"));
    });
    let feed: UserFeed = read(&both);
    assert_eq!(serde_json::to_value(&feed).expect("JSON"), both);

    let neither = answer("create_user_feed", without(["cell"]));
    let error = serde_json::from_value::<UserFeed>(neither).expect_err("no content");
    assert!(
        error.to_string().contains("missing field `cell`"),
        "{error}"
    );
}

#[test]
fn an_exchange_may_say_why_it_failed() {
    let older = answer("confirm_point_exchange_coupon", |members| {
        for name in [
            "product_coupon_id",
            "product_coupon_stock_type",
            "stock_id",
            "coupon_code",
        ] {
            members.remove(name);
        }
        members.insert("state".into(), json!("POINT_EXCHANGE_COUPON_FAIL"));
        members.insert("fail_reason".into(), json!("积分不足"));
    });
    let exchange: PointExchange = read(&older);
    assert!(Members::of(&exchange).all_known(), "{exchange:?}");
    assert_eq!(exchange.state, ExchangeState::Fail);
    assert_eq!(serde_json::to_value(&exchange).expect("JSON"), older);
}

#[test]
fn a_file_of_imports_may_call_the_validity_date_information() {
    let mut body = Sample::of("import_user_card_by_openid")
        .body
        .expect("a body");
    let members = body.as_object_mut().expect("members");
    let validity = members
        .remove("valid_date_information")
        .expect("it was there");
    members.insert("date_information".into(), validity);
    let import: UserCardImport<Sealed> = read(&body);
    assert_eq!(
        import.valid_date_information,
        ValidDateInformation::days(200)
    );
}
