//! `kabao sandbox reset`: as new, but for the keys and rate limits that were set.

use clap::Args;
use serde_json::json;

use super::AtArgs;
use crate::{output::printer::Printer, problem::Problem, steering::Steering};

/// Which sandbox to reset.
#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    #[command(flatten)]
    at: AtArgs,
}

impl ResetArgs {
    pub(crate) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        let reset = Steering::with(self.at.aim(profile), printer, async |steering| {
            steering.control.post("reset", &json!({})).await
        });
        reset.await?;
        printer.note("the sandbox is as new, but for its keys and rate limits that were set");
        Ok(())
    }
}
