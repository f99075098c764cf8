//! What has to be there, and what has to be there together.

use kabao_core::{
    UserCardChange, UserCardKey,
    card_member::*,
    operation::{Caller, Operation as _},
};

use crate::*;

#[test]
fn what_is_required_is_missed() {
    let cases: &[Case] = &[
        ("/out_request_no", || {
            create(NewCard {
                out_request_no: String::new(),
                ..card()
            })
        }),
        ("/appid", || {
            create(NewCard {
                appid: String::new(),
                ..card()
            })
        }),
        ("/card_title", || create(titled(""))),
        ("/card_color", || create(card().card_color(""))),
        ("/card_picture_url", || create(card().card_picture_url(""))),
        ("/benefits", || create(card().benefits(""))),
        ("/notify_url", || create(card().notify_url(""))),
        ("card_id", || {
            GetCard {
                card_id: String::new(),
            }
            .check()
        }),
        ("/card_id", || start(|it| it.card_id.clear())),
        ("/title", || start(|it| it.title.clear())),
        ("/sub_title", || retitle(|it| it.sub_title.clear())),
        ("/product_coupon_stock_list", || {
            start(|it| it.product_coupon_stock_list.clear())
        }),
        ("/product_coupon_stock_list/0/stock_id", || {
            start(|it| it.product_coupon_stock_list[0].stock_id.clear())
        }),
        ("/product_coupon_stock_list/0/product_coupon_id", || {
            start(|it| it.product_coupon_stock_list[0].product_coupon_id.clear())
        }),
        ("/openid", || pre_auth(CARD_ID, "")),
        ("/card_id", || pay_view("", OPENID)),
        ("user_card_code", || {
            get(UserCardKey::new("", CARD_ID, OPENID))
        }),
        ("card_id", || get(UserCardKey::new("1", "", OPENID))),
        ("openid", || get(UserCardKey::new("1", CARD_ID, ""))),
        ("openid", || ListUserCards::of("").check()),
        ("/phone_number", || {
            ImportUserCardByPhone {
                card: card_to_import(),
            }
            .check()
        }),
        ("/pickup_time", || {
            let validity = ValidDateInformation::days(200);
            import(UserCardImport::new(CARD_ID, "1", validity))
        }),
        ("/record_id", || answer(|it| it.record_id.clear())),
        ("/reject_reason", || {
            answer(|it| it.result = ExchangeResult::Reject)
        }),
        ("/reject_reason", || {
            answer(|it| {
                it.result = ExchangeResult::Reject;
                it.reject_reason = Some(String::new());
            })
        }),
        ("/cell", || feed("1".into(), String::new())),
        ("/file", || UploadImage::new("card.png", Vec::new()).check()),
        ("brand_id", || {
            Caller::Partner {
                brand_id: String::new(),
            }
            .check()
        }),
    ];
    for (field, check) in cases {
        assert_eq!(refused(check()), *field);
    }
}

#[test]
fn members_that_need_each_other() {
    let jumps = || card().code_type(CodeType::JumpMiniProgram);
    let page = |appid, path| jumps().code_jump_information(JumpInformation::new(appid, path));
    assert_eq!(
        refused(create(jumps())),
        "/code_jump_information/jump_appid"
    );
    let checked = create(page("", "/pages/code"));
    assert_eq!(refused(checked), "/code_jump_information/jump_appid");
    let checked = create(page("wxea9c30a90fs8d3fe", ""));
    assert_eq!(refused(checked), "/code_jump_information/jump_path");
    assert_eq!(create(page("wxea9c30a90fs8d3fe", "/pages/code")), Ok(()));

    let levelled = || card().need_display_level(true);
    assert_eq!(refused(create(levelled())), "/init_level");
    assert_eq!(refused(create(levelled().init_level(""))), "/init_level");
    assert_eq!(create(levelled().init_level("白银会员")), Ok(()));
    // The stored template may have one.
    assert_eq!(change(CardChange::new().need_display_level(true)), Ok(()));

    let term = UserCardImport::new(CARD_ID, "1", ValidDateInformation::days(200));
    let picked_up = term.pickup_time("2025-05-20T13:29:35.120+08:00");
    assert_eq!(import(picked_up), Ok(()));
}

/// Each call with a key looks at it.
#[test]
fn every_key_is_looked_at() {
    let bad = || UserCardKey::new("1", CARD_ID, "");
    let out_request_no = String::from("1");
    for checked in [
        get(bad()),
        UpdateUserCard {
            key: bad(),
            change: UserCardChange::new(),
        }
        .check(),
        ConfirmUserCard {
            key: bad(),
            state: ConfirmState::Success,
            change: UserCardChange::new(),
        }
        .check(),
        InvalidateUserCard {
            key: bad(),
            invalid_reason: None,
        }
        .check(),
        answer(|it| it.key = bad()),
        SyncUserPoints {
            key: bad(),
            out_request_no: out_request_no.clone(),
            point_balance: 0,
        }
        .check(),
        CreateUserFeed {
            key: bad(),
            out_request_no,
            cell: "0".into(),
        }
        .check(),
    ] {
        assert_eq!(refused(checked), "openid");
    }
}
