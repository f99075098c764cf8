//! What a command reads: files, stdin, `NAME=VALUE`.

use std::{io::Read as _, marker::PhantomData, path::Path};

use serde::de::{DeserializeOwned, DeserializeSeed};

use crate::problem::Problem;

/// A text and what to call its source in messages.
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Reads a file, or stdin for `-`.
pub(crate) fn read(file: &str) -> Result<Input, Problem> {
    let (name, text) = if file == "-" {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        ("stdin".to_owned(), read.map(|_| text))
    } else {
        (file.to_owned(), std::fs::read_to_string(file))
    };
    match text {
        Ok(text) => Ok(Input { name, text }),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(Problem::new(format!("{name} is not UTF-8 text")))
        }
        Err(error) => Err(Problem::unreadable("the file", Path::new(&name), &error)),
    }
}

/// One line from stdin, for a value that should not stand on the command line.
pub(crate) fn read_line(what: &str) -> Result<String, Problem> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| {
        Problem::new(format!("cannot read {what} from stdin")).caused_by(&error)
    })?;
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        return Err(Problem::new(format!("stdin has no {what}")));
    }
    Ok(line.to_owned())
}

impl Input {
    /// Parses JSON; an error names file, line and column, never a value.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.json_with(PhantomData::<T>)
    }

    /// The same for what cannot be made from nothing.
    pub(crate) fn json_with<'de, S: DeserializeSeed<'de>>(
        &'de self,
        seed: S,
    ) -> Result<S::Value, Problem> {
        // Editors on Windows put a mark in front that JSON does not know.
        let text = self.text.trim_start_matches('\u{feff}');
        let mut json = serde_json::Deserializer::from_str(text);
        let value = seed.deserialize(&mut json);
        let value = value.and_then(|value| json.end().map(|()| value));
        value.map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let text = error.to_string();
            let place = format!(" at line {line} column {column}");
            let reason = without_value(text.strip_suffix(&place).unwrap_or(&text));
            Problem::new(format!("{}:{line}:{column}: {reason}", self.name))
        })
    }
}

/// A text, or the file that `@FILE` names, for clap.
pub(crate) fn text_or_file(text: &str) -> Result<String, String> {
    match text.strip_prefix('@') {
        None => Ok(text.to_owned()),
        Some(file) => {
            let text = std::fs::read_to_string(file);
            text.map_err(|error| format!("cannot read {file}: {error}"))
        }
    }
}

/// `NAME=VALUE`, for clap.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some(("", _)) => Err("the name before `=` is empty".into()),
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err("write NAME=VALUE".into()),
    }
}

/// `invalid type: integer …, expected a string`: what stands in the file may be
/// somebody's phone number.
fn without_value(reason: &str) -> String {
    let is_about_a_value = ["invalid type: ", "invalid value: "]
        .iter()
        .any(|start| reason.starts_with(start));
    match (is_about_a_value, reason.rfind(", expected ")) {
        (true, Some(expected)) => {
            let kind: String = reason[..expected]
                .chars()
                .take_while(|character| !matches!(character, '`' | '"'))
                .collect();
            format!("{}{}", kind.trim_end(), &reason[expected..])
        }
        _ => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem<T: DeserializeOwned>(text: &str) -> String {
        let input = Input {
            name: "change.json".into(),
            text: text.into(),
        };
        match input.json::<T>() {
            Ok(_) => panic!("{text} parsed"),
            Err(problem) => problem.message,
        }
    }

    #[test]
    fn broken_json_names_file_line_and_column() {
        let text = problem::<serde_json::Value>("{\n  \"level\": ,\n}");
        assert_eq!(text, "change.json:2:12: expected value");
    }

    #[test]
    fn a_wrong_type_is_named_without_the_value() {
        for value in ["13800138000", "\"13800138000\"", "1.38e10"] {
            let text = problem::<Vec<bool>>(&format!("[{value}]"));
            assert!(!text.contains("138") && !text.contains("1.38"), "{text}");
            assert!(text.contains("expected a boolean"), "{text}");
        }
    }

    #[test]
    fn pairs_split_at_the_first_equals_sign() {
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("a").is_err() && pair("=b").is_err());
    }
}
