//! Steering a sandbox that runs in another process: that takes its address and
//! no keys.

use serde_json::Value;

use crate::world::{CODE, Port, Server, World};

/// A sandbox whose state nobody else reaches.
fn serve(home: &World) -> Server {
    home.serve(&["--store", "memory", "--rate-limits", "off"])
}

fn json(world: &World, arguments: &[&str]) -> Value {
    let told = world.run(&[arguments, &["--output=json"]].concat()).ok();
    assert!(!told.stderr.contains("embedded"), "{}", told.stderr);
    told.json()
}

#[test]
fn an_address_is_enough() {
    let home = World::new();
    let server = serve(&home);
    let stranger = World::new();
    let url = format!("--url={}", server.base_url);
    let join = ["sandbox", "user", "join", "--openid=oNew", &url];
    let joined = json(&stranger, &join);
    assert_eq!(joined["user_card"]["brand_id"], "1004");
    let id = joined["notification_id"].as_str().expect("an id");
    // The flag may stand before what is done, too.
    let show = ["sandbox", "notifications", &url, "show", id];
    assert_eq!(json(&stranger, &show)["id"], id);
    let set = ["sandbox", "clock", "set", "2031-01-01T00:00:00Z", &url];
    let now = json(&stranger, &set)["now"].to_string();
    assert!(now.contains("2031-01-01"), "{now}");
    let fault = ["sandbox", "fault", "add", "html", &url];
    assert_eq!(json(&stranger, &fault)[0]["kind"], "html");
    assert!(
        !stranger.path("data").exists(),
        "no other sandbox was started"
    );
}

#[test]
fn the_address_is_a_variable_or_the_profiles() {
    let home = World::new();
    let server = serve(&home);
    let keys = ["sandbox", "keys", "show"];
    let running = json(&home, &[&keys[..], &["--url", &server.base_url]].concat());
    let variable = World::new().set("KABAO_BASE_URL", &server.base_url);
    assert_eq!(json(&variable, &keys), running);
    let world = World::new();
    world.configure(&format!(
        "[profiles.local]\nbase_url = '{}'\nbrand_id = '1005'\n",
        server.base_url
    ));
    let profile =
        |command: &[&str]| world.run(&[command, &["--profile=local", "--output=json"]].concat());
    assert_eq!(profile(&keys).ok().json(), running);
    // What the profile has comes before the sample.
    profile(&["sandbox", "user", "join", "--openid=oNew"]).failed(1, &["RESOURCE_NOT_EXISTS"]);
    let named = [
        "sandbox",
        "user",
        "join",
        "--openid=oNew",
        "--brand-id=1004",
    ];
    profile(&named).ok();
    // A call is signed, so it still takes keys.
    let call = variable.run(&["user-card", "get", CODE]);
    call.failed(2, &["KABAO_BASE_URL is set, but no caller"]);
}

#[test]
fn addresses_that_cannot_be_steered_are_told() {
    let world = World::new();
    let show = |url: &str| world.run(&["sandbox", "clock", "show", "--url", url]);
    show("https://api.mch.weixin.qq.com").failed(2, &["no control plane"]);
    show("127.0.0.1:8080").failed(2, &["`127.0.0.1:8080`", "hint:", "http://127.0.0.1:8080"]);
    let port = Port::new();
    let url = format!("http://{}", port.address());
    let told = show(&url).failed(2, &["no answer from the sandbox at", &url]);
    assert_eq!(told.stderr.matches("refused").count(), 1, "{}", told.stderr);
    let server = world.serve(&["--store=memory", "--tls"]);
    let url = &server.base_url;
    show(url).failed(2, &["UnknownIssuer", "KABAO_ROOT_CERTIFICATE", "ca.pem"]);
    show(&url.replace("https:", "http:")).failed(2, &["TLS", "https://"]);
}

#[test]
fn the_profile_called_sandbox_stays_the_embedded_one() {
    let world = World::new().set("KABAO_BASE_URL", "http://127.0.0.1:9");
    let show = ["sandbox", "clock", "show", "--profile=sandbox"];
    let told = world.run(&show).ok();
    assert!(told.stderr.contains("embedded"), "{}", told.stderr);
}

#[test]
fn notifications_are_narrowed_and_tell_why_they_were_not_taken() {
    let home = World::new();
    let server = serve(&home);
    let world = World::new().set("KABAO_BASE_URL", &server.base_url);
    for _ in 0..3 {
        world.run(&["sandbox", "user", "ask-points"]).ok();
    }
    world.run(&["sandbox", "user", "delete-card"]).ok();
    let list = |more: &[&str]| {
        let command = [&["sandbox", "notifications", "list"], more].concat();
        world.run(&command)
    };
    let count = |more: &[&str]| {
        let listed = list(&[more, &["--output=json"]].concat()).ok().json();
        listed.as_array().map(Vec::len)
    };
    assert_eq!(count(&[]), Some(4));
    assert_eq!(count(&["--event-type=SYNC_USER_POINT"]), Some(3));
    assert_eq!(count(&["--state=delivered"]), Some(0));
    let none = list(&["--event-type=FOO"]).ok().stderr;
    assert!(none.contains("no such notification"), "{none}");
    let some = list(&["--limit=2"]).ok();
    assert_eq!(some.stdout.lines().count(), 3, "a heading and two");
    assert!(
        some.stderr.contains("showing the latest 2"),
        "{}",
        some.stderr
    );
    let all = list(&["--limit=1000"]).ok();
    assert_eq!(all.stderr, "");
    list(&["--state=gone"]).failed(2, &["PENDING, DELIVERED, FAILED"]);
    list(&["--limit=0"]).failed(2, &["1..=1000"]);
}
