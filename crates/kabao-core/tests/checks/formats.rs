//! Forms and names that are taken.

use kabao_core::{UserCardChange, UserCardKey, card_member::*, operation::Operation as _};

use crate::*;

#[test]
fn formats() {
    let cases: &[Case] = &[
        ("/card_color", || create(card().card_color("FFFF00"))),
        ("/card_color", || create(card().card_color("#FFFF0"))),
        ("/card_color", || {
            change(CardChange::new().card_color("#GGGGGG"))
        }),
        ("/card_color", || {
            update(UserCardChange::new().card_color("yellow"))
        }),
        ("/card_color", || {
            import(card_to_import().card_color("#FFFF0000"))
        }),
        ("/out_request_no", || {
            create(NewCard {
                out_request_no: "会员1".into(),
                ..card()
            })
        }),
        ("/out_request_no", || sync("1 2".into())),
        ("/out_request_no", || feed("1/2".into(), "0".into())),
        ("user_card_code", || {
            get(UserCardKey::new("47 85", CARD_ID, OPENID))
        }),
        ("user_card_code", || {
            get(UserCardKey::new("４７８", CARD_ID, OPENID))
        }),
        ("/pickup_time", || {
            import(card_to_import().pickup_time("2025-05-20"))
        }),
        ("/pickup_time", || {
            update(UserCardChange::new().pickup_time("today"))
        }),
        ("/begin_time", || {
            start(|it| it.begin_time = "2030-01-20".into())
        }),
        ("/end_time", || {
            start(|it| it.end_time = it.begin_time.clone())
        }),
        ("/end_time", || {
            retitle(|it| it.end_time = "2029-01-01T00:00:00+08:00".into())
        }),
        ("/apply_total", || start(|it| it.apply_total = 0)),
        ("/meta/filename", || {
            UploadImage::new("card.gif", &b"GIF89a"[..]).check()
        }),
        ("/file", || {
            UploadImage::new("a.png", vec![0; UploadImage::MAX_BYTES + 1]).check()
        }),
        ("limit", || ListCards::new().limit(0).check()),
        ("limit", || ListCards::new().limit(21).check()),
        ("limit", || ListActivities::new().limit(21).check()),
        ("limit", || ListUserCards::of(OPENID).limit(0).check()),
    ];
    for (field, check) in cases {
        assert_eq!(refused(check()), *field);
    }
}

#[test]
fn validity_by_its_type() {
    let range = ValidDateInformation::range;
    let (early, late) = (
        "2020-05-20T13:29:35.120+08:00",
        "2030-05-20T13:29:35.120+08:00",
    );
    let days = "/valid_date_information/available_day_after_receive";
    let end = "/valid_date_information/available_end_time";
    for (validity, field) in [
        (ValidDateInformation::days(0), days),
        (ValidDateInformation::days(10_959), days),
        (
            range("yesterday", late),
            "/valid_date_information/available_begin_time",
        ),
        (range(early, "2030-05-20"), end),
        (range(late, early), end),
        (range(early, early), end),
    ] {
        let card = UserCardImport::new(CARD_ID, "1", validity.clone()).pickup_time(early);
        for checked in [
            create(card_with(validity.clone())),
            change(CardChange::new().valid_date_information(validity.clone())),
            update(UserCardChange::new().valid_date_information(validity.clone())),
            confirm(UserCardChange::new().valid_date_information(validity)),
            import(card),
        ] {
            assert_eq!(refused(checked), field);
        }
    }
    for days in [1, 10_958] {
        assert_eq!(create(card_with(ValidDateInformation::days(days))), Ok(()));
    }
    assert_eq!(create(card_with(range(early, late))), Ok(()));
}

#[test]
fn forms() {
    let many = |count| question("喜欢的运动", vec!["球"; count]);
    assert_eq!(create(card().user_information(many(10))), Ok(()));
    let checked = create(card().user_information(many(11)));
    assert_eq!(
        refused(checked),
        "/user_information/custom_field_list/0/values"
    );
    let two = many(1).custom(CustomFieldType::Radio, "生肖", ["龙"]);
    let checked = create(card().user_information(two));
    assert_eq!(refused(checked), "/user_information/custom_field_list");
}

#[test]
fn names_that_no_page_has() {
    let cases: &[Case] = &[
        ("/card_type", || create(card().card_type("GOLD"))),
        ("/code_mode", || create(card().code_mode("USER_ALLOCATE"))),
        ("/code_type", || create(card().code_type("PDF417"))),
        ("/user_information/common_field_list/0", || {
            create(card().user_information(CardUserInformation::new().common("SEX")))
        }),
        ("/user_information/custom_field_list/0/type", || {
            let form = CardUserInformation::new().custom("TEXT", "生日", ["春"]);
            create(card().user_information(form))
        }),
        ("/user_information/common_field_list/0/name", || {
            let form = UserInformation::new().common("SEX", "男");
            update(UserCardChange::new().user_information(form))
        }),
        // The wire itself spells it MECHANT.
        ("/activity_channel", || {
            start(|it| it.activity_channel = "MERCHANT_APP_COMPONENT".into())
        }),
        ("/user_card_confirm_state", || {
            let (state, change) = (ConfirmState::from("SUCCESS"), UserCardChange::new());
            ConfirmUserCard {
                key: key(),
                state,
                change,
            }
            .check()
        }),
        ("/result", || answer(|it| it.result = "ALLOW".into())),
        ("state", || ListCards::new().state("EFFECTIVE").check()),
        ("activity_state", || {
            ListActivities::new().activity_state("RUNNING").check()
        }),
        ("user_card_state", || {
            ListUserCards::of(OPENID).user_card_state("DELETE").check()
        }),
    ];
    for (field, check) in cases {
        let error = check().expect_err(field);
        assert_eq!(error.field, *field);
        assert!(error.issue.starts_with("one of "), "{error}");
    }
}
