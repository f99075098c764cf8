//! `sandbox serve --seed`: what a new sandbox begins with.

use std::path::Path;

use serde_json::Value;

use crate::{
    profiles::merchant_variables,
    world::{CODE, World},
};

const EXAMPLE: &str = include_str!("../../../../docs/examples/seed.toml");

#[test]
fn the_documented_example_is_what_a_new_sandbox_holds() {
    let world = World::new();
    world.write("seed.toml", EXAMPLE);
    let arguments = ["--seed", "seed.toml", "--credentials", "c"];
    let server = world.serve(&arguments);
    let caller = world.caller("c");
    let get = ["user-card", "get", "100000000001", "--output", "json"];
    let card = caller.run(&get).ok().json();
    assert_eq!(card["openid"], "oAnna");
    assert_eq!(card["phone_number"], "13800138000");
    assert_eq!(card["level"], "老朋友");
    // What the file leaves out is the template's.
    assert_eq!(card["card_color"], "#4A2C17");
    assert_eq!(card["valid_date_information"]["type"], "PERMANENT");
    caller
        .run(&["user-card", "get", CODE])
        .failed(1, &["NOT_EXISTS"]);
    let activities = caller.run(&["activity", "list", "--output", "json"]).ok();
    assert!(activities.stdout.contains("开卡有礼"), "{activities:?}");
    let merchants = caller
        .run(&["sandbox", "merchant", "list", "--output", "json"])
        .ok();
    assert!(merchants.stdout.contains("1900000002"), "{merchants:?}");
    let brands = caller
        .run(&["sandbox", "brand", "list", "--output", "json"])
        .ok();
    assert!(brands.stdout.contains("2001"), "{brands:?}");

    // A reset goes back to it; another start on the same store changes nothing.
    let update = ["user-card", "update", "100000000001", "--level"];
    caller.run(&[&update[..], &["今"]].concat()).ok();
    caller.run(&["sandbox", "reset"]).ok();
    assert_eq!(caller.run(&get).ok().json()["level"], "老朋友");
    caller.run(&[&update[..], &["明"]].concat()).ok();
    server.stop("-TERM");
    let _server = world.serve(&arguments);
    assert_eq!(world.caller("c").run(&get).ok().json()["level"], "明");
}

#[test]
fn merchants_and_brands_of_a_seed_are_handed_what_they_call_with() {
    let world = World::new();
    world.write("seed.toml", EXAMPLE);
    let server = world.serve(&["--store=memory", "--seed=seed.toml"]);
    let hand_out = |kind: &str, id: &str, folder: &str| {
        let renew = ["sandbox", kind, "renew-certificate", id];
        let to = ["--credentials", folder, "--url", &server.base_url];
        world.run(&[&renew[..], &to].concat()).ok();
        let text = std::fs::read_to_string(world.path(folder).join("credentials.json"));
        let ids: Value = serde_json::from_str(&text.expect("written")).expect("JSON");
        ids
    };
    let mut merchant = hand_out("merchant", "1900000002", "d");
    merchant["brand_id"] = "2001".into();
    let folder = world.path("d");
    let list = ["card", "list", "--output=json"];
    merchant_variables(&folder, &merchant).run(&list).ok();
    // The APIv3 key is the one that opens what is sealed for this merchant.
    let by_certificate = merchant_variables(&folder, &merchant)
        .set("KABAO_WECHATPAY_PUBLIC_KEY_ID", "")
        .set("KABAO_WECHATPAY_PUBLIC_KEY", "")
        .set(
            "KABAO_APIV3_KEY",
            merchant["apiv3_key"].as_str().expect("a text"),
        );
    by_certificate.run(&list).ok();

    // A brand joins the folder, and calls for itself.
    let both = hand_out("brand", "2001", "d");
    assert_eq!(both["mchid"], "1900000002");
    assert_eq!(both["brand"]["api_key"].as_str().map(str::len), Some(32));
    let text = |name: &str| both["brand"][name].as_str().expect(name).to_owned();
    let folder = folder.join("brand");
    let brand = World::new()
        .set("KABAO_BRAND", "2001")
        .set("KABAO_SERIAL_NO", text("serial_no"))
        .set("KABAO_PRIVATE_KEY", folder.join("apiclient_key.pem"))
        .set(
            "KABAO_WECHATPAY_PUBLIC_KEY_ID",
            text("wechatpay_public_key_id"),
        )
        .set("KABAO_WECHATPAY_PUBLIC_KEY", folder.join("pub_key.pem"))
        .set("KABAO_BASE_URL", &server.base_url);
    brand.run(&list).ok();
}

#[test]
fn json_says_the_same_and_a_snapshot_says_all() {
    let world = World::new().set("KABAO_MASTER_KEY", "5a".repeat(32));
    let table: toml::Table = EXAMPLE.parse().expect("TOML");
    world.write("seed.json", &serde_json::to_string(&table).expect("JSON"));
    let server = world.serve(&["--store=memory", "--seed=seed.json", "--credentials=c"]);
    let caller = world.caller("c");
    caller
        .run(&["user-card", "update", "100000000001", "--level", "今"])
        .ok();
    let url = ["--url", &server.base_url];
    let save = ["sandbox", "snapshot", "save", "fixture.json"];
    world.run(&[&save[..], &url].concat()).ok();
    let key = |folder: &str| {
        let path = world.path(folder).join("apiclient_key.pem");
        std::fs::read_to_string(path).expect("written")
    };
    server.stop("-TERM");
    let arguments = ["--store=memory", "--seed=fixture.json", "--credentials=d"];
    let _server = world.serve(&arguments);
    assert!(key("c") == key("d"), "its keys are those of the snapshot");
    let get = ["user-card", "get", "100000000001", "--output", "json"];
    assert_eq!(world.caller("d").run(&get).ok().json()["level"], "今");
    // It needs the same master key.
    let stranger = World::new();
    let fixture = std::fs::read_to_string(world.path("fixture.json")).expect("written");
    stranger.write("fixture.json", &fixture);
    stranger
        .run(&["sandbox", "serve", "--store=memory", "--seed=fixture.json"])
        .failed(2, &["the seed cannot be used", "another master key"]);
}

#[test]
fn mistakes_name_the_member_and_nothing_is_made() {
    let world = World::new();
    let (id, long) = ("1".repeat(33), "1".repeat(215));
    let answer = format!(
        "user_information = {{ common_field_list = [{{ name = \"USER_FORM_FLAG_NAME\", \
         value = \"{long}\" }}] }}\nattach ="
    );
    for (from, to, wanted) in [
        ("title = \"开卡有礼\"", "", "activities[0]"),
        ("openid = \"oAnna\"", "openid = 1", "user_cards[0].openid"),
        ("openid = \"oAnna\"", "", "missing field `openid`"),
        ("level = \"老", "levle = \"老", "unknown field `levle`"),
        ("benefits = ", "benefit = ", "card_templates[0]"),
        (
            "init_level",
            "initial_level",
            "card_templates[0].initial_level",
        ),
        (
            "card_id = \"pCoffee\"\nuser",
            "card_id = \"pTea\"\nuser",
            "user_cards[0].card_id",
        ),
        (
            "\"PERMANENT\"",
            "\"FOREVER\"",
            "card_templates[0].valid_date_information.type",
        ),
        ("2036-01-01", "2016-01-01", "activities[0].end_time"),
        ("2036-01-01T", "2036-21-01T", "activities[0].end_time"),
        ("MECHANT_APP", "APP", "activities[0].activity_channel"),
        (
            "brands = [\"2001\"]",
            "brands = [\"1004\"]",
            "brands[0]: 1004 is there already",
        ),
        (
            "[\"1900000002\"]",
            "[\"19a\"]",
            "merchants[0]: `19a` is not 1 to 32 digits",
        ),
        (
            "mchid = \"1900000002\"\nbrand_id = \"2001\"",
            "mchid = \"1900000001\"\nbrand_id = \"1004\"",
            "grants[1]: it is there already",
        ),
        (
            "created_by_mchid = \"1900000001\"",
            "created_by_mchid = \"1900000003\"",
            "card_templates[0].created_by_mchid: there is no merchant 1900000003",
        ),
        (
            "brand_id = \"1004\"\ncard_id = \"pCoffee\"\nappid",
            "brand_id = \"1005\"\ncard_id = \"pCoffee\"\nappid",
            "card_templates[0].brand_id: there is no brand 1005",
        ),
        (
            "mchid = \"1900000002\"\nbrand",
            "mchid = \"1900000003\"\nbrand",
            "grants[1].mchid: there is no merchant 1900000003; name it in `merchants`",
        ),
        (
            "brand_id = \"2001\"",
            "brand_id = \"2002\"",
            "grants[1].brand_id: there is no brand 2002",
        ),
        ("#4A2C17", "brown", "card_templates[0].card_color"),
        (
            "咖啡会员卡",
            "一二三四五六七八九十一",
            "card_templates[0].card_title",
        ),
        (
            "pCoffee",
            &id,
            "card_templates[0].card_id: 1 to 32 characters",
        ),
        (
            "type = \"PERMANENT\"",
            "type = \"PERMANENT\", kind = \"x\"",
            "card_templates[0].valid_date_information.kind",
        ),
        (
            "need_display",
            "state = \"GONE\"\nneed_display",
            "card_templates[0].state",
        ),
        (
            "need_display",
            "create_time = \"May\"\nneed_display",
            "card_templates[0].create_time",
        ),
        ("100000000001", "1 1", "user_cards[0].user_card_code"),
        ("oAnna", &long, "user_cards[0].openid: at most 128"),
        ("老朋友", &long, "user_cards[0].level: at most 10"),
        (
            "13800138000",
            &long,
            "user_cards[0].phone_number: 215 bytes",
        ),
        (
            "attach =",
            "card_color = \"x\"\nattach =",
            "user_cards[0].card_color",
        ),
        (
            "attach =",
            &answer,
            "user_cards[0].user_information.common_field_list[0].value: 215 bytes",
        ),
        (
            "attach =",
            "user_information = { comon_field_list = [] }\nattach =",
            "user_cards[0].user_information.comon_field_list: there is no such member",
        ),
        (
            "attach =",
            "valid_date_information = { type = \"PERMANENT\", x = 1 }\nattach =",
            "user_cards[0].valid_date_information.x: there is no such member",
        ),
        (
            "apply_total = 100",
            "apply_total = 0",
            "activities[0].apply_total",
        ),
        (
            "apply_total = 100",
            "apply_total = -1",
            "activities[0].apply_total: a number above 0",
        ),
        (
            "apply_total = 100",
            "apply_total = 100\napply_available = 101",
            "activities[0].apply_available: 101",
        ),
        (
            "http://127.0.0.1:9000/notify",
            "http://example.com/n",
            "card_templates[0].notify_url",
        ),
        (
            "http://127.0.0.1:9000/notify",
            "foo",
            "card_templates[0].notify_url",
        ),
        ("100001", "abc", "activities[0].activity_id: digits"),
        ("送一杯咖啡", &long, "activities[0].sub_title"),
        ("100001", &id, "activities[0].activity_id"),
        (
            "stock_id = ",
            "stock = 1, stock_id = ",
            "activities[0].product_coupon_stock_list[0].stock: there is no such member",
        ),
        ("merchants = [", "merchants = ", "line 5"),
        ("merchants", "merchant", "unknown field `merchant`"),
    ] {
        assert!(EXAMPLE.contains(from), "{from}");
        world.write("seed.toml", &EXAMPLE.replacen(from, to, 1));
        // A folder that is a file ends what would otherwise serve on.
        let arguments = [
            "sandbox",
            "serve",
            "--seed=seed.toml",
            "--credentials=seed.toml",
        ];
        world
            .run(&arguments)
            .failed(2, &["seed.toml is not a seed", wanted]);
    }
    let number = EXAMPLE.replace("\"13800138000\"", "13800138000");
    world.write("seed.toml", &number);
    let private = world.run(&["sandbox", "serve", "--seed", "seed.toml"]);
    assert!(!private.stderr.contains("13800138000"), "{private:?}");
    private.failed(2, &["user_cards[0].phone_number"]);
    let twice = format!(
        "{EXAMPLE}\n[[user_cards]]\nbrand_id = \"1004\"\n\
        card_id = \"pCoffee\"\nuser_card_code = \"2\"\nopenid = \"oAnna\"\n"
    );
    world.write("seed.toml", &twice);
    world
        .run(&["sandbox", "serve", "--seed", "seed.toml"])
        .failed(2, &["user_cards[1].openid: it is there already"]);
    world
        .run(&["sandbox", "serve", "--seed", "none.toml"])
        .failed(2, &["cannot read the seed none.toml"]);
    assert!(!Path::new(&world.path("data")).exists(), "nothing was made");
}
