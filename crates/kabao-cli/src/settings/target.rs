//! Which sandbox is steered. That takes an address and no keys.

use std::path::PathBuf;

use http::HeaderValue;

use super::{
    Caller, Defaults, Profile, SandboxSettings, Settings,
    access::{self, Identity},
    config_file,
    file::ConfigFile,
    permissions,
    setting::Setting,
    sources::{Env, Sources},
};
use crate::problem::Problem;

/// A sandbox to steer, and the ids that it is told unless others are named.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) place: Place,
    pub(crate) defaults: Defaults,
    /// What the user may want to know about the files.
    pub(crate) warnings: Vec<String>,
}

/// Where the sandbox is.
#[derive(Debug)]
pub(crate) enum Place {
    /// In this process.
    Embedded {
        data_dir: PathBuf,
        sandbox: SandboxSettings,
    },
    /// In another one.
    At {
        base_url: String,
        root_certificate: Option<Vec<u8>>,
        /// A whole header, which is not shown.
        control_token: Option<HeaderValue>,
    },
    /// There is none: real calls are made.
    Production,
}

impl Target {
    /// Reads environment and file, with the profile and the address that flags
    /// name.
    ///
    /// # Errors
    /// [`Problem`] names the setting that is missing or wrong.
    pub(crate) fn load(profile: Option<&str>, url: Option<&str>) -> Result<Self, Problem> {
        let env = |name: &str| std::env::var(name).ok();
        let file = config_file(&env)?;
        Self::resolve(profile, url, &env, file.as_ref())
    }

    pub(super) fn resolve(
        flag: Option<&str>,
        url: Option<&str>,
        env: &Env<'_>,
        file: Option<&ConfigFile>,
    ) -> Result<Self, Problem> {
        let profile = Profile::choose(flag, env, file)?;
        let sources = Sources::new(env, file, profile.name.as_deref());
        let configured = match profile.is_embedded_by_name(&sources)? {
            true => sources.in_file(Setting::BASE_URL),
            false => sources.find(Setting::BASE_URL),
        };
        let base_url = url.map(str::to_owned);
        let Some(base_url) = base_url.or_else(|| configured.map(|found| found.text)) else {
            return Settings::resolve(flag, env, file).map(Self::of_calls);
        };
        let mut defaults = Defaults::find(&sources);
        if let Some(Identity::Brand(own)) = access::caller(&sources)? {
            defaults.brand_id = Some(own);
        }
        let root_certificate = access::root_certificate(&sources)?;
        let mut warnings = Vec::new();
        let control_token = access::control_token(&sources, &base_url, &mut warnings)?;
        warnings.extend(file.and_then(|file| permissions::writable_by_others(file.path())));
        Ok(Self {
            place: Place::At {
                base_url,
                root_certificate,
                control_token,
            },
            defaults,
            warnings,
        })
    }

    /// What calls go to where no address is set.
    fn of_calls(settings: Settings) -> Self {
        Self {
            place: match settings.caller {
                Caller::Embedded { data_dir, sandbox } => Place::Embedded { data_dir, sandbox },
                Caller::Configured(_) => Place::Production,
            },
            defaults: settings.defaults,
            warnings: settings.warnings,
        }
    }
}
