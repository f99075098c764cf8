//! Credentials that the sandbox hands out, as a folder: the same files under the
//! same names that `sandbox serve --credentials` writes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use kabao_sandbox::{credentials::write_private, folder::private_folder};
use serde_json::{Map, Value, json};

use crate::problem::Problem;

const IDS: &str = "credentials.json";

/// A merchant's and a brand's, beside the ids.
const SECRETS: [&str; 2] = ["apiv3_key", "api_key"];

/// A folder for one caller's credentials.
pub(crate) struct Folder {
    path: PathBuf,
    is_brand: bool,
    /// Whose it may be already; `None` if it is to be a new one.
    owner: Option<String>,
}

impl Folder {
    /// For a merchant that is just being made.
    pub(crate) fn of_a_new_merchant(path: PathBuf) -> Self {
        Self {
            path,
            is_brand: false,
            owner: None,
        }
    }

    /// For a brand that is just being made.
    pub(crate) fn of_a_new_brand(path: PathBuf) -> Self {
        Self {
            is_brand: true,
            ..Self::of_a_new_merchant(path)
        }
    }

    /// Of a merchant that is there: its own, or an empty one.
    pub(crate) fn of_merchant(path: PathBuf, mchid: String) -> Self {
        Self {
            owner: Some(mchid),
            ..Self::of_a_new_merchant(path)
        }
    }

    /// Of a brand that is there: its own, or an empty one.
    pub(crate) fn of_brand(path: PathBuf, brand_id: String) -> Self {
        Self {
            owner: Some(brand_id),
            ..Self::of_a_new_brand(path)
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nobody else's keys would be overwritten.
    fn check(&self) -> Result<(), Problem> {
        let ids = self.ids()?;
        let key = self.place().join("apiclient_key.pem");
        match (&self.owner, self.own(&ids)) {
            (_, None) if !key.exists() => Ok(()),
            (Some(owner), Some(own)) if own.get(self.item()) == Some(&json!(owner)) => Ok(()),
            (Some(owner), Some(_)) => Err(Problem::new(format!(
                "{} are not the credentials of {} {owner}",
                self.path.join(IDS).display(),
                self.item()
            ))
            .hint("name its own folder, or an empty one")),
            _ => Err(Problem::new(format!(
                "{} holds somebody's keys already",
                self.place().display()
            ))
            .hint("choose another folder, or move that one away")),
        }
    }

    /// Makes the folder, and sees that files can be written into it: keys are handed
    /// out once.
    ///
    /// # Errors
    /// [`Problem`] names the folder, or whose keys would be overwritten.
    pub(crate) fn prepare(&self) -> Result<(), Problem> {
        self.check()?;
        for folder in [&self.path, &self.place()] {
            let made = private_folder(folder).and_then(|()| tempfile::tempfile_in(folder));
            made.map_err(|error| {
                Problem::new(format!("{} cannot take the keys", folder.display()))
                    .caused_by(&error)
                    .hint("nothing was changed; name another folder with --credentials")
            })?;
        }
        Ok(())
    }

    /// Writes what was handed out, the ids last, and gives them without the
    /// secret, which a terminal has no need to show.
    ///
    /// # Errors
    /// [`Problem`] names the file.
    pub(crate) fn write(&self, answer: Value) -> Result<Value, Problem> {
        let Value::Object(answer) = answer else {
            return Err(Problem::refused("the sandbox handed out no credentials"));
        };
        let (command, id) = match self.is_brand {
            true => ("brand", answer.get("brand_id")),
            false => ("merchant", answer.get("mchid")),
        };
        let id = id.and_then(Value::as_str).unwrap_or("ID").to_owned();
        self.keep(answer).map_err(|problem| {
            problem.hint(format!(
                "the sandbox has made them all the same; `kabao sandbox {command} \
                 renew-certificate {id} --credentials DIR` hands them out again, with another \
                 certificate"
            ))
        })
    }

    fn keep(&self, answer: Map<String, Value>) -> Result<Value, Problem> {
        let place = self.place();
        let (files, ids): (Map<_, _>, Map<_, _>) = answer
            .into_iter()
            .partition(|(name, _)| name.ends_with(".pem"));
        for (name, text) in &files {
            // The authority is everybody's.
            let folder = if name == "ca.pem" { &self.path } else { &place };
            write(folder, name, text.as_str().unwrap_or_default())?;
        }
        let whole = self.merged(ids.clone())?;
        write(&self.path, IDS, &format!("{whole:#}\n"))?;
        let shown = ids
            .into_iter()
            .filter(|(name, _)| !SECRETS.contains(&name.as_str()));
        Ok(Value::Object(shown.collect()))
    }

    /// The ids that are there, with those that are new.
    fn merged(&self, mut new: Map<String, Value>) -> Result<Value, Problem> {
        let mut whole = self.ids()?.unwrap_or_default();
        if !self.is_brand {
            whole.extend(new);
            return Ok(Value::Object(whole));
        }
        if let Some(base_url) = new.remove("base_url") {
            whole.entry("base_url").or_insert(base_url);
        }
        if let Some(brand_id) = new.get("brand_id") {
            whole.insert("brand_id".into(), brand_id.clone());
        }
        match whole.get_mut("brand").and_then(Value::as_object_mut) {
            Some(brand) => brand.extend(new),
            None => drop(whole.insert("brand".into(), Value::Object(new))),
        }
        Ok(Value::Object(whole))
    }

    fn ids(&self) -> Result<Option<Map<String, Value>>, Problem> {
        let path = self.path.join(IDS);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read(&path).map_err(|error| Problem::unreadable("ids", &path, &error))?;
        let ids = serde_json::from_slice(&text);
        ids.map(Some).map_err(|error| {
            Problem::new(format!("{} is no JSON object", path.display())).caused_by(&error)
        })
    }

    /// Of the ids, the caller's own.
    fn own<'a>(&self, ids: &'a Option<Map<String, Value>>) -> Option<&'a Map<String, Value>> {
        let ids = ids.as_ref()?;
        match self.is_brand {
            true => ids.get("brand")?.as_object(),
            false => ids.contains_key("mchid").then_some(ids),
        }
    }

    fn item(&self) -> &'static str {
        if self.is_brand { "brand_id" } else { "mchid" }
    }

    fn place(&self) -> PathBuf {
        match self.is_brand {
            true => self.path.join("brand"),
            false => self.path.clone(),
        }
    }
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Problem> {
    write_private(folder, name, text)
        .map_err(|error| Problem::new("the credentials cannot be kept").caused_by(&error))
}
