//! A sandbox whose control plane takes a token, and commands that have it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    thread,
};

use crate::{
    profiles::{merchant_variables, sandbox},
    world::{CODE, Outcome, World},
};

const TOKEN: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

#[test]
fn a_sandbox_takes_the_token_of_a_file_or_of_the_environment_and_commands_send_it() {
    let home = World::new();
    let other = "of-the-environment-1234";
    let file = home.write("token", &format!("{TOKEN}\n"));
    let from_file = format!("--control-token-file={}", file.display());
    let by_file = home.serve(&["--store", "memory", &from_file]);
    let world = World::new().set("KABAO_CONTROL_TOKEN", other);
    let by_variable = world.serve(&["--store", "memory"]);
    let both = World::new().set("KABAO_CONTROL_TOKEN", other);
    let flag_first = both.serve(&["--store", "memory", &from_file]);
    for (server, token, wrong) in [
        (&by_file, TOKEN, other),
        (&by_variable, other, TOKEN),
        (&flag_first, TOKEN, other),
    ] {
        let show = ["sandbox", "clock", "show", "--url", &server.base_url];
        let hint = ["UNAUTHORIZED", "KABAO_CONTROL_TOKEN"];
        World::new().run(&show).failed(1, &hint);
        let mistaken = World::new().set("KABAO_CONTROL_TOKEN", wrong);
        mistaken.run(&show).failed(1, &hint);
        let known = World::new().set("KABAO_CONTROL_TOKEN", token);
        known.run(&show).ok();
        // A body, too.
        let fault = ["sandbox", "fault", "add", "html", "--url", &server.base_url];
        known.run(&fault).ok();
    }
    // A profile names the file.
    let client = World::new();
    client.write("config/kabao/token", &format!("{TOKEN}\n"));
    client.configure(&format!(
        "[profiles.team]\nbase_url = '{}'\ncontrol_token_file = 'token'\n",
        by_file.base_url
    ));
    let show = ["sandbox", "clock", "show", "--profile=team", "-vvv"];
    let shown = client.run(&show).ok();
    assert!(!shown.stderr.contains(TOKEN), "{}", shown.stderr);
    // A profile's token is for the profile's sandbox alone.
    let same = format!("{}/", by_file.base_url);
    client.run(&[&show[..], &["--url", &same]].concat()).ok();
    client.configure(
        "[profiles.team]\nbase_url = 'http://127.0.0.1:9'\ncontrol_token_file = 'token'\n",
    );
    let elsewhere = ["--url", &by_file.base_url];
    let refused = client.run(&[&show[..], &elsewhere].concat());
    refused.failed(1, &["UNAUTHORIZED", "KABAO_CONTROL_TOKEN"]);
    client.configure(&format!(
        "[profiles.team]\nbase_url = '{}'\ncontrol_token_file = 'token'\n",
        by_file.base_url
    ));
    fs::remove_file(client.path("config/kabao/token")).expect("it was there");
    client
        .run(&show)
        .failed(2, &["cannot read the control token", "control_token_file"]);
}

#[test]
fn whoever_has_the_port_is_waited_for_without_the_token() {
    let home = World::new();
    let file = home.write("token", TOKEN);
    let server = home.serve(&[
        "--store=memory",
        &format!("--control-token-file={}", file.display()),
    ]);
    let wait = |url: &str| {
        let known = World::new().set("KABAO_CONTROL_TOKEN", TOKEN);
        known.run(&["sandbox", "wait", "--url", url]).ok();
    };
    wait(&server.base_url);
    let stranger = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", stranger.local_addr().expect("its address"));
    let asked = thread::spawn(move || {
        let (mut stream, _) = stranger.accept().expect("a caller");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("a head");
            head.extend(byte);
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        String::from_utf8(head).expect("text")
    });
    wait(&url);
    let head = asked.join().expect("no panic");
    assert!(
        head.starts_with("GET /_sandbox/ready HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(!head.contains(TOKEN), "{head}");
}

#[test]
fn tokens_that_cannot_be_used_are_told_and_not_shown() {
    let serve = ["sandbox", "serve", "--store", "memory"];
    let weak = World::new().set("KABAO_CONTROL_TOKEN", "s3cret-s3cret");
    let refused = weak.run(&serve);
    assert!(!refused.stderr.contains("s3cret"), "{}", refused.stderr);
    refused.failed(2, &["16 to 512 visible ASCII", "openssl rand -hex 32"]);
    let missing = [&serve[..], &["--control-token-file", "nowhere"]].concat();
    World::new()
        .run(&missing)
        .failed(2, &["cannot read the control token nowhere"]);
    let odd = World::new()
        .set("KABAO_CONTROL_TOKEN", "s3cret\u{7}")
        .set("KABAO_BASE_URL", "http://127.0.0.1:9");
    let refused = odd.run(&["sandbox", "clock", "show"]);
    assert!(!refused.stderr.contains("s3cret"), "{}", refused.stderr);
    refused.failed(2, &["no header holds", "KABAO_CONTROL_TOKEN"]);
}

#[test]
fn a_variable_that_is_no_token_opens_nothing() {
    // The seed that is not there ends what would otherwise serve on.
    let serve = ["sandbox", "serve", "--store=memory", "--seed=none.toml"];
    let empty = World::new().set("KABAO_CONTROL_TOKEN", "");
    empty
        .run(&serve)
        .failed(2, &["KABAO_CONTROL_TOKEN is set, but empty", "unset it"]);
    #[cfg(unix)]
    {
        let bytes = b"0f1e2d3c4b5a6978\xff";
        let token = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes);
        let world = World::new();
        let mut command = world.command(&serve);
        let told = command.env("KABAO_CONTROL_TOKEN", token).output();
        let told = Outcome::of(told.expect("it runs"));
        assert!(!told.stderr.contains("0f1e"), "{}", told.stderr);
        told.failed(2, &["KABAO_CONTROL_TOKEN is not text"]);
    }
}

#[test]
fn tables_tell_what_is_left_by_a_clock_that_asks_for_the_token() {
    let home = World::new();
    let file = home.write("token", TOKEN);
    let token = format!("--control-token-file={}", file.display());
    let (_server, credentials) = sandbox(&home, &[&token]);
    let stranger = || merchant_variables(&home.path("credentials"), &credentials);
    let known = stranger().set("KABAO_CONTROL_TOKEN", TOKEN);
    let set = ["sandbox", "clock", "set", "2030-06-01T00:00:00+08:00"];
    known.run(&set).ok();
    known.run(&["sandbox", "clock", "freeze"]).ok();
    let left = |world: &World| {
        let shown = world.run(&["user-card", "get", CODE]).ok().stdout;
        shown.contains("ended 11 days 10 hours ago")
    };
    assert!(left(&known));
    assert!(!left(&stranger()), "nobody else learns the time");
    // The same by a profile.
    let text = |name: &str| credentials[name].as_str().expect("a text").to_owned();
    let folder = home.path("credentials");
    home.configure(&format!(
        "[profiles.team]\nmchid = '{}'\nserial_no = '{}'\nprivate_key = '{folder}/apiclient_key.pem'\n\
         wechatpay_public_key_id = '{}'\nwechatpay_public_key = '{folder}/pub_key.pem'\n\
         base_url = '{}'\nbrand_id = '{}'\ncard_id = '{}'\nopenid = '{}'\n\
         control_token_file = '{}'\n",
        text("mchid"),
        text("serial_no"),
        text("wechatpay_public_key_id"),
        text("base_url"),
        text("brand_id"),
        text("card_id"),
        text("openid"),
        file.display(),
        folder = folder.display(),
    ));
    let shown = home.run(&["user-card", "get", CODE, "--profile=team"]).ok();
    assert!(
        shown.stdout.contains("ended 11 days 10 hours ago"),
        "{}",
        shown.stdout
    );
}
