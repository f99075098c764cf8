//! Card templates and their pictures.

use kabao_core::card_member::{
    CardChange, CardState, CardUserInformation, CodeMode, CodeType, CommonFieldName, CreateCard,
    CustomFieldType, CustomQuestion, DeleteCard, GetCard, InvalidateCard, JumpInformation,
    ListCards, NewCard, UpdateCard, UploadImage, ValidDateInformation,
};

use super::{CARD_ID, Named, OUT_REQUEST_NO, named};

pub(crate) fn requests() -> Vec<Named> {
    let card_id = || CARD_ID.to_owned();
    let create = CreateCard { card: new_card() };
    let list = ListCards {
        state: Some(CardState::Effective),
        ..ListCards::new()
    };
    let change = CardChange::new()
        .card_title("测试卡")
        .need_pinned(false)
        .points_information(page("/pages/points/points"));
    let update = UpdateCard {
        card_id: card_id(),
        change,
    };
    vec![
        named("create_card", create),
        named("list_cards", list),
        named("get_card", GetCard { card_id: card_id() }),
        named("update_card", update),
        named("delete_card", DeleteCard { card_id: card_id() }),
        named("invalidate_card", InvalidateCard { card_id: card_id() }),
        named("upload_image", UploadImage::new("card.png", &b"card"[..])),
    ]
}

fn new_card() -> NewCard {
    NewCard::new(OUT_REQUEST_NO, "wxea9c30890f48d5ae", "测试卡")
        .card_color("#FFFF00")
        .card_picture_url("https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0")
        .code_mode(CodeMode::SystemAllocate)
        .code_type(CodeType::JumpMiniProgram)
        .code_jump_information(page("/pages/code/code"))
        .benefits("会员折扣、专属价")
        .notify_url("https://www.weixin.qq.com/wxpay/notify.php")
        .need_pinned(true)
        .need_display_level(true)
        .init_level("白银会员")
        .service_phone("010-8877xxxx")
        .legal_agreement("商家需在 48 小时内发货。")
        .valid_date_information(ValidDateInformation::days(200))
        .member_information(page("/pages/member/member"))
        .points_information(page("/pages/points/points"))
        .balance_information(page("/pages/balance/balance"))
        .user_information(form())
}

fn page(path: &str) -> JumpInformation {
    JumpInformation::new("wxea9c30a90fs8d3fe", path)
}

fn form() -> CardUserInformation {
    let question = CustomQuestion {
        kind: Some(CustomFieldType::CheckBox),
        name: Some("喜欢的运动".into()),
        values: Some(vec!["篮球".into(), "足球".into()]),
        extra: Default::default(),
    };
    CardUserInformation {
        common_field_list: Some(vec![CommonFieldName::Sex, CommonFieldName::Birthday]),
        custom_field_list: Some(vec![question]),
        extra: Default::default(),
    }
}
