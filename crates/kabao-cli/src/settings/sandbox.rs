//! What a sandbox does differently: `[sandbox]` of the configuration file, and
//! the flags of `kabao sandbox serve`.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::SignedDuration;
use kabao::core::certificate::Certificate;
use kabao_sandbox::{NotificationSettings, SandboxBuilder, Switches};
use toml::{Table, Value};

use crate::problem::Problem;

/// Switches, and how notifications are delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SandboxSettings {
    pub(crate) switches: Switches,
    /// Authorities to trust for `https` addresses (PEM).
    pub(crate) notify_root_certificates: Vec<PathBuf>,
    /// How long to wait before each retry, if not as documented.
    pub(crate) card_event_retries: Option<Vec<Duration>>,
    pub(crate) other_event_retries: Option<Vec<Duration>>,
}

impl SandboxSettings {
    /// Reads `[sandbox]` of a file in `folder`.
    pub(super) fn from_table(table: Table, folder: &Path) -> Result<Self, String> {
        let mut settings = Self::default();
        let mut switches = Table::new();
        for (key, value) in table {
            let wrong = |issue: String| format!("`{key}` in [sandbox]: {issue}");
            match key.as_str() {
                ROOT_CERTIFICATES => {
                    let files = value.try_into::<Vec<PathBuf>>();
                    let files = files.map_err(|error| wrong(error.message().to_owned()))?;
                    let files = files.into_iter().map(|file| folder.join(file));
                    settings.notify_root_certificates = files.collect();
                }
                CARD_RETRIES => settings.card_event_retries = Some(waits_of(value).map_err(wrong)?),
                OTHER_RETRIES => {
                    settings.other_event_retries = Some(waits_of(value).map_err(wrong)?);
                }
                name if Switches::ALL.iter().any(|(known, _)| *known == name) => {
                    switches.insert(key, value);
                }
                other => return Err(unknown(other)),
            }
        }
        settings.switches = switches
            .try_into()
            .map_err(|error| format!("a switch in [sandbox]: {}", error.message()))?;
        Ok(settings)
    }

    /// Lets a sandbox be so.
    ///
    /// # Errors
    /// [`Problem`] names a certificate that cannot be used.
    pub(crate) fn apply(self, builder: SandboxBuilder) -> Result<SandboxBuilder, Problem> {
        let mut notifications = NotificationSettings::default();
        for path in &self.notify_root_certificates {
            let what = "the authority for notifications";
            let pem =
                std::fs::read(path).map_err(|error| Problem::unreadable(what, path, &error))?;
            Certificate::from_pem(&pem).map_err(|error| {
                Problem::new(format!("{} cannot be used", path.display())).caused_by(&error)
            })?;
            notifications = notifications.root_certificate(pem);
        }
        if let Some(waits) = self.card_event_retries {
            notifications = notifications.card_event_retries(waits);
        }
        if let Some(waits) = self.other_event_retries {
            notifications = notifications.other_event_retries(waits);
        }
        Ok(builder.switches(self.switches).notifications(notifications))
    }
}

/// `15s,15s,3m,1h`, or `none`.
pub(crate) fn waits(text: &str) -> Result<Vec<Duration>, String> {
    if text == "none" {
        return Ok(Vec::new());
    }
    let wait = |text: &str| {
        let wait = text.trim().parse::<SignedDuration>().ok();
        wait.and_then(|wait| Duration::try_from(wait).ok())
            .ok_or_else(|| "write waits such as 15s,15s,3m,1h, or none".to_owned())
    };
    text.split(',').map(wait).collect()
}

fn waits_of(value: Value) -> Result<Vec<Duration>, String> {
    match value {
        Value::String(text) => waits(&text),
        other => Err(format!("a text, not {}", other.type_str())),
    }
}

fn unknown(key: &str) -> String {
    let switches = Switches::ALL.iter().map(|(name, _)| *name);
    let others = [ROOT_CERTIFICATES, CARD_RETRIES, OTHER_RETRIES];
    let known: Vec<_> = switches.chain(others).collect();
    format!(
        "unknown key `{key}` in [sandbox]; known are {}",
        known.join(", ")
    )
}

const ROOT_CERTIFICATES: &str = "notify_root_certificates";
const CARD_RETRIES: &str = "card_event_retries";
const OTHER_RETRIES: &str = "other_event_retries";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SandboxSettings, String> {
        let table: Table = text.parse().expect("TOML");
        SandboxSettings::from_table(table, Path::new("/c"))
    }

    #[test]
    fn every_switch_and_setting_can_be_written() {
        let mut text = String::from(
            "notify_root_certificates = ['ca.pem']\ncard_event_retries = '1s, 2m'\n\
             other_event_retries = 'none'\n",
        );
        for (name, _) in Switches::ALL {
            let value = if *name == "notify_hosts" {
                "['a']"
            } else {
                "true"
            };
            text.push_str(&format!("{name} = {value}\n"));
        }
        let settings = read(&text).expect("a good table");
        assert_eq!(settings.notify_root_certificates, [Path::new("/c/ca.pem")]);
        let waits = [1, 120].map(Duration::from_secs);
        assert_eq!(settings.card_event_retries.as_deref(), Some(&waits[..]));
        assert_eq!(settings.other_event_retries, Some(vec![]));
        assert!(settings.switches.update_time && settings.switches.refuse_replays);
        assert_eq!(settings.switches.notify_hosts, ["a"]);
        assert_eq!(read(""), Ok(SandboxSettings::default()));
    }

    #[test]
    fn mistakes_name_the_key() {
        for (text, wanted) in [
            ("updatetime = true", "unknown key `updatetime` in [sandbox]"),
            ("update_time = 'yes'", "a switch in [sandbox]"),
            ("card_event_retries = 'soon'", "15s,15s,3m,1h"),
            (
                "card_event_retries = '-1s'",
                "`card_event_retries` in [sandbox]",
            ),
            ("other_event_retries = 1", "a text, not integer"),
            ("notify_root_certificates = 1", "`notify_root_certificates`"),
        ] {
            let issue = read(text).expect_err(text);
            assert!(issue.contains(wanted), "{text}: {issue}");
        }
    }
}
