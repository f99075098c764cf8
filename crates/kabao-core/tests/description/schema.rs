//! What a JSON Schema says of the members that a value has.

use serde_json::{Map, Value};

use crate::openapi::DOCUMENT;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Schema {
    pub(crate) kind: Kind,
    /// Whether the value travels sealed.
    pub(crate) sensitive: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Object(Vec<Member>),
    Array(Box<Schema>),
    Text(Vec<String>),
    Time,
    Integer,
    Boolean,
    Bytes,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) schema: Schema,
    pub(crate) required: bool,
    /// Names that older pages have for it.
    pub(crate) aliases: Vec<String>,
    /// Whether only older pages have it.
    pub(crate) older: bool,
}

impl Schema {
    pub(crate) fn object(members: Vec<Member>) -> Self {
        Self {
            kind: Kind::Object(members),
            sensitive: false,
        }
    }

    pub(crate) fn members(&self) -> &[Member] {
        match &self.kind {
            Kind::Object(members) => members,
            _ => &[],
        }
    }

    pub(crate) fn read(schema: &Value) -> Self {
        let schema = whole(schema);
        let text = |name: &str| schema.get(name).and_then(Value::as_str);
        let kind = match (text("type"), text("format")) {
            (Some("object"), _) => Kind::Object(members(&schema)),
            (Some("array"), _) => Kind::Array(Box::new(Self::read(&schema["items"]))),
            (Some("string"), Some("date-time")) => Kind::Time,
            (Some("string"), Some("binary")) => Kind::Bytes,
            (Some("string"), _) => Kind::Text(texts(schema.get("enum"))),
            (Some("integer"), _) => Kind::Integer,
            (Some("boolean"), _) => Kind::Boolean,
            _ => panic!("a schema that this test does not read: {schema:?}"),
        };
        Self {
            kind,
            sensitive: schema.contains_key("x-sensitive"),
        }
    }
}

impl Member {
    pub(crate) fn read(name: &str, schema: &Value, required: bool) -> Self {
        let marks = whole(schema);
        Self {
            name: name.to_owned(),
            schema: Schema::read(schema),
            required,
            aliases: texts(marks.get("x-aliases")),
            older: marks.contains_key("x-generation"),
        }
    }
}

fn members(schema: &Map<String, Value>) -> Vec<Member> {
    let required = texts(schema.get("required"));
    let properties = schema.get("properties").and_then(Value::as_object);
    let members: Vec<Member> = properties
        .into_iter()
        .flatten()
        .map(|(name, schema)| Member::read(name, schema, required.contains(name)))
        .collect();
    let found = members.iter().filter(|member| member.required).count();
    assert_eq!(found, required.len(), "{required:?} of {schema:?}");
    members
}

/// A schema with what it refers to and what it consists of in one.
pub(crate) fn whole(schema: &Value) -> Map<String, Value> {
    let mut own = schema.as_object().expect("an object").clone();
    let mut whole = Map::new();
    if let Some(reference) = own.shift_remove("$ref") {
        merge(&mut whole, self::whole(referred(&reference)));
    }
    if let Some(parts) = own.shift_remove("allOf") {
        for part in parts.as_array().expect("a list") {
            merge(&mut whole, self::whole(part));
        }
    }
    merge(&mut whole, own);
    whole
}

/// What a reference leads to.
pub(crate) fn referred(reference: &Value) -> &'static Value {
    let pointer = reference.as_str().and_then(|text| text.strip_prefix('#'));
    let found = pointer.and_then(|pointer| DOCUMENT.pointer(pointer));
    found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

/// Objects are joined, lists of names too; of the rest the later one counts.
fn merge(into: &mut Map<String, Value>, from: Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (Some(Value::Object(known)), Value::Object(more)) => merge(known, more),
            (Some(Value::Array(known)), Value::Array(more)) if name == "required" => {
                known.extend(more);
            }
            (_, value) => drop(into.insert(name, value)),
        }
    }
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array);
    let texts = items.into_iter().flatten().filter_map(Value::as_str);
    texts.map(ToOwned::to_owned).collect()
}
