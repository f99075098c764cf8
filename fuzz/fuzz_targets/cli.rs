//! What the command line reads and prints: a file given to `--json`, an answer
//! that is laid out anew, text that goes to a terminal.
#![no_main]

use kabao_cli::fuzzing::{compact, import, indented, printable};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match import(text) {
        // All of the file is taken, as it stands there.
        Ok(taken) => {
            let json = text.trim_start_matches('\u{feff}');
            let written: Value = serde_json::from_str(json).expect("JSON");
            assert_eq!(taken, without_nulls(written));
            assert_eq!(import(&taken.to_string()), Ok(taken));
        }
        Err(problem) => {
            if let Some((line, column)) = place(&problem) {
                let lines: Vec<&str> = text.split('\n').collect();
                let there = lines.get(line - 1).expect(&problem);
                assert!(column <= there.len() + 1, "{problem}");
            }
        }
    }
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        let (short, long) = (compact(text), indented(text));
        assert_eq!(serde_json::from_str(&short).ok(), Some(value.clone()));
        assert_eq!(serde_json::from_str(&long).ok(), Some(value));
        assert_eq!(compact(&long), short);
        assert!(!short.contains('\n'));
    }
    assert!(!printable(text).contains(char::is_control));
});

/// `error: file.json:LINE:COLUMN: …`; what is missing has no place.
fn place(problem: &str) -> Option<(usize, usize)> {
    let rest = problem.strip_prefix("error: file.json:")?;
    let mut parts = rest.splitn(3, ':');
    let mut number = || parts.next()?.parse().ok();
    Some((number()?, number()?))
}

/// A member that is null is one that is not there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name, without_nulls(member)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        scalar => scalar,
    }
}
