//! `docs/operations.md`: what the table says is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::world::World;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(project(path)).expect(path)
}

/// A row about an operation.
struct Row {
    operation: String,
    /// Such as `cards().list, .stream`.
    method: String,
    command: String,
    /// Blocking, service provider, brand, sample, HTTP.
    marks: [String; 5],
}

fn rows() -> Vec<Row> {
    let table = read("docs/operations.md");
    let rows = table.lines().filter_map(|line| {
        let cells = line.split('|').map(|cell| cell.trim().trim_matches('`'));
        let cells: Vec<String> = cells.map(ToOwned::to_owned).collect();
        let [
            _,
            operation,
            method,
            blocking,
            command,
            partner,
            brand,
            sample,
            http,
            _,
        ] = cells.try_into().ok()?;
        operation.contains('_').then_some(Row {
            operation,
            method,
            command,
            marks: [blocking, partner, brand, sample, http],
        })
    });
    rows.collect()
}

/// The names of the product's operations below an address.
fn described(prefix: &str) -> BTreeSet<String> {
    let description: Value = serde_json::from_str(&read("spec/openapi.json")).expect("JSON");
    let paths = description["paths"].as_object().expect("paths");
    paths
        .iter()
        .filter(|(path, _)| path.starts_with(prefix) && !path.ends_with("/open-user-card-tokens"))
        .flat_map(|(_, methods)| methods.as_object().expect("methods"))
        .filter_map(|(_, operation)| operation["operationId"].as_str())
        .map(|id| id.strip_prefix("brand_").unwrap_or(id).to_owned())
        .collect()
}

#[test]
fn the_table_has_every_operation_and_who_calls_it() {
    let rows = rows();
    let all: BTreeSet<String> = rows.iter().map(|row| row.operation.clone()).collect();
    assert_eq!(all.len(), 24);
    assert_eq!(all, described("/v3/"));
    let with_twin = rows.iter().filter(|row| row.marks[2] == "✓");
    let twins: BTreeSet<String> = with_twin.map(|row| row.operation.clone()).collect();
    assert_eq!(twins, described("/brand/"));
    for Row {
        operation, marks, ..
    } in &rows
    {
        let [blocking, partner, _, sample, http] = marks;
        let marks = [blocking, partner, sample, http];
        assert!(marks.into_iter().all(|mark| mark == "✓"), "{operation}");
    }
}

#[test]
fn the_table_names_methods_that_there_are() {
    let blocking = read("crates/kabao/src/blocking/card_member.rs");
    for Row { method, .. } in rows() {
        let (resource, names) = method.split_once("().").expect("a method");
        let source = read(&format!("crates/kabao/src/card_member/{resource}.rs"));
        for name in names.split(", .") {
            assert!(
                source.contains(&format!("fn {name}(")),
                "{resource}: {name}"
            );
            // What is a stream with `async` is an iterator without.
            let twin = if name == "stream" { "iter" } else { name };
            let twin = format!(" {twin}(");
            assert!(blocking.contains(&twin), "{resource}: {twin}");
        }
    }
}

#[test]
fn the_table_names_samples_that_there_are() {
    for Row { operation, .. } in rows() {
        let sample = format!("crates/kabao-core/tests/samples/{operation}.json");
        assert!(project(&sample).exists(), "{sample}");
    }
}

#[test]
fn the_table_names_commands_that_there_are() {
    let world = World::new();
    for Row { command, .. } in rows() {
        let arguments: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = world.run(&arguments).ok();
        assert!(help.stdout.contains("Usage: kabao"), "{command}");
    }
}
