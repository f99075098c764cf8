//! `config.toml`: named profiles of text settings.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use toml::Value;

use super::{sandbox::SandboxSettings, setting::Setting};
use crate::problem::Problem;

/// The configuration file, read and checked for keys nobody knows.
#[derive(Debug, Default)]
pub(crate) struct ConfigFile {
    path: PathBuf,
    default_profile: Option<String>,
    profiles: BTreeMap<String, BTreeMap<String, String>>,
    sandbox: SandboxSettings,
}

impl ConfigFile {
    /// Reads the file; an absent one is an error only if the user named it.
    pub(crate) fn read(path: &Path, is_named: bool) -> Result<Option<Self>, Problem> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_named => Ok(None),
            Err(error) => Err(Problem::unreadable("the configuration file", path, &error)),
        }
    }

    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, Problem> {
        let wrong = |what: String| Problem::new(format!("{}: {what}", path.display()));
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            wrong(format!(
                "not TOML{}: {}",
                place(&error, text),
                error.message()
            ))
        })?;
        let mut file = Self {
            path: path.to_owned(),
            ..Self::default()
        };
        for (key, value) in table {
            match (key.as_str(), value) {
                ("default_profile", Value::String(name)) => file.default_profile = Some(name),
                ("profiles", Value::Table(profiles)) => {
                    for (name, profile) in profiles {
                        let settings = profile_settings(&name, profile).map_err(wrong)?;
                        file.profiles.insert(name, settings);
                    }
                }
                ("sandbox", Value::Table(sandbox)) => {
                    let folder = path.parent().unwrap_or(Path::new(""));
                    let settings = SandboxSettings::from_table(sandbox, folder);
                    file.sandbox = settings.map_err(wrong)?;
                }
                ("default_profile", _) => {
                    return Err(wrong("`default_profile` is the name of a profile".into()));
                }
                ("profiles", _) => {
                    return Err(wrong("profiles are written [profiles.NAME]".into()));
                }
                ("sandbox", _) => {
                    return Err(wrong("the sandbox's settings are written [sandbox]".into()));
                }
                (other, _) => {
                    return Err(wrong(format!("unknown key `{other}`"))
                        .hint("known are `default_profile`, [profiles.NAME] and [sandbox]"));
                }
            }
        }
        Ok(file)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn default_profile(&self) -> Option<&str> {
        self.default_profile.as_deref()
    }

    pub(crate) fn profile(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.profiles.get(name)
    }

    pub(crate) fn sandbox(&self) -> &SandboxSettings {
        &self.sandbox
    }

    pub(crate) fn profile_names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }
}

fn profile_settings(name: &str, profile: Value) -> Result<BTreeMap<String, String>, String> {
    let Value::Table(table) = profile else {
        return Err(format!(
            "`{name}` in [profiles] is not a table; write [profiles.{name}]"
        ));
    };
    table
        .into_iter()
        .map(|(key, value)| {
            if Setting::from_key(&key).is_none() {
                let known: Vec<_> = Setting::ALL.iter().map(|setting| setting.key).collect();
                return Err(format!(
                    "unknown key `{key}` in [profiles.{name}]; known are {}",
                    known.join(", ")
                ));
            }
            match value {
                Value::String(text) => Ok((key, text)),
                // An mchid without quotes means what it looks like.
                Value::Integer(number) => Ok((key, number.to_string())),
                other => Err(format!(
                    "`{key}` in [profiles.{name}] is a text, not {}",
                    other.type_str()
                )),
            }
        })
        .collect()
}

fn place(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    before.map_or_else(String::new, |before| {
        let line = before.matches('\n').count() + 1;
        format!(" (line {line})")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConfigFile, Problem> {
        ConfigFile::parse(Path::new("/c/config.toml"), text)
    }

    #[test]
    fn profiles_are_read() {
        let file = parse(
            "default_profile = 'shop'\n[profiles.shop]\nmchid = 1900000001\n\
             [sandbox]\nupdate_time = true\n",
        );
        let file = file.expect("a good file");
        assert_eq!(file.default_profile(), Some("shop"));
        let shop = file.profile("shop").expect("the profile");
        assert_eq!(shop.get("mchid").map(String::as_str), Some("1900000001"));
        assert!(file.sandbox().switches.update_time);
    }

    #[test]
    fn every_mistake_names_the_file_and_the_key() {
        for (text, wanted) in [
            ("colour = 1", "unknown key `colour`"),
            ("default_profile = 1", "`default_profile`"),
            ("profiles = 1", "[profiles.NAME]"),
            ("sandbox = 1", "[sandbox]"),
            ("[sandbox]\nx = 1", "unknown key `x` in [sandbox]"),
            ("profiles.shop = 1", "[profiles.shop]"),
            (
                "[profiles.shop]\nserialno = 'x'",
                "unknown key `serialno` in [profiles.shop]",
            ),
            (
                "[profiles.shop]\nmchid = true",
                "`mchid` in [profiles.shop] is a text, not boolean",
            ),
            ("a = 'b'\nc = ", "(line 2)"),
        ] {
            let problem = parse(text).expect_err(text).to_string();
            assert!(problem.contains(wanted), "{text}: {problem}");
            assert!(problem.contains("/c/config.toml"), "{text}: {problem}");
        }
    }

    #[test]
    fn an_absent_file_matters_only_if_it_was_named() {
        let path = Path::new("/nonexistent/kabao/config.toml");
        assert!(ConfigFile::read(path, false).expect("no error").is_none());
        let problem = ConfigFile::read(path, true).expect_err("named");
        assert!(
            problem.to_string().contains("/nonexistent/kabao"),
            "{problem}"
        );
    }
}
