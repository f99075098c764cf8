//! How much of a list is shown.

use std::io::{BufRead as _, BufReader};

use crate::{
    profiles::{merchant_variables, sandbox},
    world::{Server, World},
};

fn add_templates(world: &World, count: u32) {
    for number in 1..=count {
        let number = number.to_string();
        let create = [
            "card",
            "create",
            "--appid=wx1",
            "--code-type=QR_CODE",
            "--card-title",
            &number,
            "--card-color=#1F6F54",
            "--card-picture-url=https://p.example/0",
            "--benefits=x",
            "--valid=1d",
            "--notify-url=https://n.example/",
        ];
        world.run(&create).ok();
    }
}

#[test]
fn a_page_is_shown_and_what_is_left_is_told() {
    let world = World::new();
    add_templates(&world, 21);
    let list = |more: &[&str]| world.run(&[&["card", "list"], more].concat()).ok();
    let first = list(&[]);
    assert_eq!(first.stdout.lines().count(), 21, "a heading and a page");
    assert!(
        first
            .stderr
            .contains("showing 1 to 20 of 22; --offset 20 for the next, --all for all"),
        "{}",
        first.stderr
    );
    let rest = list(&["--offset", "20", "--output", "json"]);
    assert_eq!(rest.json().as_array().map(Vec::len), Some(2));
    assert!(!rest.stderr.contains("showing"), "{}", rest.stderr);
    let middle = list(&["--offset", "2", "--limit", "3", "--output", "jsonl"]);
    assert_eq!(middle.stdout.lines().count(), 3);
    assert!(
        middle.stderr.contains("showing 3 to 5 of 22"),
        "{}",
        middle.stderr
    );
    let all = list(&["--all", "--output", "jsonl"]);
    assert_eq!(all.stdout.lines().count(), 22);
    assert!(!all.stderr.contains("showing"), "{}", all.stderr);
    let tail = list(&["--all", "--offset", "21", "--output", "json"]);
    assert_eq!(tail.json()[0]["card_title"], "测试卡");
    let none = list(&["--offset", "99", "--quiet"]);
    assert_eq!((&*none.stdout, &*none.stderr), ("", ""));
    let state = list(&["--state", "invalid", "--output", "json"]);
    assert_eq!(state.stdout, "[]\n");
}

#[test]
fn the_three_lists_go_by_one_rule() {
    let world = World::new();
    for resource in ["card", "user-card", "activity"] {
        let list = |more: &[&str]| world.run(&[&[resource, "list"], more].concat());
        for flags in [
            &["--limit=1"][..],
            &["--limit=20", "--offset=0"],
            &["--all"],
        ] {
            list(flags).ok();
        }
        list(&["--limit=0"]).failed(2, &["--limit", "1..=20"]);
        list(&["--limit=21"]).failed(2, &["--limit", "1..=20"]);
        list(&["--all", "--limit=5"]).failed(2, &["cannot be used with"]);
        list(&["--offset=-1"]).failed(2, &["--offset"]);
        list(&["--state=gone"]).failed(2, &["one of"]);
    }
}

/// A sandbox with more templates than a page has.
fn two_pages(home: &World) -> (Server, World) {
    let (server, credentials) = sandbox(home, &[]);
    let world = merchant_variables(&home.path("credentials"), &credentials);
    add_templates(&world, 20);
    (server, world)
}

#[test]
fn what_was_read_is_shown_when_the_rest_fails() {
    let home = World::new();
    let (_server, world) = two_pages(&home);
    let fault = |arguments: &str| {
        let words = ["sandbox", "fault"].into_iter().chain(arguments.split(' '));
        world.run(&words.collect::<Vec<_>>()).ok()
    };
    let all = |format: &str| world.run(&["card", "list", "--all", "--output", format]);
    for (format, lines) in [("table", 21), ("jsonl", 20)] {
        fault("clear");
        fault("add status --status 400 --operation list_cards --skip 1");
        let told = all(format);
        assert_eq!(told.status, 1, "{told:?}");
        assert_eq!(told.stdout.lines().count(), lines, "{told:?}");
        assert!(told.stderr.contains("--offset 20 --all"), "{}", told.stderr);
        assert!(told.stderr.contains("error: "), "{}", told.stderr);
    }
    fault("clear");
    fault("add status --status 400 --operation list_cards --skip 1");
    let told = all("json");
    assert_eq!(told.status, 1);
    assert_eq!(told.json().as_array().map(Vec::len), Some(20));
    // Of nothing nothing is shown.
    fault("clear");
    fault("add status --status 400 --operation list_cards");
    all("json").failed(1, &["400"]);
    fault("clear");
    assert_eq!(all("json").ok().json().as_array().map(Vec::len), Some(21));
}

#[test]
fn lines_are_written_as_pages_come() {
    let home = World::new();
    let (_server, world) = two_pages(&home);
    let fault = "sandbox fault add delay --ms 600000 --operation list_cards --skip 1";
    world.run(&fault.split(' ').collect::<Vec<_>>()).ok();
    let list = ["card", "list", "--all", "--output", "jsonl"];
    let mut child = world.command(&list).spawn().expect("it runs");
    let stdout = BufReader::new(child.stdout.take().expect("piped"));
    // The second page is not there yet, and will not be.
    let first = stdout.lines().take(20).filter(|line| line.is_ok()).count();
    let is_running = child.try_wait().expect("a child").is_none();
    child.kill().expect("ended");
    child.wait().expect("it ends");
    assert_eq!((first, is_running), (20, true));
}
