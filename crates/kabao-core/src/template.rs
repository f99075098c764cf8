//! Paths with placeholders, in the spellings that the reference SDKs use.

use std::fmt;

use crate::query::{is_unreserved, push_encoded};

/// A path such as `v3/brand/partner/card-member/user-cards/{user_card_code}`.
///
/// | written | means |
/// |---|---|
/// | `{name}` | the value, percent-encoded whole (`/` too) |
/// | a segment `_name_` or `$name$` | the same |
/// | `{+name}` | a ready piece of path: reserved characters and `%XX` stay |
///
/// Text outside the placeholders is taken as it is (non-ASCII is encoded).
/// Values are never rewritten, only percent-encoded once.
///
/// ```
/// use kabao_core::template::Template;
///
/// let template = Template::parse("v3/marketing/favor/users/{openid}/coupons")?;
/// let path = template.expand(|name| (name == "openid").then_some("AbcD/1"))?;
/// assert_eq!(path, "v3/marketing/favor/users/AbcD%2F1/coupons");
///
/// let template = Template::from_segments(["v3", "cardMember", "_user_card_code_"])?;
/// assert_eq!(template.to_string(), "v3/card-member/{user_card_code}");
/// # Ok::<(), kabao_core::template::TemplateError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Value(String),
    Ready(String),
}

impl Template {
    /// Reads a declared path. A query may follow it (`?a=b`), ready encoded.
    ///
    /// # Errors
    /// [`TemplateError`] if braces do not match or a placeholder has no name.
    pub fn parse(path: &str) -> Result<Self, TemplateError> {
        if path.starts_with("https://") || path.starts_with("http://") {
            return Err(TemplateError::WholeUrl);
        }
        let mut parts = Vec::new();
        let (route, query) = match path.split_once('?') {
            // A `?` inside braces belongs to no one; `parse_braces` refuses it.
            Some((route, _)) => (route, &path[route.len()..]),
            None => (path, ""),
        };
        for (index, segment) in route.split('/').enumerate() {
            if index > 0 {
                push_literal(&mut parts, "/");
            }
            match whole_segment_name(segment) {
                Some(name) => parts.push(Part::Value(name.to_owned())),
                None => parse_braces(segment, path, &mut parts)?,
            }
        }
        if query.contains(['{', '}']) {
            return Err(TemplateError::PlaceholderInQuery {
                path: path.to_owned(),
            });
        }
        push_literal(&mut parts, query);
        Ok(Self { parts })
    }

    /// Joins segment names, each rewritten by [`segment`].
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn from_segments<'a>(
        segments: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, TemplateError> {
        let names: Vec<String> = segments.into_iter().map(segment).collect();
        Self::parse(&names.join("/"))
    }

    /// Puts the values in.
    ///
    /// # Errors
    /// [`TemplateError`] if a value is missing, empty, or would make a dot
    /// segment, which some software on the way resolves.
    pub fn expand<'v>(
        &self,
        value: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<String, TemplateError> {
        let mut path = String::with_capacity(256);
        for part in &self.parts {
            match part {
                Part::Literal(text) => push_ready(&mut path, text),
                Part::Value(name) => {
                    let text = given(name, value(name))?;
                    refuse_dots(name, text)?;
                    push_encoded(&mut path, text, is_unreserved);
                }
                Part::Ready(name) => push_ready(&mut path, given(name, value(name))?),
            }
        }
        check_path(&path)?;
        Ok(path)
    }
}

impl fmt::Display for Template {
    /// The path as declared, without a query, which may hold a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => {
                    if let Some((path, _)) = text.split_once('?') {
                        return f.write_str(path);
                    }
                    f.write_str(text)?;
                }
                Part::Value(name) => write!(f, "{{{name}}}")?,
                Part::Ready(name) => write!(f, "{{+{name}}}")?,
            }
        }
        Ok(())
    }
}

/// Writes one segment name as the wire does: `userCards` becomes `user-cards`,
/// `_name_` and `$name$` become `{name}`. Text inside braces is left alone.
///
/// ```
/// use kabao_core::template::segment;
///
/// assert_eq!(segment("cardMember"), "card-member");
/// assert_eq!(segment("_user_card_code_"), "{user_card_code}");
/// ```
#[must_use]
pub fn segment(name: &str) -> String {
    if let Some(name) = whole_segment_name(name) {
        return format!("{{{name}}}");
    }
    let mut out = String::with_capacity(name.len() + 4);
    let mut in_braces = false;
    for character in name.chars() {
        match character {
            '{' => in_braces = true,
            '}' => in_braces = false,
            _ => {}
        }
        if character.is_ascii_uppercase() && !in_braces {
            if !out.is_empty() {
                out.push('-');
            }
            out.push(character.to_ascii_lowercase());
        } else {
            out.push(character);
        }
    }
    out
}

/// A path could not be built. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// `{` without `}`, or the reverse, or nested ones.
    #[error("unbalanced braces in the path `{path}`")]
    Braces {
        /// The path as declared.
        path: String,
    },
    /// A placeholder without a name.
    #[error("a placeholder without a name in the path `{path}`")]
    NoName {
        /// The path as declared.
        path: String,
    },
    /// No value was given.
    #[error("no value for {{{name}}} in the path; give it with `param(\"{name}\", …)`")]
    MissingValue {
        /// The placeholder.
        name: String,
    },
    /// The value is the empty text, which would address another resource.
    #[error("the value of {{{name}}} in the path is empty")]
    EmptyValue {
        /// The placeholder.
        name: String,
    },
    /// `.` or `..` is resolved away by proxies and libraries.
    #[error("the path would have a dot segment at `{at}`, which is resolved away on the way")]
    DotSegment {
        /// The placeholder or the segment.
        at: String,
    },
    /// Values of a query are given apart from the path.
    #[error("a placeholder in the query of `{path}`; give query parameters with `query(…)`")]
    PlaceholderInQuery {
        /// The path as declared.
        path: String,
    },
    /// The host is the client's business.
    #[error("a whole URL where a path is expected; leave out the scheme and the host")]
    WholeUrl,
    /// A `#` would cut the path short.
    #[error("the path has a fragment (`#`), which is never sent")]
    Fragment,
}

fn given<'v>(name: &str, value: Option<&'v str>) -> Result<&'v str, TemplateError> {
    match value {
        None => Err(TemplateError::MissingValue {
            name: name.to_owned(),
        }),
        Some("") => Err(TemplateError::EmptyValue {
            name: name.to_owned(),
        }),
        Some(text) => Ok(text),
    }
}

fn refuse_dots(name: &str, value: &str) -> Result<(), TemplateError> {
    if matches!(value, "." | "..") {
        return Err(TemplateError::DotSegment {
            at: name.to_owned(),
        });
    }
    Ok(())
}

fn check_path(path: &str) -> Result<(), TemplateError> {
    if path.contains('#') {
        return Err(TemplateError::Fragment);
    }
    let route = path.split('?').next().unwrap_or(path);
    // A backslash reaches here only encoded, so `/` alone separates.
    match route.split('/').find(|segment| is_dots(segment)) {
        Some(segment) => Err(TemplateError::DotSegment {
            at: segment.to_owned(),
        }),
        None => Ok(()),
    }
}

/// `.` or `..`, plain or escaped.
fn is_dots(segment: &str) -> bool {
    let mut rest = segment;
    let mut dots = 0;
    while let Some(tail) = [".", "%2E", "%2e"]
        .iter()
        .find_map(|dot| rest.strip_prefix(dot))
    {
        rest = tail;
        dots += 1;
    }
    rest.is_empty() && matches!(dots, 1 | 2)
}

/// `_name_` and `$name$` as a whole segment. What could not stand as `{name}`
/// is no name, so that a template shown is the template that was read.
fn whole_segment_name(segment: &str) -> Option<&str> {
    let is_name =
        |name: &&str| !name.is_empty() && !name.starts_with('+') && !name.contains(['/', '{', '}']);
    ['_', '$']
        .into_iter()
        .find_map(|mark| segment.strip_prefix(mark)?.strip_suffix(mark))
        .filter(is_name)
}

fn parse_braces(segment: &str, path: &str, parts: &mut Vec<Part>) -> Result<(), TemplateError> {
    let unbalanced = || TemplateError::Braces {
        path: path.to_owned(),
    };
    let mut rest = segment;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').ok_or_else(unbalanced)?;
        if before.contains('}') || name.contains('{') {
            return Err(unbalanced());
        }
        push_literal(parts, before);
        let part = match name.strip_prefix('+') {
            Some(ready) => Part::Ready(ready.to_owned()),
            None => Part::Value(name.to_owned()),
        };
        if matches!(&part, Part::Ready(name) | Part::Value(name) if name.is_empty()) {
            return Err(TemplateError::NoName {
                path: path.to_owned(),
            });
        }
        parts.push(part);
        rest = tail;
    }
    if rest.contains('}') {
        return Err(unbalanced());
    }
    push_literal(parts, rest);
    Ok(())
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Literal(last)) => last.push_str(text),
        _ => parts.push(Part::Literal(text.to_owned())),
    }
}

/// RFC 6570 `{+x}`: unreserved and reserved characters stay, and so do escapes.
fn push_ready(out: &mut String, text: &str) {
    let bytes = text.as_bytes();
    let mut start = 0;
    let keep = |byte: u8| is_unreserved(byte) || b":/?#[]@!$&'()*+,;=".contains(&byte);
    for (index, byte) in bytes.iter().enumerate() {
        let is_escape = *byte == b'%'
            && bytes
                .get(index + 1..index + 3)
                .is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        if is_escape {
            push_encoded(out, &text[start..index], keep);
            out.push('%');
            start = index + 1;
        }
    }
    push_encoded(out, &text[start..], keep);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_in_the_path_is_literal_and_not_shown() {
        let template = Template::parse("v3/billdownload/file?token=T0K").expect("a path");
        assert_eq!(template.to_string(), "v3/billdownload/file");
        let path = template.expand(|_| None).expect("nothing to put in");
        assert_eq!(path, "v3/billdownload/file?token=T0K");
        assert!(matches!(
            Template::parse("v3/x?openid={openid}"),
            Err(TemplateError::PlaceholderInQuery { .. })
        ));
        let whole = Template::parse("https://api.mch.weixin.qq.com/v3/certificates");
        assert_eq!(whole, Err(TemplateError::WholeUrl));
    }
}
