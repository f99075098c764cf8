//! `docs/operations.md`: what the table says is there.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::world::World;

const TABLE: &str = include_str!("../../../../docs/operations.md");
const DESCRIPTION: &str = include_str!("../../../../spec/openapi.json");

/// The cells of the rows about operations.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    TABLE
        .lines()
        .map(|line| line.split('|').map(|cell| cell.trim().trim_matches('`')))
        .map(|cells| cells.skip(1).collect::<Vec<_>>())
        .filter(|cells| cells.len() > 7 && cells[0].contains('_'))
}

/// The names of the product's operations below an address.
fn described(prefix: &str) -> BTreeSet<String> {
    let description: Value = serde_json::from_str(DESCRIPTION).expect("JSON");
    let paths = description["paths"].as_object().expect("an object");
    paths
        .iter()
        .filter(|(path, _)| path.starts_with(prefix) && !path.ends_with("/open-user-card-tokens"))
        .flat_map(|(_, methods)| methods.as_object().expect("an object"))
        .filter_map(|(_, operation)| operation["operationId"].as_str())
        .map(|id| id.strip_prefix("brand_").unwrap_or(id).to_owned())
        .collect()
}

#[test]
fn the_table_has_every_operation_and_who_calls_it() {
    let named: BTreeSet<String> = rows().map(|cells| cells[0].to_owned()).collect();
    assert_eq!(named.len(), 24);
    assert_eq!(named, described("/v3/"));
    let twins: BTreeSet<String> = rows()
        .filter(|cells| cells[4] == "✓")
        .map(|cells| cells[0].to_owned())
        .collect();
    assert_eq!(twins, described("/brand/"));
}

#[test]
fn the_table_names_commands_that_there_are() {
    let world = World::new();
    for cells in rows() {
        let command: Vec<&str> = cells[2].split(' ').chain(["--help"]).collect();
        let help = world.run(&command).ok();
        assert!(help.stdout.contains("Usage: kabao"), "{command:?}");
    }
}
