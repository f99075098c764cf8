//! Bodies that people sign instead of the one they send.

use encoding_rs::{GB18030, GBK};
use serde_json::Value;

/// Each with the mistake that leads to it.
pub(super) fn variants(body: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    let mut all: Vec<(Vec<u8>, &'static str)> = Vec::new();
    let mut add = |variant: Vec<u8>, mistake| {
        if variant != body && !all.iter().any(|(known, _)| *known == variant) {
            all.push((variant, mistake));
        }
    };
    add(Vec::new(), "the body was not signed");
    add(
        [body, b"\r\n"].concat(),
        "the body was signed with a carriage return and a line feed that were not sent",
    );
    add(
        body.trim_ascii().to_vec(),
        "the white space around the body was not signed",
    );
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    add(
        body.strip_prefix(MARK).unwrap_or(body).to_vec(),
        "the byte order mark that was sent was not signed; send none",
    );
    add(
        [MARK, body].concat(),
        "a byte order mark was signed that was not sent",
    );
    if body.is_empty() {
        for empty in ["{}", "null", "[]", "\"\"", "undefined"] {
            add(empty.into(), "a body was signed although none was sent");
        }
    }
    if let Ok(text) = std::str::from_utf8(body) {
        add(
            text.replace('"', "&quot;").into_bytes(),
            "the body was signed HTML-escaped",
        );
        let line_feeds = text.replace("\r\n", "\n");
        for text in [line_feeds.replace('\n', "\r\n"), line_feeds] {
            add(
                text.into_bytes(),
                "the line ends inside the body were changed after signing",
            );
        }
        add(
            Value::from(text).to_string().into_bytes(),
            "the body was signed as a JSON string around the JSON",
        );
        for text in [as_latin1(text), as_ascii(text)] {
            add(
                text.into_bytes(),
                "the body was signed in another character set; it is signed and sent in UTF-8",
            );
        }
        for bytes in [as_gbk(text), GB18030.encode(text).0.into_owned()] {
            add(
                bytes,
                "the body was sent in UTF-8 and signed in GBK; it is signed in UTF-8 too: name that wherever text becomes bytes",
            );
        }
    }
    // Whatever it is: what GBK writes can be UTF-8 by chance.
    let (text, _) = GB18030.decode_without_bom_handling(body);
    add(
        text.into_owned().into_bytes(),
        "the body was signed in UTF-8 and sent in GBK, or read as GBK before it was signed; name UTF-8 wherever text becomes bytes or bytes text",
    );
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        const REPRINTED: &str = "the body was changed after signing: the JSON was printed again, with other spaces or escapes";
        for value in [&value, &sorted(&value)] {
            for style in Style::ALL {
                let text = style.print(value);
                let [lower, upper] = [true, false].map(|lower| escaped(&text, lower));
                for (text, lower) in [(lower, true), (upper, false), (text, true)] {
                    for characters in [JAVA, GO] {
                        add(html_safe(characters, &text, lower).into_bytes(), REPRINTED);
                    }
                    add(text.replace('/', "\\/").into_bytes(), REPRINTED);
                    add(text.into_bytes(), REPRINTED);
                }
            }
        }
    }
    all
}

/// The longest text that is printed, or little more.
const LONGEST: usize = 64 * 1024;

#[derive(Clone, Copy)]
enum Style {
    Compact,
    /// As Python prints by default.
    Spaced,
    Indented(usize),
}

impl Style {
    const ALL: [Self; 4] = [
        Self::Compact,
        Self::Spaced,
        Self::Indented(2),
        Self::Indented(4),
    ];

    fn print(self, value: &Value) -> String {
        let mut out = String::new();
        self.write(value, 0, &mut out);
        out
    }

    fn write(self, value: &Value, depth: usize, out: &mut String) {
        // Indented, deep lists grow a hundredfold. Nobody signs that.
        if out.len() > LONGEST {
            return;
        }
        match value {
            Value::Array(items) => self.list(out, depth, ('[', ']'), items.iter(), |out, item| {
                self.write(item, depth + 1, out);
            }),
            Value::Object(members) => {
                self.list(
                    out,
                    depth,
                    ('{', '}'),
                    members.iter(),
                    |out, (name, member)| {
                        out.push_str(&Value::from(name.as_str()).to_string());
                        out.push_str(if matches!(self, Self::Compact) {
                            ":"
                        } else {
                            ": "
                        });
                        self.write(member, depth + 1, out);
                    },
                );
            }
            scalar => out.push_str(&scalar.to_string()),
        }
    }

    fn list<T>(
        self,
        out: &mut String,
        depth: usize,
        (open, close): (char, char),
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut String, T),
    ) {
        out.push(open);
        let empty = items.len() == 0;
        for (place, item) in items.enumerate() {
            match self {
                Self::Compact if place > 0 => out.push(','),
                Self::Spaced if place > 0 => out.push_str(", "),
                Self::Compact | Self::Spaced => {}
                Self::Indented(step) => {
                    out.push_str(if place > 0 { ",\n" } else { "\n" });
                    out.push_str(&" ".repeat(step * (depth + 1)));
                }
            }
            write(out, item);
        }
        if let Self::Indented(step) = self
            && !empty
        {
            out.push('\n');
            out.push_str(&" ".repeat(step * depth));
        }
        out.push(close);
    }
}

/// UTF-8 that was read as if every byte were a character.
fn as_latin1(text: &str) -> String {
    text.bytes().map(char::from).collect()
}

/// What a character set without these characters writes.
fn as_ascii(text: &str) -> String {
    text.replace(|character: char| !character.is_ascii(), "?")
}

/// What a Chinese Windows writes, and Java on it, by default: GBK, which has not
/// every character as GB18030 has.
fn as_gbk(text: &str) -> Vec<u8> {
    let mut buffer = [0; 4];
    text.chars()
        .flat_map(
            |character| match GBK.encode(character.encode_utf8(&mut buffer)) {
                (_, _, true) => b"?".to_vec(),
                (bytes, ..) => bytes.into_owned(),
            },
        )
        .collect()
}

/// Non-ASCII as `\uXXXX`, the way several languages print by default.
fn escaped(text: &str, lower: bool) -> String {
    use std::fmt::Write as _;
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, character| {
            if character.is_ascii() {
                out.push(character);
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = if lower {
                        write!(out, "\\u{unit:04x}")
                    } else {
                        write!(out, "\\u{unit:04X}")
                    };
                }
            }
            out
        })
}

/// What a writer of Java, or of Go, escapes by default so that HTML may hold it.
const JAVA: &str = "=<>&'\u{2028}\u{2029}";
const GO: &str = "<>&\u{2028}\u{2029}";

/// These characters as `\uXXXX`.
fn html_safe(characters: &str, text: &str, lower: bool) -> String {
    characters.chars().fold(text.to_owned(), |text, character| {
        let code = u32::from(character);
        let escape = match lower {
            true => format!("\\u{code:04x}"),
            false => format!("\\u{code:04X}"),
        };
        text.replace(character, &escape)
    })
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.as_str());
            members
                .into_iter()
                .map(|(name, member)| (name.clone(), sorted(member)))
                .collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        scalar => scalar.clone(),
    }
}
