use kabao_core::{call::Method, card_member::*};
use serde_json::{Value, json};

use super::{
    super::samples::{CARD_ID, CODE, OPENID, key, page_of, user_card},
    Row, row,
};

fn form() -> UserInformation {
    UserInformation::new()
        .common(CommonFieldName::Sex, "男")
        .custom("喜欢的运动", ["足球"])
}

fn form_by_hand() -> Value {
    json!({
        "common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": "男"}],
        "custom_field_list": [{"name": "喜欢的运动", "user_chosen_values": ["足球"]}],
    })
}

fn change() -> UserCardChange {
    UserCardChange::new()
        .phone_number("13800138000")
        .level("钻石会员")
        .user_information(form())
        .attach("自定义数据说明")
}

fn import() -> UserCardImport {
    UserCardImport::new(CARD_ID, CODE, ValidDateInformation::days(200))
        .phone_number("13800138000")
        .level("白银会员")
        .user_information(form())
        .pickup_time("2025-05-20T13:29:35.120+08:00")
}

fn import_by_hand(openid: Option<&str>) -> Value {
    let mut body = json!({
        "openid": openid, "card_id": CARD_ID, "user_card_code": CODE,
        "phone_number": "13800138000", "level": "白银会员", "user_information": form_by_hand(),
        "valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 200},
        "pickup_time": "2025-05-20T13:29:35.120+08:00",
    });
    if let (None, Some(members)) = (openid, body.as_object_mut()) {
        members.shift_remove("openid");
    }
    body
}

fn serving() -> ListUserCards {
    ListUserCards::of(OPENID).user_card_state(UserCardState::Effective)
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        row! {
            list_user_cards, has_twin: true,
            operation: serving(),
            method: |members| members.user_cards().list(&serving()),
            chained: |hand| {
                let query = [
                    ("openid", OPENID),
                    ("user_card_state", "EFFECTIVE"),
                    ("offset", "0"),
                    ("limit", "20"),
                ];
                hand.chain("user-cards").query(hand.brand()).query(query).call(Method::Get)
            },
            answer: page_of(user_card()),
        },
        row! {
            get_user_card, has_twin: true,
            operation: GetUserCard { key: key() },
            method: |members| members.user_cards().get(&key()),
            chained: |hand| {
                let chain = hand.chain("user-cards/{user_card_code}");
                let chain = chain.param("user_card_code", CODE).query(hand.brand());
                chain.query([("card_id", CARD_ID), ("openid", OPENID)]).call(Method::Get)
            },
            answer: user_card(),
        },
        row! {
            update_user_card, has_twin: true,
            operation: UpdateUserCard { key: key(), change: change() },
            method: |members| members.user_cards().update(&key(), change()),
            chained: |hand| {
                let chain = hand.chain("user-cards/{user_card_code}");
                let chain = chain.param("user_card_code", CODE).repeatable(true);
                // The template goes into a service provider's query and into a
                // brand's body.
                let chain = match hand.is_brand {
                    true => chain.json(json!({
                        "card_id": CARD_ID, "openid": OPENID, "phone_number": "13800138000",
                        "level": "钻石会员", "user_information": form_by_hand(),
                        "attach": "自定义数据说明",
                    })),
                    false => chain.query([("card_id", CARD_ID)]).json(json!({
                        "brand_id": "1004", "openid": OPENID, "phone_number": "13800138000",
                        "level": "钻石会员", "user_information": form_by_hand(),
                        "attach": "自定义数据说明",
                    })),
                };
                chain.call(Method::Patch)
            },
            answer: user_card(),
        },
        row! {
            import_user_card_by_openid, has_twin: true,
            operation: ImportUserCardByOpenid { openid: OPENID.into(), card: import() },
            method: |members| members.user_cards().import_by_openid(OPENID, import()),
            chained: |hand| {
                let body = hand.body(import_by_hand(Some(OPENID)));
                let chain = hand.chain("user-cards/import-by-openid").json(body);
                chain.repeatable(true).call(Method::Post)
            },
            answer: user_card(),
        },
        row! {
            import_user_card_by_phone, has_twin: false,
            operation: ImportUserCardByPhone { card: import() },
            method: |members| members.user_cards().import_by_phone(import()),
            chained: |hand| {
                let body = hand.body(import_by_hand(None));
                let chain = hand.chain("user-cards/import-by-phone").json(body);
                chain.repeatable(true).call(Method::Post)
            },
            answer: user_card(),
        },
        row! {
            confirm_user_card, has_twin: true,
            operation: ConfirmUserCard {
                key: key(),
                state: ConfirmState::Success,
                change: change(),
            },
            method: |members| members
                .user_cards()
                .confirm(&key(), ConfirmState::Success, change()),
            chained: |hand| {
                let body = json!({
                    "card_id": CARD_ID, "openid": OPENID, "phone_number": "13800138000",
                    "level": "钻石会员", "user_information": form_by_hand(),
                    "attach": "自定义数据说明", "user_card_confirm_state": "CREATE_CARD_SUCCESS",
                });
                let chain = hand.chain("user-cards/{user_card_code}/confirm");
                let chain = chain.param("user_card_code", CODE).json(hand.body(body));
                chain.repeatable(true).call(Method::Post)
            },
            answer: user_card(),
        },
        row! {
            invalidate_user_card, has_twin: true,
            operation: InvalidateUserCard {
                key: key(),
                invalid_reason: Some("用户注销".into()),
            },
            method: |members| members.user_cards().invalidate(&key(), Some("用户注销")),
            chained: |hand| {
                let chain = hand.chain("user-cards/{user_card_code}/invalidate");
                let chain = chain.param("user_card_code", CODE).repeatable(true);
                let chain = match hand.is_brand {
                    true => chain.json(json!({
                        "card_id": CARD_ID, "openid": OPENID, "invalid_reason": "用户注销",
                    })),
                    false => chain
                        .query([("brand_id", "1004"), ("card_id", CARD_ID)])
                        .json(json!({"openid": OPENID, "invalid_reason": "用户注销"})),
                };
                chain.call(Method::Post)
            },
            answer: user_card(),
        },
    ]
}
