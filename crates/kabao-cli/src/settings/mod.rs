//! Flags, `KABAO_*` variables and the configuration file, resolved into one
//! struct.

mod access;
mod defaults;
mod file;
pub(crate) mod paths;
mod permissions;
mod sandbox;
mod setting;
mod sources;
mod target;

use std::path::PathBuf;

pub(crate) use access::{Access, Identity, WechatpayPublicKey, read_token};
pub(crate) use defaults::Defaults;
pub(crate) use permissions::readable_by_others;
pub(crate) use sandbox::{SandboxSettings, waits};
pub(crate) use setting::Setting;
pub(crate) use target::{Place, Target};

use file::ConfigFile;
use sources::{Env, Sources};

use crate::problem::Problem;

/// The profile that needs no configuration.
pub(crate) const SANDBOX: &str = "sandbox";

/// Everything a call needs to know.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) caller: Caller,
    pub(crate) defaults: Defaults,
    /// What the user may want to know about the files.
    pub(crate) warnings: Vec<String>,
}

/// In whose name calls are made.
#[derive(Debug)]
pub(crate) enum Caller {
    /// The sample merchant of a sandbox in this process.
    Embedded {
        /// Keeps the sandbox's state.
        data_dir: PathBuf,
        /// What it does differently.
        sandbox: SandboxSettings,
    },
    /// A merchant or brand with keys of its own.
    Configured(Box<Access>),
}

impl Settings {
    /// Reads environment and file, with the profile that a flag names.
    ///
    /// # Errors
    /// [`Problem`] names the setting that is missing or wrong.
    pub(crate) fn load(profile: Option<&str>) -> Result<Self, Problem> {
        let env = |name: &str| std::env::var(name).ok();
        let file = config_file(&env)?;
        Self::resolve(profile, &env, file.as_ref())
    }

    fn resolve(
        flag: Option<&str>,
        env: &Env<'_>,
        file: Option<&ConfigFile>,
    ) -> Result<Self, Problem> {
        let profile = Profile::choose(flag, env, file)?;
        let sources = Sources::new(env, file, profile.name.as_deref());
        let defaults = Defaults::find(&sources);
        let is_embedded = profile.is_embedded_by_name(&sources)?
            || (matches!(profile.name.as_deref(), None | Some(SANDBOX))
                && access::caller(&sources)?.is_none());
        let mut warnings = Vec::new();
        let caller = if is_embedded {
            if !profile.is_asked {
                refuse_half_a_caller(&sources)?;
            }
            Caller::Embedded {
                data_dir: paths::data_dir(env)?,
                sandbox: file.map(ConfigFile::sandbox).cloned().unwrap_or_default(),
            }
        } else {
            Caller::Configured(Box::new(Access::read(&sources, &mut warnings)?))
        };
        if let Some(file) = file {
            warnings.extend(permissions::writable_by_others(file.path()));
        }
        Ok(Self {
            caller,
            defaults,
            warnings,
        })
    }
}

/// The profile that is used.
struct Profile {
    name: Option<String>,
    /// By a flag or a variable, not by the file.
    is_asked: bool,
}

impl Profile {
    fn choose(
        flag: Option<&str>,
        env: &Env<'_>,
        file: Option<&ConfigFile>,
    ) -> Result<Self, Problem> {
        let variable = env("KABAO_PROFILE").filter(|name| !name.is_empty());
        let asked = flag.map(str::to_owned).or(variable);
        let is_asked = asked.is_some();
        let in_file = || file.and_then(ConfigFile::default_profile);
        let name = asked.or_else(|| in_file().map(str::to_owned));
        let is_defined = |name: &str| file.is_some_and(|file| file.profile(name).is_some());
        match name.as_deref() {
            Some(name) if name != SANDBOX && !is_defined(name) => Err(unknown_profile(name, file)),
            _ => Ok(Self { name, is_asked }),
        }
    }

    /// Asked for by name, the sandbox brings its caller along, unless the file
    /// gives that name another meaning.
    fn is_embedded_by_name(&self, sources: &Sources<'_>) -> Result<bool, Problem> {
        let is_sandbox = self.is_asked && self.name.as_deref() == Some(SANDBOX);
        Ok(is_sandbox && access::caller_in_file(sources)?.is_none())
    }
}

impl SandboxSettings {
    /// Reads what the configuration file says of any sandbox.
    ///
    /// # Errors
    /// [`Problem`] if there is a file that cannot be read.
    pub(crate) fn load() -> Result<Self, Problem> {
        let env = |name: &str| std::env::var(name).ok();
        let file = config_file(&env)?;
        Ok(file.map(|file| file.sandbox().clone()).unwrap_or_default())
    }
}

fn config_file(env: &Env<'_>) -> Result<Option<ConfigFile>, Problem> {
    match paths::config_file(env) {
        Some((path, is_named)) => ConfigFile::read(&path, is_named),
        None => Ok(None),
    }
}

/// Somebody who set a host or a key does not expect the embedded sandbox.
fn refuse_half_a_caller(sources: &Sources<'_>) -> Result<(), Problem> {
    let found = Setting::OF_A_CALLER
        .into_iter()
        .find_map(|setting| sources.find(setting));
    match found {
        None => Ok(()),
        Some(found) => Err(
            Problem::new(format!("{} is set, but no caller", found.origin)).hint(format!(
                "{}, or `{}` likewise; or choose --profile {SANDBOX}",
                sources.how_to_set(Setting::MCHID),
                Setting::BRAND.variable,
            )),
        ),
    }
}

fn unknown_profile(name: &str, file: Option<&ConfigFile>) -> Problem {
    let problem = Problem::new(format!("there is no profile `{name}`"));
    let Some(file) = file else {
        return problem.hint("there is no configuration file yet; profiles are written there");
    };
    let mut known: Vec<&str> = file.profile_names().collect();
    if !known.contains(&SANDBOX) {
        known.push(SANDBOX);
    }
    problem.hint(format!(
        "{} has: {}",
        file.path().display(),
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests;
