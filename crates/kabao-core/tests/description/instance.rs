//! Values made from a schema: with every member, or as few as may be. A text names its own
//! member, so that two members cannot be taken for each other.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kabao_core::{
    Sealed, Sensitive,
    sensitive::{OpenError, Opener, SealError, Sealer},
};
use serde_json::{Map, Value};

use crate::schema::{Kind, Member, Schema};

/// Whether values that are to be sealed are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Sealed,
}

/// How many turns it takes to see every name of every enum.
pub(crate) const TURNS: usize = 7;

/// Every member, in another turn with another name of every enum.
pub(crate) fn full(schema: &Schema, turn: usize, form: Form) -> Value {
    let optional = true;
    let make = Make {
        turn,
        form,
        optional,
    };
    make.value(schema, "")
}

/// The members that are required.
pub(crate) fn least(schema: &Schema, form: Form) -> Value {
    let optional = false;
    let make = Make {
        turn: 0,
        form,
        optional,
    };
    make.value(schema, "")
}

struct Make {
    turn: usize,
    form: Form,
    /// Whether members that are optional are there.
    optional: bool,
}

impl Make {
    fn value(&self, schema: &Schema, at: &str) -> Value {
        match &schema.kind {
            Kind::Object(members) => {
                let members = members
                    .iter()
                    .filter(|member| member.required || self.optional);
                let members = members.map(|member| {
                    let value = self.value(&member.schema, &join(at, &member.name));
                    (member.name.clone(), value)
                });
                Value::Object(members.collect())
            }
            Kind::Array(item) => [0, 1]
                .map(|index| {
                    let turn = self.turn + index;
                    Self { turn, ..*self }.value(item, &join(at, &index.to_string()))
                })
                .into_iter()
                .collect(),
            Kind::Text(names) if names.is_empty() => match (schema.sensitive, self.form) {
                (true, Form::Sealed) => seal(at).into(),
                _ => at.into(),
            },
            Kind::Text(names) => {
                assert!(names.len() <= TURNS, "{names:?} need more turns");
                names[self.turn % names.len()].clone().into()
            }
            Kind::Time => "2020-05-20T13:29:35.120+08:00".into(),
            // Any number will do, and another for each member.
            Kind::Integer => at.bytes().map(u64::from).sum::<u64>().into(),
            Kind::Boolean => true.into(),
            Kind::Bytes => "<bytes>".into(),
        }
    }
}

/// The same with one member under another name, for each of those names.
pub(crate) fn under_older_names(schema: &Schema, form: Form) -> Vec<Value> {
    let whole = full(schema, 0, form);
    let members = whole.as_object().expect("members");
    let mut found = Vec::new();
    for member in schema.members() {
        for alias in &member.aliases {
            let renamed = |(name, value): (&String, &Value)| match *name == member.name {
                true => (alias.clone(), value.clone()),
                false => (name.clone(), value.clone()),
            };
            let members: Map<String, Value> = members.iter().map(renamed).collect();
            found.push(Value::Object(members));
        }
        // A list's rows have names of their own.
        if let Kind::Array(item) = &member.schema.kind {
            found.extend(rows_under_older_names(member, item, members, form));
        }
    }
    found
}

fn rows_under_older_names(
    list: &Member,
    item: &Schema,
    members: &Map<String, Value>,
    form: Form,
) -> Vec<Value> {
    let rows = under_older_names(item, form).into_iter();
    let lists = rows.map(|row| {
        let mut members = members.clone();
        members.insert(list.name.clone(), Value::Array(vec![row]));
        Value::Object(members)
    });
    lists.collect()
}

fn join(at: &str, name: &str) -> String {
    match at {
        "" => name.to_owned(),
        _ => format!("{at}.{name}"),
    }
}

/// Seals by filling an RSA block up with zeros.
#[derive(Debug)]
pub(crate) struct Blocks;

fn seal(text: &str) -> String {
    let mut block = text.as_bytes().to_vec();
    block.resize(256, 0);
    STANDARD.encode(block)
}

impl Sealer for Blocks {
    fn seal(&self, value: &Sensitive) -> Result<Sealed, SealError> {
        Ok(Sealed::from_wire(seal(value.expose())))
    }
}

impl Opener for Blocks {
    fn open(&self, sealed: &Sealed) -> Result<Sensitive, OpenError> {
        let block = STANDARD.decode(sealed.as_str());
        let block = block.map_err(|_| OpenError::NotBase64)?;
        let text = std::str::from_utf8(&block).map_err(|_| OpenError::NotText)?;
        match text.len() {
            256 => Ok(Sensitive::from(text.trim_end_matches('\0'))),
            _ => Err(OpenError::OtherKey),
        }
    }
}
