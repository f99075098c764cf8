//! Tests in a process of its own: this binary again, running one test.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const PLACE: &str = "KABAO_TEST_STORE";

/// This binary, running only the test `name`, which finds the store at `path` and
/// plays the child.
pub(crate) fn command(name: &str, path: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(PLACE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    command
}

/// The store that the parent means; `None` if there is no parent.
pub(crate) fn place() -> Option<PathBuf> {
    std::env::var_os(PLACE).map(PathBuf::from)
}

/// What a line says that a child meant for its parent; others are the test
/// harness's.
pub(crate) fn said(line: &str) -> Option<&str> {
    line.split_once("said: ").map(|(_, text)| text)
}
