//! Users' cards, and the tokens that open components.

use kabao_core::{
    UserCardChange,
    card_member::{
        CommonFieldName, ConfirmState, ConfirmUserCard, CreatePayViewToken, CreatePreAuthToken,
        GetUserCard, ImportUserCardByOpenid, ImportUserCardByPhone, InvalidateUserCard,
        ListUserCards, UpdateUserCard, UserCardImport, UserCardState, UserInformation,
        ValidDateInformation,
    },
};

use super::{CARD_ID, CODE, Named, OPENID, key, named};

pub(crate) fn requests() -> Vec<Named> {
    let pre_auth = CreatePreAuthToken {
        card_id: CARD_ID.into(),
        openid: OPENID.into(),
    };
    let pay_view = CreatePayViewToken {
        card_id: CARD_ID.into(),
        openid: OPENID.into(),
    };
    let list = ListUserCards {
        user_card_state: Some(UserCardState::Effective),
        ..ListUserCards::of(OPENID)
    };
    let change = UserCardChange::new()
        .level("钻石会员")
        .attach("自定义数据说明");
    let update = UpdateUserCard {
        key: key(),
        change: change.clone().phone_number("13800138000"),
    };
    let confirm = ConfirmUserCard {
        key: key(),
        state: ConfirmState::Success,
        change,
    };
    let invalidate = InvalidateUserCard {
        key: key(),
        invalid_reason: Some("传入的自定义作废原因".into()),
    };
    vec![
        named("create_pre_auth_token", pre_auth),
        named("create_pay_view_token", pay_view),
        named("list_user_cards", list),
        named("get_user_card", GetUserCard { key: key() }),
        named("update_user_card", update),
        named("confirm_user_card", confirm),
        named("invalidate_user_card", invalidate),
        named("import_user_card_by_openid", by_openid()),
        named("import_user_card_by_phone", by_phone()),
    ]
}

fn by_openid() -> ImportUserCardByOpenid {
    let answers = UserInformation::new()
        .common(CommonFieldName::Sex, "男")
        .custom("喜欢的运动", ["足球"]);
    ImportUserCardByOpenid {
        openid: OPENID.into(),
        card: UserCardImport::new(CARD_ID, CODE, ValidDateInformation::days(200))
            .phone_number("13800138000")
            .level("白银会员")
            .user_information(answers)
            .pickup_time("2025-05-20T13:29:35.120+08:00"),
    }
}

fn by_phone() -> ImportUserCardByPhone {
    ImportUserCardByPhone {
        card: UserCardImport::new(CARD_ID, CODE, ValidDateInformation::permanent())
            .phone_number("13800138000")
            .pickup_time("2025-05-20T13:29:35.120+08:00"),
    }
}
