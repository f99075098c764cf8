//! `kabao sandbox wait`: until a sandbox is ready.

use std::time::Duration;

use clap::Args;
use http::StatusCode;
use tokio::time::{Instant, sleep, timeout_at};

use super::{AtArgs, serve::span};
use crate::{
    control::{Control, refusal},
    output::printer::Printer,
    problem::Problem,
    settings::{Place, Target},
};

/// How often to ask.
const PAUSE: Duration = Duration::from_millis(50);

/// Which sandbox to wait for, and how long.
#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    at: AtArgs,
    /// How long to wait at most, such as 30s.
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = span)]
    timeout: Duration,
}

impl WaitArgs {
    pub(crate) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        let target = Target::load(profile, self.at.url.as_deref())?;
        for warning in &target.warnings {
            printer.warn(warning);
        }
        let control = match target.place {
            // Without the token: this is open to all, and it may yet be somebody
            // else who has the port.
            Place::At {
                base_url,
                root_certificate,
                ..
            } => Control::at(&base_url, root_certificate.as_deref())?,
            Place::Production => return Err(Control::of_production()),
            Place::Embedded { .. } => {
                return Err(Problem::new(
                    "the embedded sandbox is not waited for; it is ready at once",
                )
                .hint("name the one that is to be waited for with --url or KABAO_BASE_URL"));
            }
        };
        let until = Instant::now().checked_add(self.timeout);
        let until = until.ok_or_else(|| Problem::new("--timeout is beyond the end of time"))?;
        let mut last = Problem::new("it did not answer in time");
        loop {
            match timeout_at(until, control.answer_of("ready")).await {
                Ok(Ok((StatusCode::OK, _))) => return Ok(()),
                // It starts, stops or waits for its store; or a balancer has
                // nobody to send to.
                Ok(Ok((status, body))) if status.is_server_error() => {
                    last = refusal(status, &body);
                }
                Ok(Ok((status, body))) => return Err(refusal(status, &body)),
                Ok(Err(unanswered)) => last = unanswered,
                Err(_) => {}
            }
            if Instant::now() + PAUSE >= until {
                let waited = self.timeout;
                let mut problem = Problem::new(format!("no sandbox was ready within {waited:?}"));
                problem.causes.push(last.message);
                problem.causes.append(&mut last.causes);
                return Err(problem);
            }
            sleep(PAUSE).await;
        }
    }
}
