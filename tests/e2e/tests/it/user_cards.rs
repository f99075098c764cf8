//! Typed calls and chains, for the service provider and the brand.

use kabao::{
    ErrorKind,
    card_member::{UserCardChange, UserCardState, UserInformation, ValidDateInformation},
};
use serde_json::{Value, json};

use crate::support::{CARD_PATH, World};

fn phone(card: &kabao::card_member::UserCard) -> Option<&str> {
    card.phone_number.as_ref().map(kabao::Sensitive::expose)
}

#[test]
fn a_service_provider_reads_and_changes_a_card() {
    let world = World::new();
    let members = world.merchant().card_member_for("1004");
    world.run(async {
        let card = members.user_cards().get(&world.key()).await.unwrap();
        assert_eq!(phone(&card), Some("13800138000"));
        assert_eq!(card.level.as_deref(), Some("钻石会员"));
        assert_eq!(card.user_card_state, UserCardState::Effective);
        assert_eq!(card.unopened(), 0);
        let revealed = serde_json::to_value(card.reveal()).unwrap();
        assert_eq!(
            revealed["user_information"]["custom_field_list"][0]["user_chosen_values"],
            json!(["足球"])
        );

        let change = UserCardChange::new()
            .level("黄金会员")
            .card_color("#00FF00")
            .phone_number("13900139000")
            .attach("新的")
            .valid_date_information(ValidDateInformation::permanent())
            .user_information(
                UserInformation::new()
                    .common("USER_FORM_FLAG_NAME", "张三·李四")
                    .custom("喜欢的运动", ["篮球", "足球"]),
            );
        let changed = members
            .user_cards()
            .update(&world.key(), change)
            .await
            .unwrap();
        assert_eq!(phone(&changed), Some("13900139000"));
        let read = members.user_cards().get(&world.key()).await.unwrap();
        let value =
            |card: &kabao::card_member::UserCard| serde_json::to_value(card.reveal()).unwrap();
        assert_eq!(value(&read), value(&changed));
        assert_eq!(
            value(&read)["user_information"]["common_field_list"][0]["value"],
            "张三·李四"
        );
        assert_eq!(
            value(&read)["valid_date_information"],
            json!({"type": "PERMANENT"})
        );
    });
}

#[test]
fn a_brand_reads_and_changes_its_own_card() {
    let world = World::new();
    let members = world.brand().card_member();
    world.run(async {
        let card = members.user_cards().get(&world.key()).await.unwrap();
        assert_eq!(phone(&card), Some("13800138000"));
        let change = UserCardChange::new()
            .level("品牌会员")
            .phone_number("13700137000");
        let changed = members
            .user_cards()
            .update(&world.key(), change)
            .await
            .unwrap();
        assert_eq!(
            (changed.level.as_deref(), phone(&changed)),
            (Some("品牌会员"), Some("13700137000"))
        );
    });
    for entry in world.journal() {
        assert!(
            entry["path"]
                .as_str()
                .unwrap()
                .starts_with("/brand/card-member/")
        );
        assert_eq!(
            entry["signed_with"],
            world.credentials.brand.wechatpay_public_key_id
        );
    }
}

#[test]
fn the_three_forms_of_a_call_are_one() {
    let world = World::new();
    let client = world.merchant();
    let query = world.query();
    world.run(async {
        let declared = client
            .chain(CARD_PATH)
            .param("user_card_code", "478515832665")
            .query(&query)
            .get()
            .await
            .unwrap();
        let indexed = client[CARD_PATH]
            .param("user_card_code", "478515832665")
            .query(&query)
            .get()
            .await
            .unwrap();
        let chained = kabao::chain!(
            client,
            v3.brand.partner.cardMember.userCards._user_card_code_
        )
        .param("user_card_code", "478515832665")
        .query(&query)
        .get()
        .await
        .unwrap();
        for answer in [declared, indexed, chained] {
            assert_eq!(answer.status(), 200);
            assert!(answer.request_id().is_some());
            assert_eq!(answer.json::<Value>().unwrap()["level"], "钻石会员");
        }
    });
    let journal = world.journal();
    assert_eq!(journal.len(), 3);
    assert!(
        journal
            .iter()
            .all(|entry| entry["path"] == journal[0]["path"]
                && entry["query"] == journal[0]["query"])
    );
}

#[test]
fn refusals_are_errors_with_everything_that_the_answer_says() {
    let world = World::new();
    let members = world.merchant().card_member_for("1004");
    world.run(async {
        let mut key = world.key();
        key.user_card_code = "000000000000".into();
        let error = members.user_cards().get(&key).await.unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
        assert_eq!(error.code(), Some("RESOURCE_NOT_EXISTS"));
        assert!(error.request_id().is_some() && error.message().is_some());
        assert!(!error.may_have_taken_effect() && !error.is_retryable());

        // Checked before anything is sent …
        let before = world.journal().len();
        let change = || UserCardChange::new().level("超过十个字符的会员等级名称");
        let error = members
            .user_cards()
            .update(&world.key(), change())
            .await
            .unwrap_err();
        assert!(error.to_string().contains("/level"), "{error}");
        assert_eq!(world.journal().len(), before);
        // … unless that is skipped.
        let error = members
            .user_cards()
            .unchecked()
            .update(&world.key(), change())
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some("PARAM_ERROR"));
        assert_eq!(error.detail().unwrap()["field"], "/level");

        let error = world
            .merchant()
            .card_member_for("9999")
            .user_cards()
            .get(&world.key())
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some("NO_AUTH"));
        let error = world
            .merchant()
            .chain("v3/nowhere")
            .get()
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Refused, Some("NOT_FOUND"))
        );
    });
}
