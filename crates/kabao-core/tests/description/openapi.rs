//! The description of the API, operation by operation.

use std::{fs, path::Path, sync::LazyLock};

use kabao_core::operation::Caller;
use serde_json::Value;

use crate::schema::{Member, Schema, referred};

/// What the sandbox serves; it stands beside the crates.
pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/openapi.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).expect("JSON")
});

/// One operation at one address.
#[derive(Debug)]
pub(crate) struct Described {
    /// The name that both callers' operations have in common.
    pub(crate) name: String,
    pub(crate) caller: Caller,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) path_members: Schema,
    pub(crate) query: Schema,
    pub(crate) body: Option<Schema>,
    pub(crate) answer: Schema,
}

const OLD_ADDRESS: &str = "_old_address";

/// The operations, those at an old address aside.
pub(crate) fn operations() -> Vec<Described> {
    let mut operations = at_every_address();
    operations.retain(|operation| !operation.name.ends_with(OLD_ADDRESS));
    operations
}

fn at_every_address() -> Vec<Described> {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("methods").keys();
        methods
            .filter(|method| *method != "parameters")
            .map(|method| Described::read(path, method))
    });
    operations.collect()
}

impl Described {
    fn read(path: &str, method: &str) -> Self {
        let item = &DOCUMENT["paths"][path];
        let operation = &item[method];
        let id = operation["operationId"].as_str().expect("an id");
        let parameters = [&item["parameters"], &operation["parameters"]];
        let parameters: Vec<&Value> = parameters
            .into_iter()
            .filter_map(Value::as_array)
            .flatten()
            .map(resolved)
            .collect();
        let members_in = |place: &str| {
            let here = parameters
                .iter()
                .filter(|parameter| parameter["in"] == place);
            let members = here.map(|parameter| {
                let name = parameter["name"].as_str().expect("a name");
                let required = parameter["required"] == true;
                Member::read(name, &parameter["schema"], required)
            });
            Schema::object(members.collect())
        };
        let answer = resolved(&operation["responses"]["200"]);
        let body = operation.get("requestBody");
        let brand = operation["tags"][0] == "brand";
        Self {
            name: id.trim_start_matches("brand_").to_owned(),
            caller: match brand {
                true => Caller::Brand,
                // The value that an instance has for it.
                false => Caller::Partner {
                    brand_id: "brand_id".into(),
                },
            },
            method: method.to_uppercase(),
            path: path.to_owned(),
            path_members: members_in("path"),
            query: members_in("query"),
            body: body.map(content),
            answer: content(answer),
        }
    }

    /// For messages.
    pub(crate) fn address(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The schema of a body, whatever its type.
pub(crate) fn content(body: &Value) -> Schema {
    let types = body["content"].as_object().expect("types");
    let (_, only) = types.iter().next().expect("one type");
    Schema::read(&only["schema"])
}

fn resolved(value: &'static Value) -> &'static Value {
    match value.get("$ref") {
        Some(reference) => referred(reference),
        None => value,
    }
}

#[test]
fn an_old_address_takes_and_gives_the_same() {
    let operations = at_every_address();
    let old: Vec<&Described> = operations
        .iter()
        .filter(|operation| operation.name.ends_with(OLD_ADDRESS))
        .collect();
    let [old] = old[..] else {
        panic!("{old:?}");
    };
    let new = operations.iter().find(|operation| {
        old.name == format!("{}{OLD_ADDRESS}", operation.name) && operation.caller == old.caller
    });
    let new = new.expect("what took its place");
    assert_eq!((&old.body, &old.answer), (&new.body, &new.answer));
    assert_eq!(
        old.path,
        "/v3/brand/partner/card-member/open-user-card-tokens"
    );
}
