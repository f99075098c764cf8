//! Where the user's configuration and data live.

use std::path::{Path, PathBuf};

use super::sources::Env;
use crate::problem::Problem;

/// The configuration file, and whether the user named it.
pub(crate) fn config_file(env: &Env<'_>) -> Option<(PathBuf, bool)> {
    if let Some(path) = env("KABAO_CONFIG").filter(|path| !path.is_empty()) {
        return Some((path.into(), true));
    }
    let folder = base(env, "XDG_CONFIG_HOME", "APPDATA", ".config")?;
    Some((folder.join("kabao").join("config.toml"), false))
}

/// The folder that keeps the embedded sandbox.
pub(crate) fn data_dir(env: &Env<'_>) -> Result<PathBuf, Problem> {
    if let Some(path) = env("KABAO_DATA_DIR").filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    base(env, "XDG_DATA_HOME", "LOCALAPPDATA", ".local/share")
        .map(|folder| folder.join("kabao"))
        .ok_or_else(|| {
            Problem::new("cannot tell where to keep data: there is no home folder")
                .hint("set KABAO_DATA_DIR to a folder")
        })
}

/// `~/` at the front becomes the home folder.
pub(crate) fn expand_home(path: &str, env: &Env<'_>) -> PathBuf {
    match (path.strip_prefix("~/"), env("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => path.into(),
    }
}

/// The platform's folder. An XDG variable counts everywhere, if it is absolute
/// as its specification wants.
fn base(env: &Env<'_>, xdg: &str, windows: &str, under_home: &str) -> Option<PathBuf> {
    if let Some(path) = env(xdg)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
    {
        return Some(path);
    }
    if cfg!(windows) {
        return env(windows).map(PathBuf::from);
    }
    let tail = if cfg!(target_os = "macos") {
        "Library/Application Support"
    } else {
        under_home
    };
    env("HOME").map(|home| Path::new(&home).join(tail))
}

#[cfg(test)]
#[cfg(all(unix, not(target_os = "macos")))]
mod tests {
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn variables_come_before_the_platforms_folders() {
        let home = env(&[("HOME", "/home/li")]);
        assert_eq!(data_dir(&home), Ok("/home/li/.local/share/kabao".into()));
        let file = config_file(&home);
        assert_eq!(
            file,
            Some(("/home/li/.config/kabao/config.toml".into(), false))
        );

        let xdg = env(&[
            ("HOME", "/h"),
            ("XDG_DATA_HOME", "/d"),
            ("XDG_CONFIG_HOME", "relative"),
        ]);
        assert_eq!(data_dir(&xdg), Ok("/d/kabao".into()));
        let file = config_file(&xdg);
        assert_eq!(file, Some(("/h/.config/kabao/config.toml".into(), false)));

        let own = env(&[("KABAO_DATA_DIR", "x"), ("KABAO_CONFIG", "y.toml")]);
        assert_eq!(data_dir(&own), Ok("x".into()));
        assert_eq!(config_file(&own), Some(("y.toml".into(), true)));

        let empty = [("HOME", "/h"), ("KABAO_DATA_DIR", ""), ("KABAO_CONFIG", "")];
        assert_eq!(
            data_dir(&env(&empty)),
            Ok("/h/.local/share/kabao".into()),
            "as if it was not set"
        );
        let file = config_file(&env(&empty));
        assert_eq!(file, Some(("/h/.config/kabao/config.toml".into(), false)));
    }

    #[test]
    fn without_a_home_the_way_out_is_named() {
        let problem = data_dir(&env(&[])).expect_err("no home");
        assert!(problem.to_string().contains("KABAO_DATA_DIR"), "{problem}");
    }
}
