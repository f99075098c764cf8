//! `kabao card`.

use serde_json::json;

use crate::world::{CARD_ID, World};

/// What a template needs, as flags.
const NEEDED: &[&str] = &[
    "card",
    "create",
    "--appid=wxea9c30890f48d5ae",
    "--code-type=qr-code",
    "--card-title=会员卡",
    "--card-color=#1F6F54",
    "--card-picture-url=https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0",
    "--benefits=会员折扣、专属价",
    "--valid=365d",
    "--notify-url=https://shop.example/notify",
];

#[test]
fn a_template_is_created_with_every_member() {
    let world = World::new();
    world.write("agreement.txt", "第一条\n第二条\n");
    let more = [
        "--out-request-no=20260101-1",
        "--code-mode=MERCHANT_ALLOCATE",
        "--code-type=jump-mini-program",
        "--code-page=wx1:/pages/code?a=b:c",
        "--need-pinned",
        "--need-display-level=true",
        "--init-level=白银会员",
        "--service-phone=010-88771234",
        "--legal-agreement=@agreement.txt",
        "--member-page=wx1:/pages/member",
        "--points-page=wx1:/pages/points",
        "--balance-page=wx1:/pages/balance",
        "--purchase-page=wx1:/pages/purchase",
        "--price=9900",
        "--ask=sex,birthday",
        "--question=喜欢的运动=篮球,足球",
        "--question-type=RADIO",
    ];
    let without_type = NEEDED
        .iter()
        .filter(|flag| !flag.starts_with("--code-type"));
    let create: Vec<&str> = without_type.chain(&more).copied().collect();
    let created = world.run(&create).ok();
    for (name, value) in [
        ("state", "CARD_EFFECTIVE"),
        ("card_title", "会员卡"),
        ("valid_date_information", "365 days from pickup"),
        ("need_pinned", "yes"),
        ("common_field_list", "Sex, Birthday"),
        ("custom_field_list", "喜欢的运动 (RADIO): 篮球, 足球"),
        ("points_information", "wx1 /pages/points"),
        ("purchase_information", "9900 fen wx1 /pages/purchase"),
        ("out_request_no", "20260101-1"),
    ] {
        let line = created.line(name);
        assert!(line.ends_with(value), "{line}");
    }
    // The number was given, so nothing is said about it.
    assert_eq!(created.stderr.lines().count(), 1, "{}", created.stderr);

    let card_id = created.line("card_id").split_whitespace().last();
    let get = ["card", "get", card_id.expect("an id"), "--output", "json"];
    let mut card = world.run(&get).ok().json();
    let members = card.as_object_mut().expect("an object");
    for name in ["card_id", "create_time", "modify_time"] {
        assert!(members.remove(name).is_some(), "{name}");
    }
    assert_eq!(
        card,
        json!({
            "out_request_no": "20260101-1", "brand_id": "1004", "appid": "wxea9c30890f48d5ae",
            "card_type": "NORMAL", "card_title": "会员卡", "card_color": "#1F6F54",
            "card_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0",
            "code_mode": "MERCHANT_ALLOCATE", "code_type": "JUMP_MINI_PROGRAM",
            "code_jump_information": {"jump_appid": "wx1", "jump_path": "/pages/code?a=b:c"},
            "benefits": "会员折扣、专属价", "notify_url": "https://shop.example/notify",
            "need_pinned": true, "need_display_level": true, "init_level": "白银会员",
            "service_phone": "010-88771234", "legal_agreement": "第一条\n第二条\n",
            "valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 365},
            "member_information": {"jump_appid": "wx1", "jump_path": "/pages/member"},
            "points_information": {"jump_appid": "wx1", "jump_path": "/pages/points"},
            "balance_information": {"jump_appid": "wx1", "jump_path": "/pages/balance"},
            "purchase_information":
                {"price": 9900, "jump_appid": "wx1", "jump_path": "/pages/purchase"},
            "user_information": {
                "common_field_list": ["USER_FORM_FLAG_SEX", "USER_FORM_FLAG_BIRTHDAY"],
                "custom_field_list":
                    [{"type": "RADIO", "name": "喜欢的运动", "values": ["篮球", "足球"]}],
            },
            "state": "CARD_EFFECTIVE",
        })
    );
}

#[test]
fn a_new_number_is_told_and_makes_a_repeat_harmless() {
    let world = World::new();
    let json = ["--output", "json"];
    let first = world.run(&[NEEDED, &json].concat()).ok();
    let card = first.json();
    let number = card["out_request_no"].as_str().expect("a text");
    assert!(
        first
            .stderr
            .contains(&format!("out_request_no is {number};")),
        "{}",
        first.stderr
    );

    let again = world.run(&[NEEDED, &json, &["--out-request-no", number]].concat());
    assert_eq!(again.ok().json()["card_id"], card["card_id"]);
    let other = world.run(&[NEEDED, &json].concat()).ok().json();
    assert_ne!(other["card_id"], card["card_id"]);
    let changed = [NEEDED, &["--out-request-no", number, "--price", "1"]].concat();
    world.run(&changed).failed(1, &["400 INVALID_REQUEST"]);
}

#[test]
fn a_whole_body_makes_a_template() {
    let world = World::new();
    let body = json!({
        "out_request_no": "100002322019090134234sfdf-2", "brand_id": "1004",
        "appid": "wxea9c30890f48d5ae", "card_type": "NORMAL", "card_title": "测试卡",
        "card_color": "#FFFF00", "card_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0",
        "code_mode": "SYSTEM_ALLOCATE", "code_type": "NONE_CODE", "benefits": "会员折扣",
        "notify_url": "https://www.weixin.qq.com/wxpay/notify.php",
        "valid_date_information": {"type": "PERMANENT"},
        "user_information": {"custom_field_list":
            [{"type": "CHECK_BOX", "name": "喜欢的运动", "values": ["篮球"]}]},
    });
    let create = ["card", "create", "--json", "-", "--output", "jsonl"];
    let created = world.run_with_stdin(&create, &body.to_string()).ok();
    assert_eq!(created.stdout.lines().count(), 1);
    assert_eq!(created.json()["out_request_no"], body["out_request_no"]);
    assert_eq!(created.json()["user_information"], body["user_information"]);

    let refused = |change: &dyn Fn(&mut serde_json::Value), more: &[&str], words: &[&str]| {
        let mut body = body.clone();
        change(&mut body);
        world.write("card.json", &body.to_string());
        let create = [&["card", "create", "--json", "card.json"], more].concat();
        world.run(&create).failed(2, words);
    };
    refused(
        &|body| body["crad_title"] = "x".into(),
        &[],
        &[
            "card.json:1:",
            "unknown field `crad_title`",
            "slip of the pen",
        ],
    );
    refused(
        &|body| body["points_information"] = json!({"jump_apid": "x"}),
        &[],
        &["unknown member /points_information/jump_apid"],
    );
    refused(
        &|body| body["user_information"]["custom_field_list"][0]["nmae"] = "x".into(),
        &[],
        &["/user_information/custom_field_list/0/nmae"],
    );
    refused(
        &|body| body["need_pinned"] = "yes".into(),
        &[],
        &["card.json:1:", "expected a boolean"],
    );
    // Nothing is filled in: the body is whole.
    refused(
        &|body| {
            let members = body.as_object_mut().expect("an object");
            members.remove("code_mode");
            members.remove("appid");
        },
        &[],
        &["appid and code_mode are missing", "--appid and --code-mode"],
    );
    refused(
        &|_| (),
        &["--benefits", "x"],
        &["cannot be used with", "--json"],
    );
    refused(
        &|_| (),
        &["--ask", "sex"],
        &["cannot be used with", "--json"],
    );
    refused(
        &|_| (),
        &["--out-request-no", "7"],
        &["out_request_no is 7 on the command line, but 100002322019090134234sfdf-2"],
    );
}

#[test]
fn what_a_template_lacks_is_told_at_once() {
    let world = World::new();
    world
        .run(&["card", "create", "--appid", "wx1", "--valid", "1d"])
        .failed(
            2,
            &[
                "card_title, card_color, card_picture_url, code_type, benefits and notify_url are",
                "give --card-title, --card-color,",
            ],
        );
    let wrong = |flag: &str, words: &[&str]| {
        world.run(&[NEEDED, &[flag]].concat()).failed(2, words);
    };
    wrong(
        "--need-display-level",
        &["/init_level", "need_display_level"],
    );
    wrong("--points-page=wx1", &["APPID:PATH"]);
    wrong("--question=喜欢的运动", &["喜欢的运动=篮球,足球"]);
    wrong("--question-type=RADIO", &["--question <"]);
    wrong("--ask=zodiac", &["one of", "SEX"]);
    wrong("--code-mode=x", &["SYSTEM_ALLOCATE, MERCHANT_ALLOCATE"]);
    wrong("--question=q=一二三四五六七八九", &["at most 8 characters"]);
    wrong("--legal-agreement=@none.txt", &["cannot read none.txt"]);
    wrong("--out-request-no=a b", &["/out_request_no"]);
    let mut jump = NEEDED.to_vec();
    jump[3] = "--code-type=JUMP_MINI_PROGRAM";
    world
        .run(&jump)
        .failed(2, &["/code_jump_information", "--code-page"]);
    world
        .run(&[NEEDED, &["--card-type=PURCHASE"]].concat())
        .failed(1, &["400 INVALID_REQUEST"]);
}

#[test]
fn a_template_is_shown_and_drawn() {
    let world = World::new();
    let shown = world.run(&["card", "get"]).ok();
    for (name, value) in [
        ("card_id", CARD_ID),
        ("benefits", "会员折扣、专属价"),
        (
            "valid_date_information",
            "2020-05-20 13:29:35 → 2030-05-20 13:29:35",
        ),
        ("code_type", "BAR_CODE_AND_QR_CODE"),
        ("create_time", "2025-08-01 10:00:00"),
    ] {
        let line = shown.line(name);
        assert!(line.ends_with(value), "{line}");
    }
    assert!(!shown.stdout.contains('\u{1b}'));
    let world = world.set("CLICOLOR_FORCE", "1");
    let drawn = world.run(&["card", "get", CARD_ID]).ok().stdout;
    assert!(drawn.contains("\u{1b}[48;2;255;255;0m"), "{drawn:?}");
    assert!(drawn.contains("白银会员"), "{drawn:?}");
    let listed = world.run(&["card", "list"]).ok().stdout;
    assert!(
        listed.contains("\u{1b}[48;2;255;255;0m#FFFF00"),
        "{listed:?}"
    );
    world
        .run(&["card", "get", "pNone"])
        .failed(1, &["404 RESOURCE_NOT_EXISTS", "kabao card list"]);
}

#[test]
fn a_change_is_marked_and_the_rest_stays() {
    let world = World::new();
    let changed = world
        .run(&[
            "card",
            "update",
            "--card-title=新会员卡",
            "--need-pinned=false",
            "--valid=permanent",
            "--ask=sex,city",
            "--price=100",
        ])
        .ok();
    for (name, change) in [
        ("card_title", "测试卡 → 新会员卡"),
        ("need_pinned", "yes → no"),
        ("common_field_list", "Sex → Sex, City"),
        ("purchase_information", "(none) → 100 fen"),
    ] {
        let line = changed.line(name);
        assert!(line.starts_with("* ") && line.ends_with(change), "{line}");
    }
    assert!(changed.line("valid_date_information").starts_with("* "));
    // The API replaces whole objects; the question that was not named is sent
    // again.
    assert!(changed.line("custom_field_list").starts_with("  "));

    let update = [
        "card",
        "update",
        CARD_ID,
        "--purchase-page=wx1:/buy",
        "--output=json",
    ];
    let card = world.run(&update).ok().json();
    let purchase = json!({"price": 100, "jump_appid": "wx1", "jump_path": "/buy"});
    assert_eq!(card["purchase_information"], purchase);
    let update = ["card", "update", "--question=宠物=猫，狗", "--output=json"];
    let form = world.run(&update).ok().json()["user_information"].take();
    let names = json!(["USER_FORM_FLAG_SEX", "USER_FORM_FLAG_CITY"]);
    assert_eq!(form["common_field_list"], names);
    let question = json!({"type": "CHECK_BOX", "name": "宠物", "values": ["猫", "狗"]});
    assert_eq!(form["custom_field_list"], json!([question]));

    let same = world.run(&["card", "update", "--card-title=新会员卡"]).ok();
    assert!(same.stderr.contains("nothing changed"), "{}", same.stderr);

    let update = ["card", "update", "--json", "-", "--output", "json"];
    let body = json!({"brand_id": "1004", "card_id": CARD_ID, "user_information":
        {"common_field_list": []}});
    let card = world.run_with_stdin(&update, &body.to_string()).ok().json();
    assert_eq!(card["user_information"], body["user_information"]);
}

#[test]
fn mistakes_of_a_change_are_told() {
    let world = World::new();
    let update = |arguments: &[&str]| world.run(&[&["card", "update"], arguments].concat());
    update(&[]).failed(2, &["nothing to change", "--card-title"]);
    update(&["--card-color=yellow"]).failed(2, &["/card_color", "'#FFFF00'"]);
    update(&["--card-title=一二三四五六七八九十一"])
        .failed(2, &["at most 10 characters, this has 11", "count one each"]);
    update(&["pNone", "--benefits=x"]).failed(1, &["404 RESOURCE_NOT_EXISTS"]);
    update(&["--code-type=QR_CODE"]).failed(2, &["--code-type"]);
    let body = r#"{"card_id": "pOther", "benefits": "x"}"#;
    let both = ["card", "update", CARD_ID, "--json", "-"];
    let outcome = world.run_with_stdin(&both, body);
    outcome.failed(2, &["card_id is pbLatj", "but pOther in the JSON"]);
}

#[test]
fn a_template_ends_by_name_only() {
    let world = World::new();
    for command in ["invalidate", "delete"] {
        world.run(&["card", command]).failed(2, &["<CARD_ID>"]);
    }
    let ended = world.run(&["card", "invalidate", CARD_ID]).ok();
    assert!(ended.line("state").ends_with("CARD_INVALID"));
    let again = [
        "card",
        "invalidate",
        CARD_ID,
        "--json",
        "-",
        "--output=json",
    ];
    let again = world.run_with_stdin(&again, r#"{"brand_id": "1004"}"#).ok();
    assert_eq!(again.json()["state"], "CARD_INVALID");
    world
        .run(&["card", "update", "--benefits=x"])
        .failed(1, &["400 INVALID_REQUEST"]);

    let created = world
        .run(&[NEEDED, &["--output=json"]].concat())
        .ok()
        .json();
    let card_id = created["card_id"].as_str().expect("a text");
    let deleted = world
        .run(&["card", "delete", card_id, "--output=json"])
        .ok();
    assert_eq!(deleted.json()["state"], "CARD_INVALID");
    world.run(&["card", "delete", "pNone"]).failed(1, &["404"]);
}
