//! Several commands at once, and readers that go away.

use std::{io::Read as _, process::Stdio};

use crate::world::{CODE, Outcome, World};

#[test]
fn commands_share_a_fresh_data_folder() {
    let world = World::new();
    let get = ["user-card", "get", CODE, "--output", "jsonl"];
    let running: Vec<_> = (0..4)
        .map(|_| world.command(&get).spawn().expect("it runs"))
        .collect();
    let cards: Vec<_> = running
        .into_iter()
        .map(|child| {
            Outcome::of(child.wait_with_output().expect("it ends"))
                .ok()
                .stdout
        })
        .collect();
    assert!(cards.iter().all(|card| *card == cards[0]), "{cards:?}");
}

#[test]
fn changes_at_once_are_both_kept() {
    let world = World::new();
    world.card();
    let level = ["user-card", "update", CODE, "--level", "银卡"];
    let attach = ["user-card", "update", CODE, "--attach", "both"];
    let running = [level, attach].map(|update| world.command(&update).spawn().expect("it runs"));
    for child in running {
        Outcome::of(child.wait_with_output().expect("it ends")).ok();
    }
    let card = world.card();
    assert_eq!(
        (&card["level"], &card["attach"]),
        (&"银卡".into(), &"both".into())
    );
}

#[test]
fn a_closed_pipe_is_no_error() {
    let world = World::new();
    for command in [
        &["user-card", "get", CODE, "--quiet"][..],
        &["completions", "bash"],
    ] {
        let mut child = world
            .command(command)
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        drop(child.stdout.take());
        let mut errors = String::new();
        let mut stderr = child.stderr.take().expect("piped");
        stderr.read_to_string(&mut errors).expect("UTF-8");
        let status = child.wait().expect("it ends");
        assert_eq!((status.code(), &*errors), (Some(0), ""), "{command:?}");
    }
}
