use kabao_core::{call::Method, card_member::*};
use serde_json::json;

use super::{
    super::samples::{CARD_ID, NUMBER, card, page_of},
    Row, row,
};

fn new_card() -> NewCard {
    NewCard::new(NUMBER, "wxea9c30890f48d5ae", "测试卡")
        .card_color("#FFFF00")
        .card_picture_url("https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0")
        .code_type(CodeType::JumpMiniProgram)
        .code_jump_information(JumpInformation::new(
            "wxea9c30a90fs8d3fe",
            "/pages/code/code",
        ))
        .benefits("会员折扣、专属价")
        .notify_url("https://www.weixin.qq.com/wxpay/notify.php")
        .need_display_level(true)
        .init_level("白银会员")
        .valid_date_information(ValidDateInformation::days(200))
        .user_information(
            CardUserInformation::new()
                .common(CommonFieldName::Sex)
                .custom(CustomFieldType::CheckBox, "喜欢的运动", ["篮球", "足球"]),
        )
}

fn change() -> CardChange {
    CardChange::new()
        .card_title("测试卡")
        .need_pinned(false)
        .points_information(JumpInformation::new(
            "wxea9c30a90fs8d3fe",
            "/pages/points/points",
        ))
}

fn in_force() -> ListCards {
    ListCards::new()
        .state(CardState::Effective)
        .offset(20)
        .limit(10)
}

#[expect(deprecated, reason = "it is there as long as it is")]
pub(super) fn rows() -> Vec<Row> {
    vec![
        row! {
            create_card, has_twin: true,
            operation: CreateCard { card: new_card() },
            method: |members| members.cards().create(new_card()),
            chained: |hand| {
                let body = json!({
                    "out_request_no": NUMBER, "appid": "wxea9c30890f48d5ae",
                    "card_type": "NORMAL", "card_title": "测试卡", "card_color": "#FFFF00",
                    "card_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0",
                    "code_mode": "SYSTEM_ALLOCATE", "code_type": "JUMP_MINI_PROGRAM",
                    "code_jump_information": {
                        "jump_appid": "wxea9c30a90fs8d3fe", "jump_path": "/pages/code/code",
                    },
                    "benefits": "会员折扣、专属价",
                    "notify_url": "https://www.weixin.qq.com/wxpay/notify.php",
                    "need_display_level": true, "init_level": "白银会员",
                    "valid_date_information": {
                        "type": "FIX_TERM", "available_day_after_receive": 200,
                    },
                    "user_information": {
                        "common_field_list": ["USER_FORM_FLAG_SEX"],
                        "custom_field_list": [
                            {"type": "CHECK_BOX", "name": "喜欢的运动", "values": ["篮球", "足球"]},
                        ],
                    },
                });
                let chain = hand.chain("cards").json(hand.body(body));
                chain.repeatable(true).call(Method::Post)
            },
            answer: card(),
        },
        row! {
            list_cards, has_twin: true,
            operation: in_force(),
            method: |members| members.cards().list(&in_force()),
            chained: |hand| {
                let query = [("state", "CARD_EFFECTIVE"), ("offset", "20"), ("limit", "10")];
                hand.chain("cards").query(hand.brand()).query(query).call(Method::Get)
            },
            answer: page_of(card()),
        },
        row! {
            get_card, has_twin: true,
            operation: GetCard { card_id: CARD_ID.into() },
            method: |members| members.cards().get(CARD_ID),
            chained: |hand| {
                let chain = hand.chain("cards/{card_id}").param("card_id", CARD_ID);
                chain.query(hand.brand()).call(Method::Get)
            },
            answer: card(),
        },
        row! {
            update_card, has_twin: true,
            operation: UpdateCard { card_id: CARD_ID.into(), change: change() },
            method: |members| members.cards().update(CARD_ID, change()),
            chained: |hand| {
                let body = json!({
                    "card_title": "测试卡", "need_pinned": false,
                    "points_information": {
                        "jump_appid": "wxea9c30a90fs8d3fe", "jump_path": "/pages/points/points",
                    },
                });
                let chain = hand.chain("cards/{card_id}").param("card_id", CARD_ID);
                chain.json(hand.body(body)).repeatable(true).call(Method::Patch)
            },
            answer: card(),
        },
        row! {
            delete_card, has_twin: false,
            operation: DeleteCard { card_id: CARD_ID.into() },
            method: |members| members.cards().delete(CARD_ID),
            chained: |hand| {
                let chain = hand.chain("cards/{card_id}").param("card_id", CARD_ID);
                chain.query(hand.brand()).call(Method::Delete)
            },
            answer: card(),
        },
        row! {
            invalidate_card, has_twin: true,
            operation: InvalidateCard { card_id: CARD_ID.into() },
            method: |members| members.cards().invalidate(CARD_ID),
            chained: |hand| {
                let chain = hand.chain("cards/{card_id}/invalidate").param("card_id", CARD_ID);
                // A brand sends no body at all.
                let chain = match hand.is_brand {
                    true => chain,
                    false => chain.json(json!({"brand_id": "1004"})),
                };
                chain.repeatable(true).call(Method::Post)
            },
            answer: card(),
        },
    ]
}
