//! The example with a whole membership, executed for both callers: every
//! operation of the product goes over HTTP and succeeds.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

use crate::support::World;

#[test]
fn a_service_provider_runs_a_membership() {
    let done = operations_of("partner", "1900000001");
    let all = described("/v3/");
    assert_eq!(all.len(), 24);
    assert_eq!(done, all);
}

#[test]
fn a_brand_runs_a_membership() {
    let done = operations_of("brand", "1004");
    let all = described("/brand/");
    assert_eq!(all.len(), 16);
    assert_eq!(done, all);
}

/// What the example called and was answered 200.
fn operations_of(caller: &str, identity: &str) -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    // As production limits it.
    let world = World::with(|builder| {
        builder
            .credentials_dir(folder.path())
            .rate_limits(kabao_sandbox::RateLimits::Documented)
    });
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "-p", "kabao", "--features", "axum"])
        .args(["--example", "membership", "--"])
        .arg(folder.path())
        .arg(caller)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let of_the_product = world.journal().into_iter().filter(|entry| {
        let operation = entry["operation"].as_str();
        operation.is_some_and(|name| name != "certificates")
    });
    of_the_product
        .map(|entry| {
            assert_eq!(entry["status"], 200, "{entry}");
            assert_eq!(entry["caller"], identity, "{entry}");
            entry["operation"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// The product's operations below an address, by the description of the API.
fn described(prefix: &str) -> BTreeSet<String> {
    let description = include_str!("../../../../spec/openapi.json");
    let description: Value = serde_json::from_str(description).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let operations = paths
        .iter()
        .filter(|(path, _)| path.starts_with(prefix))
        // The old address of another one.
        .filter(|(path, _)| !path.ends_with("/open-user-card-tokens"))
        .flat_map(|(_, methods)| methods.as_object().unwrap());
    operations
        .filter_map(|(_, operation)| operation["operationId"].as_str())
        .map(|id| id.strip_prefix("brand_").unwrap_or(id).to_owned())
        .collect()
}
