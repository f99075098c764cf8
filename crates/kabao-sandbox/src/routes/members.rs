//! The members of a request, wherever they stand.

use http::Method;
use kabao_core::{field::FieldError, query::decode_pairs};
use serde_json::{Map, Value};

use crate::{gate::Received, operations::PathParams, refusal::Refusal};

/// Path parameters, query parameters and the JSON body.
#[derive(Debug, Default)]
pub(crate) struct Members {
    path: Vec<(String, String)>,
    query: Vec<(String, String)>,
    body: Map<String, Value>,
}

impl Members {
    /// Decodes everything once; refuses what no operation takes.
    pub(crate) fn read(request: &Received, params: PathParams) -> Result<Self, Refusal> {
        let mut path = Vec::with_capacity(params.len());
        for (name, raw) in params {
            let value = decode(&raw).ok_or_else(|| not_text("path", &name))?;
            path.push((name, value));
        }
        let query = decode_pairs(request.query().unwrap_or_default())
            .ok_or_else(|| not_text("query", "query"))?;
        for (name, value) in path.iter() {
            refuse_four_byte("path", name, value)?;
        }
        for (name, value) in query.iter() {
            refuse_four_byte("query", name, name)?;
            refuse_four_byte("query", name, value)?;
        }
        Ok(Self {
            path,
            query,
            body: body(request)?,
        })
    }

    /// The JSON body's members.
    pub(crate) fn body(&self) -> &Map<String, Value> {
        &self.body
    }

    /// A required text of 1 to `limit` characters.
    pub(crate) fn text(&self, name: &str, limit: usize) -> Result<String, Refusal> {
        self.optional_text(name, limit)?
            .ok_or_else(|| Refusal::param("query", &FieldError::new(name, "", "必填参数缺失")))
    }

    /// A text from path, query or body. In two places it must be the same.
    pub(crate) fn optional_text(
        &self,
        name: &str,
        limit: usize,
    ) -> Result<Option<String>, Refusal> {
        let in_body = match self.body.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.as_str()),
            Some(other) => {
                let error = FieldError::new(format!("/{name}"), other.to_string(), "应为字符串");
                return Err(Refusal::param("body", &error));
            }
        };
        let places = [
            ("path", value_of(&self.path, name)?),
            ("query", value_of(&self.query, name)?),
            ("body", in_body),
        ];
        let mut given = places
            .into_iter()
            .filter_map(|(place, value)| value.map(|value| (place, value)));
        let Some((place, value)) = given.next() else {
            return Ok(None);
        };
        if let Some((other_place, other)) = given.find(|(_, other)| *other != value) {
            let issue = format!("{place}与{other_place}中的值不一致：{value}");
            return Err(Refusal::param(
                other_place,
                &FieldError::new(name, other, issue),
            ));
        }
        let length = value.chars().count();
        if length == 0 || length > limit {
            let issue = format!("长度应为1至{limit}个字符，实际{length}个");
            let shown: String = value.chars().take(40).collect();
            return Err(Refusal::param(place, &FieldError::new(name, shown, issue)));
        }
        Ok(Some(value.to_owned()))
    }

    /// A required whole number of the query within a range.
    pub(crate) fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, Refusal> {
        let text = value_of(&self.query, name)?.unwrap_or_default();
        text.parse::<u64>()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let issue = match *range.end() {
                    u64::MAX => format!("应为不小于{}的整数", range.start()),
                    end => format!("应为{}至{end}的整数", range.start()),
                };
                Refusal::param("query", &FieldError::new(name, text, issue))
            })
    }
}

fn value_of<'a>(pairs: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = pairs
        .iter()
        .filter(|(known, _)| known == name)
        .map(|(_, value)| value.as_str());
    let first = values.next();
    match values.find(|other| Some(*other) != first) {
        None => Ok(first),
        Some(other) => Err(Refusal::param(
            "query",
            &FieldError::new(name, other, "参数重复且值不一致"),
        )),
    }
}

fn body(request: &Received) -> Result<Map<String, Value>, Refusal> {
    let bytes = &request.body;
    if bytes.is_empty() || request.method == Method::GET {
        return Ok(Map::new());
    }
    let bad = |issue: String| Refusal::param("body", &FieldError::new("/", "", issue));
    let text = std::str::from_utf8(bytes).map_err(|_| bad("请求体不是UTF-8文本".into()))?;
    let value: Value = serde_json::from_str(text)
        .map_err(|error| bad(format!("请求体不是合法的JSON：{error}")))?;
    refuse_four_byte_in("", &value)?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(bad("请求体应为JSON对象".into())),
    }
}

/// Only characters of one to three UTF-8 bytes are supported.
pub(crate) fn refuse_four_byte(place: &'static str, name: &str, text: &str) -> Result<(), Refusal> {
    if text.chars().all(|character| character.len_utf8() < 4) {
        return Ok(());
    }
    let issue = "含有不支持的字符（4字节UTF-8，例如表情符号）";
    Err(Refusal::param(place, &FieldError::new(name, "", issue)))
}

fn refuse_four_byte_in(at: &str, value: &Value) -> Result<(), Refusal> {
    match value {
        Value::String(text) => refuse_four_byte("body", at, text),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(place, item)| refuse_four_byte_in(&format!("{at}/{place}"), item)),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            refuse_four_byte("body", &format!("{at}/{name}"), name)?;
            refuse_four_byte_in(&format!("{at}/{name}"), member)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Percent-decoding of a path segment, where `+` is a plus.
fn decode(raw: &str) -> Option<String> {
    kabao_core::query::decode_component(raw)
}

fn not_text(place: &'static str, name: &str) -> Refusal {
    Refusal::param(
        place,
        &FieldError::new(name, "", "不是合法的百分号编码UTF-8文本"),
    )
}
