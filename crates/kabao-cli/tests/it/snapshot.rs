//! `kabao sandbox snapshot`.

use std::fs;

use crate::world::{CODE, World};

const KEY: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

#[test]
fn a_fixture_of_one_machine_serves_on_another() {
    let here = World::new().set("KABAO_MASTER_KEY", KEY);
    let update = ["user-card", "update", CODE, "--level", "黑金"];
    here.run(&update).ok();
    // No sandbox runs: the embedded one's folder is saved.
    here.run(&["sandbox", "snapshot", "save", "fixture.json"])
        .ok();
    let fixture = fs::read_to_string(here.path("fixture.json")).expect("written");
    assert!(fixture.ends_with("}\n") && !fixture.contains("13800138000"));

    let there = World::new().set("KABAO_MASTER_KEY", KEY);
    there.write("fixture.json", &fixture);
    let server = there.serve(&["--store", "memory"]);
    let at = ["--url", &server.base_url];
    let load = ["sandbox", "snapshot", "load", "fixture.json"];
    let loaded = there.run(&[&load[..], &at].concat()).ok();
    assert!(
        loaded.stderr.contains("the keys are others now"),
        "{loaded:?}"
    );
    assert_eq!(
        loaded.line("user_cards").split_whitespace().last(),
        Some("1")
    );
    let save = ["sandbox", "snapshot", "save", "-"];
    let saved = there.run(&[&save[..], &at].concat()).ok().stdout;
    assert!(saved.contains("黑金"));
    let load = ["sandbox", "snapshot", "load", "-"];
    let again = there
        .run_with_stdin(&[&load[..], &at].concat(), &saved)
        .ok();
    assert!(!again.stderr.contains("keys"), "{again:?}");

    there
        .run(&["sandbox", "snapshot", "load", "none.json"])
        .failed(2, &["cannot read the snapshot none.json"]);
    there
        .run_with_stdin(&[&load[..], &at].concat(), "{}")
        .failed(1, &["not a snapshot", "nothing was changed"]);
    let stranger = World::new();
    stranger
        .run_with_stdin(&load, &saved)
        .failed(1, &["another master key", "KABAO_MASTER_KEY"]);
}
