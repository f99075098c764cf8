//! What the documentation's samples hold, in plaintext.

use kabao_core::{
    Sensitive,
    card_member::{Page, UserCard, UserCardKey},
    sensitive::Sealer as _,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::testing::{By, Reply, keys, signed};

pub(super) const CARD_ID: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";
pub(super) const OPENID: &str = "obLatjnx9gnqzS4myYGmLZ7LgLBA";
pub(super) const CODE: &str = "478515832665";
pub(super) const NUMBER: &str = "100002322019090134234sfdf";

pub(super) fn key() -> UserCardKey {
    UserCardKey::new(CODE, CARD_ID, OPENID)
}

pub(super) fn card() -> Value {
    json!({
        "out_request_no": NUMBER, "card_id": CARD_ID, "brand_id": "1004",
        "appid": "wxea9c30890f48d5ae", "card_type": "NORMAL", "card_title": "测试卡",
        "card_color": "#FFFF00", "card_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0",
        "code_mode": "SYSTEM_ALLOCATE", "code_type": "JUMP_MINI_PROGRAM",
        "code_jump_information": {"jump_appid": "wxea9c30a90fs8d3fe", "jump_path": "/pages/code/code"},
        "benefits": "会员折扣、专属价", "notify_url": "https://www.weixin.qq.com/wxpay/notify.php",
        "need_pinned": true, "need_display_level": true, "init_level": "白银会员",
        "valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 200},
        "user_information": {
            "common_field_list": ["USER_FORM_FLAG_SEX"],
            "custom_field_list": [
                {"type": "CHECK_BOX", "name": "喜欢的运动", "values": ["篮球", "足球"]},
            ],
        },
        "state": "CARD_EFFECTIVE", "create_time": "2025-08-01T10:00:00.000+08:00",
        "modify_time": "2025-08-01T10:00:00.000+08:00",
    })
}

pub(super) fn activity() -> Value {
    json!({
        "out_request_no": NUMBER, "brand_id": "1004", "card_id": CARD_ID,
        "activity_channel": "MECHANT_APP_COMPONENT", "title": "入会享券", "sub_title": "5张满减券",
        "begin_time": "2030-01-20T13:29:35.120+08:00", "end_time": "2030-01-29T13:29:35.120+08:00",
        "apply_total": 1000, "apply_available": 1000,
        "product_coupon_stock_list": [{"product_coupon_id": "701138812971", "stock_id": "98065001"}],
        "activity_id": "371067", "activity_state": "MEMBERSHIP_ACTIVITY_CREATED",
        "create_time": "2025-08-01T10:00:00.000+08:00",
        "modify_time": "2025-08-01T10:00:00.000+08:00",
    })
}

pub(super) fn user_card() -> Value {
    json!({
        "user_card_code": CODE, "card_id": CARD_ID, "openid": OPENID, "card_color": "#FFFF00",
        "brand_id": "1004", "card_type": "NORMAL", "phone_number": "13800138000",
        "level": "钻石会员",
        "valid_date_information": {
            "type": "FIX_TIME_RANGE",
            "available_begin_time": "2020-05-20T13:29:35.120+08:00",
            "available_end_time": "2030-05-20T13:29:35.120+08:00",
        },
        "pickup_time": "2020-05-20T13:29:35.120+08:00",
        "user_information": {
            "common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": "男"}],
            "custom_field_list": [{"name": "喜欢的运动", "user_chosen_values": ["足球"]}],
        },
        "attach": "自定义数据说明", "user_card_state": "EFFECTIVE", "points": 7,
    })
}

pub(super) fn token() -> Value {
    json!({"token": "d2df23f2f4fasf3gws", "expire_time": "2025-08-01T11:00:00.000+08:00"})
}

pub(super) fn page_of(row: Value) -> Value {
    json!({"data": [row], "total_count": 1, "offset": 0, "limit": 20})
}

/// The answer as it travels: signed, and its sensitive values sealed for the
/// caller.
pub(super) fn travelling(mut answer: Value) -> Reply {
    each_sensitive(&mut answer, &mut |value| {
        let sealed = keys().merchant.public_key().seal(&Sensitive::from(value));
        sealed.unwrap().as_str().to_owned()
    });
    signed(By::PublicKey, 200, &answer.to_string())
}

/// Turns every value that travels sealed, wherever it stands, into another text.
pub(super) fn each_sensitive(value: &mut Value, change: &mut impl FnMut(&str) -> String) {
    match value {
        Value::Array(elements) => {
            for element in elements {
                each_sensitive(element, change);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("phone_number" | "value", Value::String(text)) => *text = change(text),
                    ("user_chosen_values", Value::Array(chosen)) => {
                        for text in chosen {
                            *text = change(text.as_str().unwrap()).into();
                        }
                    }
                    (_, other) => each_sensitive(other, change),
                }
            }
        }
        _ => {}
    }
}

/// What an answer held, plaintext included.
pub(super) trait Shown {
    fn shown(&self) -> Value;
}

impl Shown for UserCard {
    fn shown(&self) -> Value {
        assert_eq!(self.unopened(), 0);
        as_json(&self.reveal())
    }
}

impl Shown for Page<UserCard> {
    fn shown(&self) -> Value {
        as_json(&self.clone().map(|card| card.reveal()))
    }
}

/// Of what has nothing sensitive.
macro_rules! shown {
    ($($output:ty),+ $(,)?) => {$(
        impl Shown for $output {
            fn shown(&self) -> Value {
                as_json(self)
            }
        }
    )+};
}

shown! {
    kabao_core::card_member::Card,
    Page<kabao_core::card_member::Card>,
    kabao_core::card_member::Activity,
    Page<kabao_core::card_member::Activity>,
    kabao_core::card_member::Token,
    kabao_core::card_member::PointBalance,
    kabao_core::card_member::PointExchange,
    kabao_core::card_member::UserFeed,
    kabao_core::card_member::Image,
}

fn as_json(output: &impl Serialize) -> Value {
    serde_json::to_value(output).unwrap()
}
