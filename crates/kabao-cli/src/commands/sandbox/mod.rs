//! `kabao sandbox`: running one, and steering one that runs.

mod callers;
mod clock;
mod fault;
mod files;
mod handed_out;
mod keys;
mod notifications;
mod rate_limits;
mod reset;
mod seed;
mod serve;
mod snapshot;
mod user;
mod wait;

use clap::{Args, Subcommand};

use crate::{output::printer::Printer, problem::Problem, steering::Aim};

/// What to do with a sandbox.
#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Run the sandbox until SIGINT or SIGTERM.
    ///
    /// Prints one line on stdout when it is ready: `listening on URL`. Keys and
    /// personal values are kept sealed with KABAO_MASTER_KEY, or with a key file
    /// beside the store.
    #[command(after_help = serve::EXAMPLES, after_long_help = serve::help())]
    Serve(serve::ServeArgs),
    /// Wait until the sandbox at an address is ready.
    ///
    /// It does not ask whose that is: another one may have had the port first. The
    /// embedded sandbox is ready at once and not waited for.
    Wait(wait::WaitArgs),
    /// Forget what happened and begin anew; keys stay, and rate limits that were set.
    Reset(reset::ResetArgs),
    /// Play a member.
    #[command(after_help = USER_EXAMPLES)]
    User(Steer<user::UserCommand>),
    /// Move the time that validity, tokens, activities and retries go by.
    Clock(Steer<clock::ClockCommand>),
    /// Let things go wrong, to see what a program makes of it.
    Fault(Steer<fault::FaultCommand>),
    /// What was sent to brands, and how that went.
    Notifications(Steer<notifications::NotificationsCommand>),
    /// WeChat Pay's own keys: rotate certificates, move to the public key.
    #[command(after_help = KEYS_EXAMPLES)]
    Keys(Steer<keys::KeysCommand>),
    /// The merchants that may call.
    #[command(after_help = MERCHANT_EXAMPLES)]
    Merchant(Steer<callers::MerchantCommand>),
    /// The brands that may call, and who may call for them.
    Brand(Steer<callers::BrandCommand>),
    /// How often operations may be called.
    #[command(after_help = rate_limits::SAMPLE)]
    RateLimits(Steer<rate_limits::RateLimitsCommand>),
    /// All that it holds, saved to a file and loaded from it.
    #[command(after_help = SNAPSHOT_EXAMPLES)]
    Snapshot(Steer<snapshot::SnapshotCommand>),
}

/// What steers a sandbox, and which.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Steer<C: Subcommand> {
    #[command(flatten)]
    at: AtArgs,
    #[command(subcommand)]
    command: C,
}

/// Which sandbox.
#[derive(Debug, Args)]
struct AtArgs {
    /// The sandbox that runs at this address [env: KABAO_BASE_URL, default: the
    /// profile's, or else the embedded one].
    #[arg(long, global = true, value_name = "URL", help_heading = HEADING)]
    url: Option<String>,
}

const HEADING: &str = "Which sandbox";

impl AtArgs {
    fn aim<'a>(&'a self, profile: Option<&'a str>) -> Aim<'a> {
        let url = self.url.as_deref();
        Aim { url, profile }
    }
}

impl SandboxCommand {
    pub(crate) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        match self {
            Self::Serve(args) => serve::serve(args, printer).await,
            Self::Wait(args) => args.run(profile, printer).await,
            Self::Reset(args) => args.run(profile, printer).await,
            Self::User(steer) => steer.command.run(steer.at.aim(profile), printer).await,
            Self::Clock(steer) => steer.command.run(steer.at.aim(profile), printer).await,
            Self::Fault(steer) => steer.command.run(steer.at.aim(profile), printer).await,
            Self::Notifications(steer) => steer.command.run(steer.at.aim(profile), printer).await,
            Self::Keys(steer) => steer.command.run(steer.at.aim(profile), printer).await,
            Self::Merchant(steer) => steer.command.run(steer.at.aim(profile), printer).await,
            Self::Brand(steer) => steer.command.run(steer.at.aim(profile), printer).await,
            Self::RateLimits(steer) => steer.command.run(steer.at.aim(profile), printer).await,
            Self::Snapshot(steer) => steer.command.run(steer.at.aim(profile), printer).await,
        }
    }
}

const USER_EXAMPLES: &str = "\
Examples:
  kabao sandbox user join --openid oNew --phone-number 13900139000 --common sex=女
  kabao sandbox user pay --attach 'cell=15_1200_1&card_id=pbLatj…&user_card_code=8000'
  kabao sandbox user exchange-coupon --deduct-points 1000 --stock-id 100232301 --fail
  kabao sandbox user delete-card --url http://127.0.0.1:8080";

const KEYS_EXAMPLES: &str = "\
Examples:
  kabao sandbox keys rotate --notice 5d --overlap 10d
  kabao sandbox keys migration 30
  kabao sandbox keys migration 0 --mchid 1900000001";

const MERCHANT_EXAMPLES: &str = "\
Examples:
  kabao sandbox merchant add --mchid 1900000002 --credentials ./second
  kabao sandbox brand grant 1004 1900000002
  kabao sandbox merchant renew-certificate 1900000002 --credentials ./second";

const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  kabao sandbox snapshot save fixture.json --url http://127.0.0.1:8080
  kabao sandbox snapshot load fixture.json --url http://127.0.0.1:8080";
