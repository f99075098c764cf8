//! The files of this folder: what the documentation prints, one operation each.

use std::{fs, path::PathBuf};

use kabao_core::{
    Sealed, Sensitive,
    sensitive::{OpenError, Opener, SealError, Sealer},
};
use serde_json::Value;

/// What stands for a sealed value in the documentation.
pub(crate) const CIPHERTEXT: &str = "<base64 ciphertext>";

/// What it opens to here.
pub(crate) const OPENED: &str = "opened";

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sample {
    pub(crate) method: String,
    /// Path and query of a service provider.
    pub(crate) target: String,
    pub(crate) body: Option<Value>,
    /// How a brand asks the same, if it can.
    pub(crate) brand: Option<Brand>,
    pub(crate) answer: Value,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Brand {
    pub(crate) target: String,
    /// Stands here where it differs by more than the brand's id.
    #[serde(default = "as_usual")]
    body: Value,
}

fn as_usual() -> Value {
    Value::from("as usual")
}

impl Sample {
    pub(crate) fn of(operation: &str) -> Self {
        let path = folder().join(format!("{operation}.json"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
    }

    /// The operations that have a file.
    pub(crate) fn names() -> Vec<String> {
        let entries = fs::read_dir(folder()).expect("the folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names
            .filter_map(|name| Some(name.to_str()?.strip_suffix(".json")?.to_owned()))
            .collect();
        names.sort();
        names
    }

    pub(crate) fn brand_body(&self, brand: &Brand) -> Option<Value> {
        if brand.body != as_usual() {
            return Some(brand.body.clone()).filter(|body| !body.is_null());
        }
        let mut body = self.body.clone()?;
        let members = body.as_object_mut().expect("members");
        members
            .remove("brand_id")
            .expect("what makes the difference");
        Some(body)
    }

    /// The answer with its values opened.
    pub(crate) fn opened(&self) -> Value {
        let text = self.answer.to_string().replace(CIPHERTEXT, OPENED);
        serde_json::from_str(&text).expect("JSON")
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

/// Seals and opens as the documentation does.
pub(crate) struct Printed;

impl Sealer for Printed {
    fn seal(&self, _value: &Sensitive) -> Result<Sealed, SealError> {
        Ok(Sealed::from_wire(CIPHERTEXT))
    }
}

impl Opener for Printed {
    fn open(&self, sealed: &Sealed) -> Result<Sensitive, OpenError> {
        match sealed.as_str() {
            CIPHERTEXT => Ok(Sensitive::from(OPENED)),
            _ => Err(OpenError::NotBase64),
        }
    }
}
