//! The members of a request, wherever they stand.

use std::ops::RangeInclusive;

use http::Method;
use kabao_core::{
    field::FieldError,
    query::{decode_component, decode_pairs},
};
use serde_json::{Map, Value};

use crate::{gate::Received, operations::PathParams, refusal::Refusal};

/// Where a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Body,
}

impl Place {
    fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Body => "body",
        }
    }

    /// Blames a member that stands here: by its name, in a body by JSON
    /// Pointer.
    pub(crate) fn blame(self, name: &str, value: &str, issue: impl Into<String>) -> Refusal {
        let field = match self {
            Self::Body => format!("/{name}"),
            Self::Path | Self::Query => name.to_owned(),
        };
        let shown: String = value.chars().take(40).collect();
        Refusal::param(self.as_str(), &FieldError::new(field, shown, issue))
    }
}

/// Path parameters, query parameters and the JSON body.
#[derive(Debug)]
pub(crate) struct Members {
    path: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Map<String, Value>,
    /// Where a member belongs that stands nowhere.
    pub(super) usual: Place,
}

impl Members {
    /// Decodes everything once; refuses what no operation takes.
    pub(crate) fn read(request: &Received, params: PathParams) -> Result<Self, Refusal> {
        let mut path = Vec::with_capacity(params.len());
        for (name, raw) in params {
            // In a path `+` is a plus.
            let value = decode_component(&raw).ok_or_else(|| not_text(Place::Path, &name))?;
            refuse_four_byte("path", &name, &value)?;
            path.push((name, value));
        }
        let query = decode_pairs(request.query().unwrap_or_default())
            .ok_or_else(|| not_text(Place::Query, "query"))?;
        for (name, value) in &query {
            refuse_four_byte("query", name, name)?;
            refuse_four_byte("query", name, value)?;
        }
        let usual = match request.method {
            Method::GET | Method::DELETE => Place::Query,
            _ => Place::Body,
        };
        Ok(Self {
            path,
            query,
            body: body(request)?,
            usual,
        })
    }

    /// A required text of 1 to `limit` characters.
    pub(crate) fn text(&self, name: &str, limit: usize) -> Result<String, Refusal> {
        self.optional_text(name, limit)?
            .ok_or_else(|| self.usual.blame(name, "", "必填参数缺失"))
    }

    /// A text of 1 to `limit` characters; see [`placed_text`](Self::placed_text).
    pub(crate) fn optional_text(
        &self,
        name: &str,
        limit: usize,
    ) -> Result<Option<String>, Refusal> {
        let Some((place, value)) = self.placed_text(name)? else {
            return Ok(None);
        };
        let length = value.chars().count();
        if length == 0 || length > limit {
            let issue = format!("长度应为1至{limit}个字符，实际{length}个");
            return Err(place.blame(name, value, issue));
        }
        Ok(Some(value.to_owned()))
    }

    /// A text from the path, or else from query or body; in both it must be the
    /// same.
    pub(crate) fn placed_text(&self, name: &str) -> Result<Option<(Place, &str)>, Refusal> {
        if let Some(value) = value_of(Place::Path, &self.path, name)? {
            return Ok(Some((Place::Path, value)));
        }
        let in_query = value_of(Place::Query, &self.query, name)?;
        let in_body = match self.body.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.as_str()),
            Some(other) => return Err(Place::Body.blame(name, &other.to_string(), "应为字符串")),
        };
        match (in_query, in_body) {
            (Some(query), Some(body)) if query != body => {
                Err(Place::Body.blame(name, body, format!("与query中的值不一致：{query}")))
            }
            (Some(value), _) => Ok(Some((Place::Query, value))),
            (None, Some(value)) => Ok(Some((Place::Body, value))),
            (None, None) => Ok(None),
        }
    }

    /// A required whole number of the query within a range.
    pub(super) fn number(&self, name: &str, range: RangeInclusive<u64>) -> Result<u64, Refusal> {
        let text = value_of(Place::Query, &self.query, name)?.unwrap_or_default();
        let number = text.parse::<u64>().ok();
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let issue = match *range.end() {
                    u64::MAX => format!("应为不小于{}的整数", range.start()),
                    end => format!("应为{}至{end}的整数", range.start()),
                };
                Place::Query.blame(name, text, issue)
            })
    }
}

pub(super) fn value_of<'a>(
    place: Place,
    pairs: &'a [(String, String)],
    name: &str,
) -> Result<Option<&'a str>, Refusal> {
    let mut values = pairs
        .iter()
        .filter(|(known, _)| known == name)
        .map(|(_, value)| value.as_str());
    let first = values.next();
    match values.find(|other| Some(*other) != first) {
        None => Ok(first),
        Some(other) => Err(place.blame(name, other, "参数重复且值不一致")),
    }
}

fn body(request: &Received) -> Result<Map<String, Value>, Refusal> {
    let bytes = &request.body;
    // Parts are for the operation that takes them.
    let in_parts = request.boundary.is_some();
    if bytes.is_empty() || request.method == Method::GET || in_parts {
        return Ok(Map::new());
    }
    let bad = |issue: String| Refusal::param("body", &FieldError::new("/", "", issue));
    let text = std::str::from_utf8(bytes).map_err(|_| bad("请求体不是UTF-8文本".into()))?;
    let value: Value = serde_json::from_str(text)
        .map_err(|error| bad(format!("请求体不是合法的JSON：{error}")))?;
    if let Some(at) = four_byte_in(&value) {
        return Err(four_byte("body", &at));
    }
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(bad("请求体应为JSON对象".into())),
    }
}

/// Only characters of one to three UTF-8 bytes are supported.
pub(crate) fn refuse_four_byte(place: &'static str, name: &str, text: &str) -> Result<(), Refusal> {
    match is_four_byte(text) {
        false => Ok(()),
        true => Err(four_byte(place, name)),
    }
}

fn four_byte(place: &'static str, name: &str) -> Refusal {
    let issue = "含有不支持的字符（4字节UTF-8，例如表情符号）";
    Refusal::param(place, &FieldError::new(name, "", issue))
}

fn is_four_byte(text: &str) -> bool {
    text.chars().any(|character| character.len_utf8() == 4)
}

/// Where the first of the others is. The way there is spelled only if there is
/// one, or a long name would be written as often as it has members.
fn four_byte_in(value: &Value) -> Option<String> {
    let below = |step: &dyn std::fmt::Display, value| {
        four_byte_in(value).map(|deeper| format!("/{step}{deeper}"))
    };
    match value {
        Value::String(text) => is_four_byte(text).then(String::new),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(place, item)| below(&place, item))
        }
        Value::Object(members) => {
            members
                .iter()
                .find_map(|(name, member)| match is_four_byte(name) {
                    true => Some(format!("/{name}")),
                    false => below(name, member),
                })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn not_text(place: Place, name: &str) -> Refusal {
    place.blame(name, "", "不是合法的百分号编码UTF-8文本")
}
