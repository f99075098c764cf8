//! What a new sandbox holds: one brand, served by one merchant, with one card
//! template and one member.

use jiff::Timestamp;
use kabao_core::extra::Extra;
use kabao_core::{
    Sensitive,
    card_member::{
        Card, CardState, CardType, CardUserInformation, CodeMode, CodeType, CommonFieldName,
        CustomFieldType, CustomQuestion, UserInformation, ValidDateInformation,
    },
    time::Time,
};

use crate::{
    domain::{CardTemplate, StoredState, UserCard, UserCardId},
    store::Contents,
};

/// The merchant, a service provider.
pub const MCHID: &str = "1900000001";
/// The brand it serves.
pub const BRAND_ID: &str = "1004";
/// The brand's template, made by the service provider.
pub const CARD_ID: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";
/// The member.
pub const OPENID: &str = "obLatjnx9gnqzS4myYGmLZ7LgLBA";
/// The member's card.
pub const USER_CARD_CODE: &str = "478515832665";

const APPID: &str = "wxea9c30890f48d5ae";
const COLOR: &str = "#FFFF00";
const PICTURE: &str = "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0";
const SPORT: &str = "喜欢的运动";
const BEGIN: &str = "2020-05-20T13:29:35.120+08:00";
const END: &str = "2030-05-20T13:29:35.120+08:00";
/// 2025-08-01T10:00:00.000+08:00, when template and card came to be.
const MADE_AT: Timestamp = Timestamp::constant(1_754_013_600, 0);

/// The sample data.
#[must_use]
pub fn contents() -> Contents {
    Contents {
        grants: vec![(MCHID.into(), BRAND_ID.into())],
        card_templates: vec![CardTemplate {
            card: card(),
            created_by_mchid: Some(MCHID.into()),
        }],
        user_cards: vec![user_card()],
        ..Contents::default()
    }
}

fn card() -> Card {
    Card {
        out_request_no: Some("100002322019090134234sfdf".into()),
        card_id: CARD_ID.into(),
        brand_id: BRAND_ID.into(),
        appid: APPID.into(),
        card_type: CardType::Normal,
        card_title: "测试卡".into(),
        card_color: COLOR.into(),
        card_picture_url: PICTURE.into(),
        code_mode: CodeMode::SystemAllocate,
        code_type: CodeType::BarCodeAndQrCode,
        code_jump_information: None,
        benefits: "会员折扣、专属价".into(),
        notify_url: "https://www.weixin.qq.com/wxpay/notify.php".into(),
        need_pinned: Some(true),
        need_display_level: Some(true),
        init_level: Some("白银会员".into()),
        service_phone: None,
        legal_agreement: None,
        valid_date_information: ValidDateInformation::range(BEGIN, END),
        member_information: None,
        points_information: None,
        balance_information: None,
        purchase_information: None,
        user_information: Some(CardUserInformation {
            common_field_list: Some(vec![CommonFieldName::Sex]),
            custom_field_list: Some(vec![CustomQuestion {
                kind: Some(CustomFieldType::CheckBox),
                name: Some(SPORT.into()),
                values: Some(vec!["篮球".into(), "足球".into()]),
                extra: Extra::default(),
            }]),
            extra: Extra::default(),
        }),
        state: Some(CardState::Effective),
        create_time: Some(Time::at(MADE_AT)),
        modify_time: Some(Time::at(MADE_AT)),
        extra: Extra::default(),
    }
}

fn user_card() -> UserCard {
    UserCard {
        id: UserCardId {
            brand_id: BRAND_ID.into(),
            card_id: CARD_ID.into(),
            user_card_code: USER_CARD_CODE.into(),
        },
        openid: OPENID.into(),
        card_type: CardType::Normal,
        card_color: Some(COLOR.into()),
        card_picture_url: Some(PICTURE.into()),
        phone_number: Some(Sensitive::from("13800138000")),
        level: Some("钻石会员".into()),
        valid_date_information: ValidDateInformation::range(BEGIN, END),
        pickup_time: BEGIN.into(),
        user_information: Some(
            UserInformation::new()
                .common("USER_FORM_FLAG_SEX", "男")
                .custom(SPORT, ["足球"]),
        ),
        attach: Some("自定义数据说明".into()),
        state: StoredState::Effective,
        invalid_reason: None,
        invalid_time: None,
        create_time: MADE_AT,
        modify_time: MADE_AT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_as_the_pages_print_it() {
        let wire = user_card().into_wire(MADE_AT);
        let made = Time::from("2025-08-01T10:00:00.000+08:00");
        assert_eq!(wire.create_time, Some(made.clone()));
        assert_eq!(wire.modify_time, Some(made));
        assert_eq!(wire.user_card_state.as_str(), "EFFECTIVE");
        let shown = serde_json::to_value(wire.reveal()).expect("JSON");
        assert_eq!(
            shown["user_information"]["custom_field_list"][0]["user_chosen_values"][0],
            "足球"
        );
        assert_eq!(shown["valid_date_information"]["type"], "FIX_TIME_RANGE");
        assert!(
            card()
                .valid_date_information
                .check("/valid_date_information")
                .is_ok()
        );
    }
}
