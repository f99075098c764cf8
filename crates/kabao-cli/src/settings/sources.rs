//! Where a setting comes from: the environment, then the profile in the file.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{file::ConfigFile, paths, setting::Setting};
use crate::problem::Problem;

/// Reads an environment variable; an argument so that tests need no global.
pub(crate) type Env<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// The environment and one profile of the file.
pub(crate) struct Sources<'a> {
    env: &'a Env<'a>,
    file: Option<&'a ConfigFile>,
    profile: Option<&'a str>,
}

/// A value, and where the user can change it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) text: String,
    /// For messages: `KABAO_X`, or the key in the file.
    pub(crate) origin: String,
    from: From,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    Environment,
    File { folder: PathBuf },
}

impl<'a> Sources<'a> {
    pub(crate) fn new(
        env: &'a Env<'a>,
        file: Option<&'a ConfigFile>,
        profile: Option<&'a str>,
    ) -> Self {
        Self { env, file, profile }
    }

    pub(crate) fn find(&self, setting: Setting) -> Option<Found> {
        self.in_environment(setting)
            .or_else(|| self.in_file(setting))
    }

    pub(crate) fn in_environment(&self, setting: Setting) -> Option<Found> {
        Some(Found {
            text: (self.env)(setting.variable).filter(|text| !text.is_empty())?,
            origin: setting.variable.to_owned(),
            from: From::Environment,
        })
    }

    pub(crate) fn in_file(&self, setting: Setting) -> Option<Found> {
        let (file, profile) = (self.file?, self.profile?);
        let text = file.profile(profile)?.get(setting.key)?;
        if text.is_empty() {
            return None;
        }
        let path = file.path();
        Some(Found {
            text: text.clone(),
            origin: format!(
                "`{}` in [profiles.{profile}] of {}",
                setting.key,
                path.display()
            ),
            from: From::File {
                folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            },
        })
    }

    /// A setting that must be there.
    pub(crate) fn require(&self, setting: Setting, what: &str) -> Result<Found, Problem> {
        self.find(setting).ok_or_else(|| {
            Problem::new(format!("{what} is missing: {} is not set", setting.key))
                .hint(self.how_to_set(setting))
        })
    }

    /// Where a setting would go.
    pub(crate) fn how_to_set(&self, setting: Setting) -> String {
        let Setting { key, variable } = setting;
        let profile = self.profile.unwrap_or("NAME");
        let file = match self.file {
            Some(file) => file.path().display().to_string(),
            None => paths::config_file(self.env).map_or_else(
                || "config.toml".into(),
                |(path, _)| path.display().to_string(),
            ),
        };
        format!("set {variable}, or `{key}` in [profiles.{profile}] of {file}")
    }

    /// The file that a value names; in the configuration file relative to it.
    pub(crate) fn path(&self, found: &Found) -> PathBuf {
        let path = paths::expand_home(&found.text, self.env);
        match &found.from {
            From::Environment => path,
            From::File { folder } => folder.join(path),
        }
    }
}

impl Found {
    pub(crate) fn is_from_environment(&self) -> bool {
        self.from == From::Environment
    }
}

impl fmt::Debug for Found {
    /// The text may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Found({})", self.origin)
    }
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}
