//! JSON text laid out anew. Order, numbers and spelling of texts stay exactly as
//! they came, which parsing and printing again would not promise.

/// The text with two blanks of indentation; `json` is valid.
pub(crate) fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut characters = Tokens::of(json).peekable();
    while let Some(token) = characters.next() {
        match token {
            "{" | "[" => {
                out.push_str(token);
                if matches!(characters.peek(), Some(&("}" | "]"))) {
                    continue;
                }
                depth += 1;
                new_line(&mut out, depth);
            }
            "}" | "]" => {
                if !out.ends_with(['{', '[']) {
                    depth = depth.saturating_sub(1);
                    new_line(&mut out, depth);
                }
                out.push_str(token);
            }
            "," => {
                out.push(',');
                new_line(&mut out, depth);
            }
            ":" => out.push_str(": "),
            other => out.push_str(other),
        }
    }
    out
}

/// The text without blanks between its parts; `json` is valid.
pub(crate) fn compact(json: &str) -> String {
    Tokens::of(json).collect()
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Texts, punctuation and bare words (numbers, `true`) of a JSON text.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn of(json: &'a str) -> Self {
        Self { rest: json }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        const PUNCTUATION: &[char] = &['{', '}', '[', ']', ',', ':'];
        let rest = self.rest.trim_start();
        let length = match rest.chars().next()? {
            '"' => text_length(rest),
            first if PUNCTUATION.contains(&first) => 1,
            _ => rest
                .find(|c: char| c.is_whitespace() || c == '"' || PUNCTUATION.contains(&c))
                .unwrap_or(rest.len()),
        };
        let (token, rest) = rest.split_at(length);
        self.rest = rest;
        Some(token)
    }
}

/// Length of the text that `json` begins with, both quotes included.
fn text_length(json: &str) -> usize {
    let mut is_escaped = false;
    for (at, character) in json.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_numbers_and_spelling_stay() {
        let json = r#"{"z":[1.0,1e400,true],"a":{},"b": [ ] ,"级":"{\"x\": [1,2]}\\"}"#;
        assert_eq!(
            indented(json),
            "{\n  \"z\": [\n    1.0,\n    1e400,\n    true\n  ],\n  \"a\": {},\n  \"b\": [],\n  \
             \"级\": \"{\\\"x\\\": [1,2]}\\\\\"\n}"
        );
        assert_eq!(compact(&indented(json)), compact(json));
        assert_eq!(compact(" [ 1 , \" a \" ] "), "[1,\" a \"]");
    }

    #[test]
    fn it_agrees_with_the_library() {
        let value = serde_json::json!({"a": [{"b": "x y", "c": null}, [], {}], "d": -1.5e3});
        let pretty = serde_json::to_string_pretty(&value).expect("JSON");
        assert_eq!(indented(&value.to_string()), pretty);
        assert_eq!(compact(&pretty), value.to_string());
    }
}
