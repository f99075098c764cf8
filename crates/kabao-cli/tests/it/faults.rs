//! `kabao sandbox fault`.

use serde_json::json;

use crate::{
    profiles::{merchant_variables, sandbox},
    world::{CODE, World},
};

#[test]
fn a_fault_is_added_befalls_a_command_and_is_cleared() {
    let home = World::new();
    let (_server, credentials) = sandbox(&home, &[]);
    let world = merchant_variables(&home.path("credentials"), &credentials);
    let fault = |arguments: &str| {
        let words = ["sandbox", "fault"].into_iter().chain(arguments.split(' '));
        world.run(&words.collect::<Vec<_>>())
    };
    let added = fault("add error-envelope --code X --operation get_user_card --count 2").ok();
    let line = added.line("error_envelope");
    assert!(
        line.contains(" 2 ") && line.contains("operation get_user_card"),
        "{line}"
    );
    let get = ["user-card", "get", CODE];
    assert_ne!(world.run(&get).status, 0);
    let left = fault("list --output json").ok().json();
    assert_eq!(left[0]["count"], json!(1), "{left}");
    assert!(
        fault("clear")
            .ok()
            .stderr
            .contains("nothing is to go wrong")
    );
    world.run(&get).ok();
    fault("add html --status 404").failed(1, &["status: 404 is none of 200, 502, 504"]);
    fault("add status").failed(2, &["--status"]);
}

#[test]
fn the_embedded_sandbox_keeps_faults_for_the_commands_that_follow() {
    let world = World::new();
    let add = "sandbox fault add status --status 400 --count 2";
    world.run(&add.split(' ').collect::<Vec<_>>()).ok();
    let get = ["user-card", "get", CODE];
    // Whoever did not order it is told why nothing works.
    let warned = &["fault clear", "faults=1"];
    world.run(&get).failed(1, warned);
    let left = world.run(&["sandbox", "fault", "list", "--output=json"]);
    assert_eq!(left.ok().json()[0]["count"], json!(1));
    world.run(&get).failed(1, warned);
    assert!(!world.run(&get).ok().stderr.contains("fault"));
}
