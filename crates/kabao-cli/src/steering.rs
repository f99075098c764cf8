//! Steering a sandbox: the one that runs at an address, or the embedded one.

use jiff::Timestamp;
use kabao_sandbox::{Sandbox, sample};

use crate::{
    control::Control,
    embedded,
    output::printer::{Format, Printer},
    problem::Problem,
    settings::{Defaults, Place, Target},
};

/// Which sandbox is meant: by its address, or else by a profile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aim<'a> {
    pub(crate) url: Option<&'a str>,
    pub(crate) profile: Option<&'a str>,
}

/// A sandbox under control.
pub(crate) struct Steering {
    pub(crate) control: Control,
    /// Ids that are meant unless others are named.
    pub(crate) defaults: Defaults,
    /// Keeps the embedded sandbox alive.
    sandbox: Option<Sandbox>,
}

impl Steering {
    /// Takes control, works with it, and lets go whatever came of the work.
    pub(crate) async fn with<T>(
        aim: Aim<'_>,
        printer: &Printer,
        work: impl AsyncFnOnce(&Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let steering = Self::open(aim, printer).await?;
        let outcome = work(&steering).await;
        if let Some(sandbox) = steering.sandbox {
            sandbox.stop().await;
        }
        outcome
    }

    /// The same, and then the sandbox's time, if a table is to tell what is left.
    pub(crate) async fn with_now<T>(
        aim: Aim<'_>,
        printer: &Printer,
        work: impl AsyncFnOnce(&Self) -> Result<T, Problem>,
    ) -> Result<(T, Option<Timestamp>), Problem> {
        let outcome = Self::with(aim, printer, async |steering| {
            let outcome = work(steering).await?;
            let now = match printer.format {
                Format::Table => steering.control.now().await,
                Format::Json | Format::Jsonl => None,
            };
            Ok((outcome, now))
        });
        outcome.await
    }

    async fn open(aim: Aim<'_>, printer: &Printer) -> Result<Self, Problem> {
        let target = Target::load(aim.profile, aim.url)?;
        for warning in &target.warnings {
            printer.warn(warning);
        }
        match target.place {
            Place::Embedded { data_dir, sandbox } => {
                let embedded = embedded::start(&data_dir, sandbox, printer).await?;
                Ok(Self {
                    control: Control::at(embedded.sandbox.base_url(), None)?,
                    defaults: target.defaults.or(embedded.sample_ids),
                    sandbox: Some(embedded.sandbox),
                })
            }
            Place::At {
                base_url,
                root_certificate,
                control_token,
            } => {
                let control =
                    Control::at(&base_url, root_certificate.as_deref())?.authorised(control_token);
                let defaults = match control.is_on_loopback() {
                    true => target.defaults.or(sample_ids()),
                    false => target.defaults,
                };
                Ok(Self {
                    control,
                    defaults,
                    sandbox: None,
                })
            }
            Place::Production => Err(Control::of_production()),
        }
    }
}

/// What a new sandbox holds.
fn sample_ids() -> Defaults {
    Defaults {
        brand_id: Some(sample::BRAND_ID.into()),
        card_id: Some(sample::CARD_ID.into()),
        openid: Some(sample::OPENID.into()),
    }
}
