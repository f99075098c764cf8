//! `kabao sandbox clock`: the embedded sandbox keeps its time between commands.

use serde_json::Value;

use crate::world::{CODE, World};

fn clock(world: &World, arguments: &[&str]) -> Value {
    let command = [&["sandbox", "clock"], arguments, &["--output=json"]].concat();
    world.run(&command).ok().json()
}

#[test]
fn time_is_sped_moved_frozen_and_reset() {
    let world = World::new();
    assert_eq!(clock(&world, &["show"])["speed"], 1);
    assert_eq!(clock(&world, &["speed", "60"])["speed"], 60);
    // It goes on at that pace, moved on the way or not.
    let later = clock(&world, &["advance", "30d"]);
    assert_eq!(later["speed"], 60);
    assert!(later["offset_seconds"].as_i64() >= Some(30 * 86_400 - 1));
    let shown = world.run(&["sandbox", "clock", "show"]).ok();
    assert!(shown.line("speed").ends_with("60"), "{}", shown.stdout);

    let frozen = clock(&world, &["freeze"]);
    assert_eq!(
        (&frozen["frozen"], &frozen["speed"]),
        (&true.into(), &0.into())
    );
    let going = clock(&world, &["run"]);
    assert_eq!(
        (&going["frozen"], &going["speed"]),
        (&false.into(), &60.into())
    );
    let half = clock(&world, &["speed", "0.5"]);
    assert_eq!(half["speed"], 0.5);
    let real = clock(&world, &["reset"]);
    assert_eq!(
        (&real["offset_seconds"], &real["speed"]),
        (&0.into(), &1.into())
    );
}

#[test]
fn a_card_expires_in_fast_motion() {
    let world = World::new();
    clock(&world, &["set", "2030-05-20T13:29:00+08:00"]);
    clock(&world, &["speed", "100000"]);
    // Ten minutes of its time are long over when the next command asks.
    assert_eq!(world.card()["user_card_state"], "EXPIRED");
    clock(&world, &["reset"]);
    let line = world.run(&["user-card", "get", CODE]).ok();
    assert!(line.line("user_card_state").ends_with("EFFECTIVE"));
}

#[test]
fn what_is_no_speed_is_not_asked_for() {
    for wrong in ["0", "-1", "fast", "2000000"] {
        let told = World::new().run(&["sandbox", "clock", "speed", "--", wrong]);
        told.failed(2, &["from 0.001 to 1000000"]);
    }
}

#[test]
fn what_is_left_is_by_the_sandboxs_clock() {
    let world = World::new();
    clock(&world, &["set", "2030-06-01T00:00:00+08:00"]);
    clock(&world, &["freeze"]);
    let shown = world.run(&["user-card", "get", CODE]).ok().stdout;
    assert!(shown.contains("EXPIRED"), "{shown}");
    assert!(shown.contains("ended 11 days 10 hours ago"), "{shown}");
    let template = world.run(&["card", "get"]).ok().stdout;
    assert!(!template.contains("left"), "{template}");
    let token = world.run(&["token", "pre-auth"]).ok().stdout;
    assert!(token.contains(" left"), "{token}");
    assert!(!token.contains("year"), "{token}");
}

#[test]
fn a_day_begins_in_china() {
    let world = World::new();
    clock(&world, &["freeze"]);
    let set = clock(&world, &["set", "2030-01-01"]);
    let now = set["now"].as_str().expect("a text");
    assert!(now.starts_with("2030-01-01T00:00:00"), "{now}");
    let soon = world.run(&["sandbox", "clock", "set", "soon"]);
    soon.failed(2, &["neither RFC 3339", "nor a date"]);
}
