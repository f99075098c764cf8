//! What must not be seen.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::{
    profiles::merchant_variables,
    world::{CODE, World},
};

#[test]
fn verbose_shows_each_step_and_no_secret() {
    let world = World::new();
    let update = [
        "user-card",
        "update",
        CODE,
        "--phone-number",
        "13912345678",
        "--attach",
        "私人数据",
        "--common",
        "name=张三丰",
        "-vvv",
        "--output",
        "jsonl",
    ];
    let told = world.run(&update).ok().stderr;
    for step in [
        "PATCH",
        "v3/brand/partner/card-member/user-cards/{user_card_code}",
        "http://127.0.0.1:",
        "WECHATPAY2-SHA256-RSA2048",
        "serial_no=",
        "request_id=",
        "verified",
        "PUB_KEY_ID_",
        "opened=",
    ] {
        assert!(told.contains(step), "no {step} in {told}");
    }
    let key = "BEGIN PRIVATE KEY";
    for secret in [
        "13912345678",
        "私人数据",
        "张三丰",
        "13800138000",
        key,
        "signature=\"",
    ] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

#[test]
fn key_material_is_never_told() {
    let world = World::new();
    let credentials = ["--store", "memory", "--credentials", "credentials", "-vv"];
    let server = world.serve(&credentials);
    let folder = world.path("credentials");
    let json = fs::read_to_string(folder.join("credentials.json")).expect("written");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let text = |name: &str| json[name].as_str().expect("a text").to_owned();
    let client = World::new()
        .set("KABAO_MCHID", text("mchid"))
        .set("KABAO_SERIAL_NO", text("serial_no"))
        .set("KABAO_PRIVATE_KEY", folder.join("apiclient_key.pem"))
        .set("KABAO_APIV3_KEY", text("apiv3_key"))
        .set("KABAO_BASE_URL", text("base_url"))
        .set("KABAO_BRAND_ID", "1004")
        .set("KABAO_CARD_ID", text("card_id"))
        .set("KABAO_OPENID", text("openid"));
    let shown = client
        .run(&["user-card", "get", CODE, "-vvv", "--output", "json"])
        .ok();
    let mut told = shown.stderr;
    told.push_str(&server.stop("-TERM").stderr);
    let key = fs::read_to_string(folder.join("apiclient_key.pem")).expect("a key");
    let middle = key.lines().nth(5).expect("base64");
    assert!(
        !told.contains(middle) && !told.contains(&text("apiv3_key")),
        "{told}"
    );
    assert!(
        !told.contains("13800138000") && !told.contains(&text("openid")),
        "{told}"
    );
}

/// Sends one request by hand, and gives what is answered.
fn by_hand(base_url: &str, head: &str, body: &str) -> String {
    let address = base_url.strip_prefix("http://").expect("plain http");
    let mut stream = TcpStream::connect(address).expect("accepted");
    let length = body.len();
    let request = format!(
        "{head}Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_sandbox_tells_nobody_of_members_or_keys() {
    const TOKEN: &str = "a-token-that-nobody-sees";
    let home = World::new()
        .set("RUST_LOG", "trace")
        .set("KABAO_CONTROL_TOKEN", TOKEN);
    let server = home.serve(&["--credentials=c", "--rate-limits=off", "-vvv"]);
    let folder = home.path("c");
    let read = |name: &str| fs::read_to_string(folder.join(name)).expect("written");
    let credentials: serde_json::Value =
        serde_json::from_str(&read("credentials.json")).expect("JSON");
    let client = merchant_variables(&folder, &credentials).set("KABAO_CONTROL_TOKEN", TOKEN);
    let mut told = String::new();

    // A member's life, and what goes wrong in it.
    let token = client.run(&["token", "pre-auth", "--openid=oNew", "--output=json"]);
    let token = token.ok().json()["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let with_token = format!("--token={token}");
    client
        .run(&[
            "sandbox",
            "user",
            "join",
            "--openid=oNew",
            &with_token,
            "--phone-number=13700137001",
            "--common=name=赵敏敏",
            "--custom=喜欢的运动=击剑",
        ])
        .ok();
    client
        .run(&["user-card", "update", CODE, "--phone-number=13700137002"])
        .ok();
    let import = |more: &[&str]| {
        let command = ["user-card", "import", "9001", "--pickup-time=2024-06-01"];
        client.run(&[&command, more].concat())
    };
    import(&[
        "--openid=oOther",
        "--phone-number=13700137003",
        "--common=name=周芷若",
    ])
    .ok();
    let twice = import(&["--openid=oFourth", "--phone-number=13700137004"]);
    assert_eq!(twice.status, 1, "{twice:?}");
    told.push_str(&twice.stderr);

    // What programs get wrong: values unsealed, a body that was not signed, a
    // secret in the wrong place.
    let serial_no = credentials["serial_no"].as_str().expect("a text");
    let now = std::process::Command::new("date")
        .arg("+%s")
        .output()
        .expect("date");
    let now = String::from_utf8(now.stdout).expect("UTF-8");
    let plain = r#"{"brand_id":"1004","phone_number":"13700137005","user_information":{"common_field_list":[{"name":"USER_FORM_FLAG_NAME","value":"张无忌"}]}}"#;
    let patch = format!("PATCH /v3/brand/partner/card-member/user-cards/{CODE} HTTP/1.1\r\n");
    let signature = "A".repeat(342) + "==";
    let signed = format!(
        "{patch}Authorization: WECHATPAY2-SHA256-RSA2048 mchid=\"1900000001\",nonce_str=\"n\",\
         signature=\"{signature}\",timestamp=\"{}\",serial_no=\"{serial_no}\"\r\n",
        now.trim()
    );
    let base_url = &server.base_url;
    let refused = by_hand(base_url, &signed, plain);
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    told.push_str(&refused);
    let misplaced = format!("{patch}Authorization: Bearer {TOKEN}\r\n");
    told.push_str(&by_hand(base_url, &misplaced, plain));
    let control = |method: &str, path: &str, body: &str| {
        let head = format!("{method} {path} HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n");
        by_hand(base_url, &head, body)
    };
    let join = "/_sandbox/users/oThird/join";
    told.push_str(&control("POST", join, r#"{"phone_number":13700137006}"#));
    told.push_str(&control("POST", join, r#"{"phone_number":"13700137007""#));
    let wrong =
        "GET /_sandbox/requests HTTP/1.1\r\nAuthorization: Bearer 13700137008-13700137008\r\n";
    told.push_str(&by_hand(base_url, wrong, ""));

    // All that can be read of it.
    let journal = control("GET", "/_sandbox/requests", "");
    for shown in [
        "import_user_card_by_openid",
        "\"step\":\"signature\"",
        "Bearer",
    ] {
        assert!(journal.contains(shown), "no {shown} in {journal}");
    }
    told.push_str(&journal);
    told.push_str(&control("GET", "/_sandbox/metrics", ""));
    told.push_str(&control("GET", "/_sandbox/health", ""));
    told.push_str(&control("GET", "/_sandbox/notifications", ""));
    let log = server.stop("-TERM").stderr;
    assert!(log.contains("answered"), "{log}");
    told.push_str(&log);

    let inner = |name: &str| read(name).lines().nth(5).expect("base64").to_owned();
    let key = |pointer: &str| credentials.pointer(pointer).and_then(|key| key.as_str());
    let master = fs::read_to_string(home.path("data/kabao/master.key")).expect("written");
    for secret in [
        "1370013700",
        "赵敏敏",
        "击剑",
        "周芷若",
        "张无忌",
        "13800138000",
        TOKEN,
        &token,
        &signature,
        "PRIVATE KEY",
        &inner("apiclient_key.pem"),
        &inner("brand/apiclient_key.pem"),
        key("/apiv3_key").expect("a key"),
        key("/brand/api_key").expect("a key"),
        master.trim(),
    ] {
        assert!(
            secret.len() > 5 && !told.contains(secret),
            "{secret} in {told}"
        );
    }
}

#[cfg(unix)]
#[test]
fn the_data_folder_is_the_owners() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.run(&["user-card", "get", CODE]).ok();
    let mode = |name: &str| {
        let metadata = fs::metadata(world.path(name)).expect("there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("data/kabao"), 0o700);
    assert_eq!(mode("data/kabao/master.key"), 0o600);
    let database = fs::read(world.path("data/kabao/sandbox.db")).expect("the store");
    assert!(!database.windows(11).any(|bytes| bytes == b"13800138000"));
}
