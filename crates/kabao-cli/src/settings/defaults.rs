//! Ids that calls use unless they name others.

use super::{setting::Setting, sources::Sources};
use crate::problem::Problem;

/// Ids that calls use unless they name others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    pub(crate) brand_id: Option<String>,
    pub(crate) card_id: Option<String>,
    pub(crate) openid: Option<String>,
}

impl Defaults {
    pub(super) fn find(sources: &Sources<'_>) -> Self {
        let find = |setting| sources.find(setting).map(|found| found.text);
        Self {
            brand_id: find(Setting::BRAND_ID),
            card_id: find(Setting::CARD_ID),
            openid: find(Setting::OPENID),
        }
    }

    /// These, and where one is missing, `other`'s.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            brand_id: self.brand_id.or(other.brand_id),
            card_id: self.card_id.or(other.card_id),
            openid: self.openid.or(other.openid),
        }
    }

    /// The brand that a flag names, or else this one.
    pub(crate) fn brand_id(&self, flag: Option<String>) -> Result<String, Problem> {
        named(
            flag,
            self.brand_id.as_ref(),
            "--brand-id",
            Setting::BRAND_ID,
        )
    }

    /// The template that a flag names, or else this one.
    pub(crate) fn card_id(&self, flag: Option<String>) -> Result<String, Problem> {
        named(flag, self.card_id.as_ref(), "--card-id", Setting::CARD_ID)
    }

    /// The user that a flag names, or else this one.
    pub(crate) fn openid(&self, flag: Option<String>) -> Result<String, Problem> {
        named(flag, self.openid.as_ref(), "--openid", Setting::OPENID)
    }
}

fn named(
    given: Option<String>,
    default: Option<&String>,
    flag: &str,
    setting: Setting,
) -> Result<String, Problem> {
    given.or_else(|| default.cloned()).ok_or_else(|| {
        let Setting { key, variable } = setting;
        Problem::new(format!("{key} is missing")).hint(format!(
            "give {flag}, set {variable}, or `{key}` in the profile"
        ))
    })
}
