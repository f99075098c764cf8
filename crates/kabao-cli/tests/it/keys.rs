//! `kabao sandbox keys`, `merchant`, `brand` and `rate-limits`.

use std::fs;

use serde_json::{Value, json};

use crate::{
    profiles::{merchant_variables, sandbox},
    world::{CODE, World},
};

/// Runs `kabao sandbox …` for its JSON.
fn steer(world: &World, arguments: &[&str]) -> Value {
    let command = [&["sandbox"], arguments, &["--output=json"]].concat();
    world.run(&command).ok().json()
}

fn credentials(world: &World, folder: &str) -> Value {
    let text = fs::read_to_string(world.path(folder).join("credentials.json"));
    serde_json::from_str(&text.expect("written")).expect("JSON")
}

#[test]
fn certificates_rotate_and_merchants_move() {
    let world = World::new();
    let before = steer(&world, &["keys", "show"]);
    let rotated = steer(&world, &["keys", "rotate", "--overlap", "10d"]);
    assert!(rotated["wechatpay_cert.pem"].is_string());
    let shown = steer(&world, &["keys", "show"])["platform_certificates"].clone();
    assert_eq!(shown[0]["serial_no"], rotated["platform_serial_no"]);
    assert_eq!(
        shown[1]["serial_no"],
        before["platform_certificates"][0]["serial_no"]
    );
    let noticed = steer(&world, &["keys", "rotate", "--notice", "5d"]);
    let rows = noticed["platform_certificates"].as_array().expect("a list");
    let (last, others) = rows.split_last().expect("rows");
    assert_eq!(last["serial_no"], noticed["platform_serial_no"]);
    assert!(last["takeover_time"].is_string(), "{last}");
    assert_eq!(others[0]["serial_no"], rotated["platform_serial_no"]);
    assert_eq!(others[0]["takeover_time"], Value::Null);
    let table = world.run(&["sandbox", "keys", "show"]).ok();
    table.line("platform_certificates[2].takeover_time");
    let moved = steer(&world, &["keys", "migration", "12.5"]);
    assert_eq!(moved[0]["public_key_percent"], 12.5);
    let table = world.run(&["sandbox", "keys", "migration", "100"]).ok();
    assert!(table.line("1900000001").contains("100"), "{table:?}");
    for (arguments, status, words) in [
        (&["rotate", "--overlap=-1s"][..], 2, "--overlap"),
        (
            &["rotate", "--notice=-1s"],
            2,
            "--notice cannot be negative",
        ),
        (&["rotate", "--notice=2000d"], 1, "notice_seconds"),
        (&["migration", "101"], 1, "public_key_percent"),
        (&["migration", "1", "--mchid=7"], 1, "RESOURCE_NOT_EXISTS"),
    ] {
        let command = [&["sandbox", "keys"], arguments].concat();
        world.run(&command).failed(status, &[words]);
    }
    let shown = world.run(&["sandbox", "keys", "rotate"]).ok();
    assert!(!shown.stdout.contains("BEGIN"), "{}", shown.stdout);
    assert!(
        shown.stderr.contains("the new certificate is in"),
        "{}",
        shown.stderr
    );
}

#[test]
fn a_merchant_that_was_added_calls_once_it_may() {
    let world = World::new();
    let (_server, sample) = sandbox(&world, &[]);
    let console = merchant_variables(&world.path("credentials"), &sample);
    let folder = console.path("second");
    let second = folder.to_str().expect("UTF-8");
    let add = ["merchant", "add", "--mchid=1900000002", "--credentials"];
    let added = steer(&console, &[&add[..], &[second]].concat());
    assert_eq!(added["mchid"], "1900000002");
    assert!(
        !added.to_string().contains("BEGIN"),
        "they are in the folder"
    );
    let mut handed = credentials(&console, "second");
    assert_eq!(handed["serial_no"], added["serial_no"]);
    handed["brand_id"] = json!("1004");
    let call =
        |handed: &Value| merchant_variables(&folder, handed).run(&["user-card", "get", CODE]);

    call(&handed).failed(1, &["NO_AUTH"]);
    let granted = steer(&console, &["brand", "grant", "1004", "1900000002"]);
    assert_eq!(granted[1]["mchid"], "1900000002");
    call(&handed).ok();

    // Other keys in the same folder, and the old ones no longer hold.
    let renew = [
        "merchant",
        "renew-certificate",
        "1900000002",
        "--credentials",
    ];
    let renewed = steer(&console, &[&renew[..], &[second]].concat());
    let serial_no = handed["serial_no"].as_str().expect("a serial");
    let revoke = ["merchant", "revoke-certificate", "1900000002", serial_no];
    let left = steer(&console, &revoke);
    assert_eq!(left["serial_nos"], json!([renewed["serial_no"]]));
    let mut again = credentials(&console, "second");
    assert_eq!(again["serial_no"], renewed["serial_no"]);
    assert_eq!(again["apiv3_key"], handed["apiv3_key"]);
    again["brand_id"] = json!("1004");
    call(&again).ok();

    steer(&console, &["brand", "withdraw", "1004", "1900000002"]);
    call(&again).failed(1, &["NO_AUTH"]);
    let listed = console.run(&["sandbox", "merchant", "list"]).ok();
    listed.line("1900000002");

    // Nobody's keys are overwritten, and none are made that could not be kept.
    let add_other = [
        "sandbox",
        "merchant",
        "add",
        "--mchid=1900000003",
        "--credentials",
    ];
    let refused = console.run(&[&add_other[..], &[second]].concat());
    refused.failed(2, &["holds somebody's keys"]);
    let renew_other = [
        "sandbox",
        "merchant",
        "renew-certificate",
        "1900000001",
        "--credentials",
    ];
    let refused = console.run(&[&renew_other[..], &[second]].concat());
    refused.failed(2, &["are not the credentials of mchid 1900000001"]);
    let rows = steer(&console, &["merchant", "list"]);
    assert_eq!(rows.as_array().map(Vec::len), Some(2));
    let alone = console.write("alone/apiclient_key.pem", "somebody's");
    let alone = alone
        .parent()
        .and_then(|folder| folder.to_str())
        .expect("UTF-8");
    let refused = console.run(&[&renew_other[..], &[alone]].concat());
    refused.failed(2, &["holds somebody's keys"]);
    // A table would drop the keys: nothing is made that would be lost.
    let renew_lost = &renew_other[..4];
    let add_lost = ["sandbox", "brand", "add", "--brand-id=1009"];
    for command in [renew_lost, &add_lost] {
        console
            .run(command)
            .failed(2, &["a table cannot hold the keys", "--output json"]);
    }
    let brands = steer(&console, &["brand", "list"]);
    assert_eq!(brands.as_array().map(Vec::len), Some(1));
    let taken = ["merchant", "add", "--mchid=1900000002", "--output=json"];
    let refused = console.run(&[&["sandbox"], &taken[..]].concat());
    refused.failed(1, &["RESOURCE_ALREADY_EXISTS"]);

    // A key of one's own is certified, and the certificate is all that comes back.
    let brought = folder.join("pub_key.pem");
    let brought = ["--public-key", brought.to_str().expect("a path")];
    let renew = ["sandbox", "merchant", "renew-certificate", "1900000002"];
    let made = console.run(&[&renew[..], &brought, &["--output", "table"][..]].concat());
    let made = made.ok();
    let pem = &made.stdout;
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n"), "{pem}");
    assert!(!pem.contains("PRIVATE"), "{pem}");
    let wrong = ["--csr", brought[1]];
    let refused = console.run(&[&renew[..], &wrong].concat());
    refused.failed(1, &["csr: it is not a certificate request"]);

    let only = steer(
        &console,
        &["merchant", "public-key-only", "1900000002", "true"],
    );
    assert_eq!(only["public_key_only"], true);
}

#[test]
fn a_brand_joins_the_merchants_folder() {
    let world = World::new();
    let folder = world.path("both");
    let both = folder.to_str().expect("UTF-8");
    steer(&world, &["merchant", "add", "--credentials", both]);
    let merchant = credentials(&world, "both");
    let brand = steer(
        &world,
        &["brand", "add", "--brand-id=1005", "--credentials", both],
    );
    let whole = credentials(&world, "both");
    assert_eq!(whole["mchid"], merchant["mchid"]);
    assert_eq!(whole["brand_id"], "1005");
    assert_eq!(whole["brand"]["serial_no"], brand["serial_no"]);
    let secret = whole["brand"]["api_key"].as_str().map(str::len);
    assert_eq!(secret, Some(32));
    assert_eq!(brand["api_key"], Value::Null, "it is not shown");
    for name in [
        "apiclient_key.pem",
        "wechatpay_cert.pem",
        "brand/apiclient_key.pem",
        "brand/pub_key.pem",
        "credentials.json",
    ] {
        let metadata = fs::metadata(folder.join(name)).expect(name);
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777,
            0o600,
            "{name}"
        );
        assert!(metadata.len() > 0);
    }
    let renew = ["brand", "renew-certificate", "1005", "--credentials", both];
    let renewed = steer(&world, &renew);
    let whole = credentials(&world, "both");
    assert_eq!(whole["brand"]["serial_no"], renewed["serial_no"]);
    assert_eq!(
        whole["serial_no"], merchant["serial_no"],
        "not the merchant's"
    );
    world.run(&["sandbox", "brand", "list"]).ok().line("1005");
}

#[test]
fn a_start_says_so_if_limits_that_were_set_stand_in_its_way() {
    let world = World::new();
    let on = format!("--store=sqlite:{}", world.path("s.db").display());
    let start = |limits: &[&str]| {
        let arguments = [&[&*on, "--credentials=credentials"], limits].concat();
        world.serve(&arguments)
    };
    let warning = "were set for this store";
    let server = start(&["--rate-limits=off"]);
    let client = world.caller("credentials");
    let set = ["sandbox", "rate-limits", "set", "documented"];
    client.run(&set).ok();
    let reset = client.run(&["sandbox", "reset"]).ok();
    assert!(reset.stderr.contains("rate limits"), "{}", reset.stderr);
    assert!(!server.stop("-TERM").stderr.contains(warning));
    for (limits, is_told) in [
        (&["--rate-limits=off"][..], true),
        (&["--rate-limits=documented"], false),
        (&[], false),
    ] {
        let told = start(limits).stop("-TERM").ok().stderr;
        assert_eq!(told.contains(warning), is_told, "{told}");
        assert_eq!(told.contains("rate-limits set started"), is_told, "{told}");
    }
}

#[test]
fn rate_limits_from_a_file() {
    let world = World::new();
    let file = world.write(
        "limits.toml",
        "default = 1000\n[operations]\nget_user_card = { merchant = 1 }\n",
    );
    let limits = format!("--rate-limits={}", file.display());
    let server = world.serve(&["--store=memory", "--credentials=credentials", &limits]);
    let sample = credentials(&world, "credentials");
    let client = merchant_variables(&world.path("credentials"), &sample);
    let shown = client.run(&["sandbox", "rate-limits", "show"]).ok();
    let words: Vec<_> = shown.line("get_user_card").split_whitespace().collect();
    assert_eq!(words, ["get_user_card", "1", "1000"]);
    let off = client.run(&["sandbox", "rate-limits", "set", "off"]).ok();
    assert!(off.stderr.contains("no limits"), "{}", off.stderr);
    let set = ["rate-limits", "set", file.to_str().expect("UTF-8")];
    let shown = steer(&client, &set);
    assert_eq!(
        (&shown["limits"]["default"], &shown["set"]),
        (&json!(1000), &json!(true))
    );
    let shown = steer(&client, &["rate-limits", "set", "started"]);
    assert_eq!(
        (&shown["limits"]["default"], &shown["set"]),
        (&json!(1000), &json!(false))
    );
    drop(server);

    for (text, word) in [
        ("[operations]\nget_crad = 1\n", "get_crad"),
        ("default = 0\n", "from 1"),
        ("default =\n", "no rate limits"),
    ] {
        world.write("limits.toml", text);
        let serve = ["sandbox", "serve", "--store=memory", &limits];
        world.run(&serve).failed(2, &[word, "limits.toml"]);
    }
    let serve = ["sandbox", "serve", "--store=memory", "--rate-limits=of"];
    world
        .run(&serve)
        .failed(2, &["rate limits of", "documented, off"]);
}
