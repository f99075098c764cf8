//! How much of a list is shown.

use crate::world::World;

#[test]
fn a_page_is_shown_and_what_is_left_is_told() {
    let world = World::new();
    for number in 1..=21 {
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
