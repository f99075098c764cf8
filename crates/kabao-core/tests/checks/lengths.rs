//! How long texts may be.

use kabao_core::{
    UserCardChange, UserCardKey,
    card_member::*,
    operation::{Caller, Operation as _},
};

use crate::*;

#[test]
fn texts_may_be_so_long_and_no_longer() {
    type Case = (&'static str, usize, fn(String) -> Checked);
    let cases: &[Case] = &[
        // Templates.
        ("/appid", 32, |text| {
            create(NewCard {
                appid: text,
                ..card()
            })
        }),
        ("/out_request_no", 128, |text| {
            create(NewCard {
                out_request_no: text,
                ..card()
            })
        }),
        ("/card_title", 10, |text| create(titled(text))),
        ("/card_picture_url", 256, |text| {
            create(card().card_picture_url(text))
        }),
        ("/benefits", 32, |text| create(card().benefits(text))),
        ("/notify_url", 256, |text| create(card().notify_url(text))),
        ("/init_level", 10, |text| create(card().init_level(text))),
        ("/service_phone", 32, |text| {
            create(card().service_phone(text))
        }),
        ("/legal_agreement", 20_480, |text| {
            create(card().legal_agreement(text))
        }),
        ("/code_jump_information/jump_appid", 32, |text| {
            create(card().code_jump_information(JumpInformation::new(text, "p")))
        }),
        ("/member_information/jump_path", 128, |text| {
            create(card().member_information(JumpInformation::new("wx", text)))
        }),
        ("/points_information/jump_appid", 32, |text| {
            create(card().points_information(JumpInformation::new(text, "p")))
        }),
        ("/balance_information/jump_path", 128, |text| {
            create(card().balance_information(JumpInformation::new("wx", text)))
        }),
        ("/purchase_information/jump_appid", 32, |text| {
            create(card().purchase_information(purchase(&text, "p")))
        }),
        ("/purchase_information/jump_path", 128, |text| {
            create(card().purchase_information(purchase("wx", &text)))
        }),
        ("/user_information/custom_field_list/0/name", 32, |text| {
            create(card().user_information(question(&text, ["篮球"])))
        }),
        (
            "/user_information/custom_field_list/0/values/1",
            8,
            |text| create(card().user_information(question("喜欢的运动", ["篮球", &text]))),
        ),
        // Their changes.
        ("card_id", 32, |text| {
            let change = CardChange::new();
            UpdateCard {
                card_id: text,
                change,
            }
            .check()
        }),
        ("/card_title", 10, |text| {
            change(CardChange::new().card_title(text))
        }),
        ("/card_picture_url", 256, |text| {
            change(CardChange::new().card_picture_url(text))
        }),
        ("/benefits", 32, |text| {
            change(CardChange::new().benefits(text))
        }),
        ("/notify_url", 256, |text| {
            change(CardChange::new().notify_url(text))
        }),
        ("/init_level", 10, |text| {
            change(CardChange::new().init_level(text))
        }),
        ("/service_phone", 32, |text| {
            change(CardChange::new().service_phone(text))
        }),
        ("/legal_agreement", 20_480, |text| {
            change(CardChange::new().legal_agreement(text))
        }),
        ("/points_information/jump_path", 128, |text| {
            change(CardChange::new().points_information(JumpInformation::new("wx", text)))
        }),
        ("/purchase_information/jump_path", 128, |text| {
            change(CardChange::new().purchase_information(purchase("wx", &text)))
        }),
        ("/user_information/custom_field_list/0/name", 32, |text| {
            change(CardChange::new().user_information(question(&text, ["篮球"])))
        }),
        // By id.
        ("card_id", 32, |text| GetCard { card_id: text }.check()),
        ("card_id", 32, |text| {
            InvalidateCard { card_id: text }.check()
        }),
        ("card_id", 32, |text| DeleteCard { card_id: text }.check()),
        // Activities.
        ("/out_request_no", 128, |text| {
            start(|it| it.out_request_no = text)
        }),
        ("/card_id", 32, |text| start(|it| it.card_id = text)),
        ("/title", 128, |text| start(|it| it.title = text)),
        ("/sub_title", 128, |text| start(|it| it.sub_title = text)),
        ("/title", 128, |text| retitle(|it| it.title = text)),
        ("/sub_title", 128, |text| retitle(|it| it.sub_title = text)),
        // Tokens.
        ("/card_id", 32, |text| pre_auth(&text, OPENID)),
        ("/openid", 128, |text| pre_auth(CARD_ID, &text)),
        ("/card_id", 32, |text| pay_view(&text, OPENID)),
        ("/openid", 128, |text| pay_view(CARD_ID, &text)),
        // User cards: the key of every call that has one.
        ("user_card_code", 32, |text| {
            get(UserCardKey::new(text, CARD_ID, OPENID))
        }),
        ("card_id", 32, |text| {
            get(UserCardKey::new("1", text, OPENID))
        }),
        ("openid", 128, |text| {
            get(UserCardKey::new("1", CARD_ID, text))
        }),
        ("openid", 128, |text| ListUserCards::of(text).check()),
        // User cards: their changes.
        ("/card_picture_url", 256, |text| {
            update(UserCardChange::new().card_picture_url(text))
        }),
        ("/level", 10, |text| {
            update(UserCardChange::new().level(text))
        }),
        ("/attach", 256, |text| {
            update(UserCardChange::new().attach(text))
        }),
        ("/user_information/custom_field_list/0/name", 32, |text| {
            let form = UserInformation::new().custom(text, ["足球"]);
            update(UserCardChange::new().user_information(form))
        }),
        ("/level", 10, |text| {
            confirm(UserCardChange::new().level(text))
        }),
        ("/invalid_reason", 32, |text| invalidate(Some(text))),
        // Imports.
        ("/openid", 128, |openid| {
            let card = card_to_import();
            ImportUserCardByOpenid { openid, card }.check()
        }),
        ("/card_id", 32, |text| {
            let validity = ValidDateInformation::permanent();
            import(UserCardImport::new(text, "1", validity))
        }),
        ("/user_card_code", 32, |text| {
            let validity = ValidDateInformation::permanent();
            import(UserCardImport::new(CARD_ID, text, validity))
        }),
        ("/level", 10, |text| import(card_to_import().level(text))),
        ("/card_picture_url", 256, |text| {
            import(card_to_import().card_picture_url(text))
        }),
        // Points and feeds.
        ("/out_request_no", 128, sync),
        ("/record_id", 64, |text| answer(|it| it.record_id = text)),
        ("/exchange_coupon_template_id", 32, |text| {
            answer(|it| it.exchange_coupon_template_id = text)
        }),
        ("/reject_reason", 32, |text| {
            answer(|it| {
                it.result = ExchangeResult::Reject;
                it.reject_reason = Some(text);
            })
        }),
        ("/out_request_no", 64, |text| feed(text, "0".into())),
        ("/cell", 128, |text| feed("1".into(), text)),
        // Whoever calls for a brand.
        ("brand_id", 32, |text| {
            Caller::Partner { brand_id: text }.check()
        }),
    ];
    for (field, limit, check) in cases {
        assert_eq!(check("a".repeat(*limit)), Ok(()), "{field} of {limit}");
        let error = check("a".repeat(limit + 1)).expect_err(field);
        assert_eq!(error.field, *field);
        assert!(error.issue.contains(&limit.to_string()), "{error}");
    }
}

/// A Chinese character counts as one, whatever its bytes.
#[test]
fn lengths_are_those_of_characters() {
    assert_eq!(create(titled("卡".repeat(10))), Ok(()));
    assert_eq!(refused(create(titled("卡".repeat(11)))), "/card_title");
}
