//! A sandbox whose control plane takes a token, and commands that have it.

use std::fs;

use crate::world::World;

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
    fs::remove_file(client.path("config/kabao/token")).expect("it was there");
    client
        .run(&show)
        .failed(2, &["cannot read the control token", "control_token_file"]);
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
