//! The command line.

use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    commands::{
        call::CallArgs,
        change::ChangeArgs,
        list::ListArgs,
        sandbox::{
            clock::ClockCommand, notifications::NotificationsCommand, serve::ServeArgs,
            user::UserCommand,
        },
    },
    output::printer::Format,
};

/// WeChat Pay member cards on the command line.
///
/// Without any configuration a sandbox runs inside the command: the true
/// protocol, sample data, nothing leaves this machine. kabao is not made or
/// endorsed by Tencent.
#[derive(Debug, Parser)]
#[command(name = "kabao", version, after_long_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes, before or after its name.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The profile of the configuration file to use [env: KABAO_PROFILE].
    #[arg(long, global = true, value_name = "NAME", help_heading = GLOBAL)]
    pub(crate) profile: Option<String>,
    /// How to write data.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "table", help_heading = GLOBAL)]
    pub(crate) output: Format,
    /// Say nothing but data, warnings and errors.
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    pub(crate) quiet: bool,
    /// Tell each step on stderr; twice for more. Never a secret or a personal
    /// value.
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = GLOBAL)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The cards that users hold.
    #[command(subcommand)]
    UserCard(UserCardCommand),
    /// Any v3 endpoint, signed and verified.
    Call(CallArgs),
    /// A WeChat Pay server for tests, on this machine.
    #[command(subcommand)]
    Sandbox(SandboxCommand),
    /// Completions for a shell, to stdout.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCardCommand {
    /// Show a user's card, phone number and form answers opened.
    ///
    /// Times are Chinese time (+08:00), as the API writes them.
    #[command(after_help = GET_EXAMPLES)]
    Get {
        #[command(flatten)]
        card: CardArgs,
    },
    /// List the cards that a user holds in a brand.
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArgs),
    /// Change a user's card and show it as it is then, changes marked.
    ///
    /// What is not named stays as it is; an empty text clears one that may be
    /// empty. Phone number and form answers are given in plaintext and sealed
    /// before they leave. (Other users of this machine can see a command's
    /// arguments while it runs; `--phone-number -` and `--json` avoid that.)
    #[command(after_help = UPDATE_EXAMPLES)]
    Update {
        #[command(flatten)]
        card: CardArgs,
        #[command(flatten)]
        change: Box<ChangeArgs>,
    },
}

/// Which card.
#[derive(Debug, Args)]
pub(crate) struct CardArgs {
    /// The member card's code (user_card_code).
    pub(crate) code: String,
    /// The brand [env: KABAO_BRAND_ID, default: the profile's].
    #[arg(long, value_name = "ID", help_heading = CARD)]
    pub(crate) brand_id: Option<String>,
    /// The card template [env: KABAO_CARD_ID, default: the profile's].
    #[arg(long, value_name = "ID", help_heading = CARD)]
    pub(crate) card_id: Option<String>,
    /// The user [env: KABAO_OPENID, default: the profile's].
    #[arg(long, value_name = "ID", help_heading = CARD)]
    pub(crate) openid: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Run the sandbox until SIGINT or SIGTERM.
    ///
    /// Prints one line on stdout when it is ready: `listening on URL`. Keys and
    /// personal values are kept wrapped with KABAO_MASTER_KEY, or with a key file
    /// beside the store.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Play a member, in the sandbox that the profile calls.
    #[command(subcommand, after_help = USER_EXAMPLES)]
    User(UserCommand),
    /// Move the time that validity, tokens, activities and retries go by.
    #[command(subcommand)]
    Clock(ClockCommand),
    /// What was sent to brands, and how that went.
    #[command(subcommand)]
    Notifications(NotificationsCommand),
}

const GLOBAL: &str = "Everywhere";
const CARD: &str = "Which card";

const EXAMPLES: &str = "\
Examples:
  kabao user-card get 478515832665
  kabao user-card update 478515832665 --level 钻石会员 --card-color '#FFFF00'
  kabao call GET v3/certificates
  kabao sandbox serve --credentials ./credentials

Settings come from flags, then KABAO_* variables, then kabao/config.toml in the
configuration folder (KABAO_CONFIG names another file):

  default_profile = \"shop\"

  [profiles.shop]
  mchid = \"1900000001\"            # KABAO_MCHID; or brand = \"1004\", KABAO_BRAND
  serial_no = \"4A62…\"             # KABAO_SERIAL_NO
  private_key = \"apiclient_key.pem\"                 # KABAO_PRIVATE_KEY, a path
  wechatpay_public_key_id = \"PUB_KEY_ID_0119…\"      # KABAO_WECHATPAY_PUBLIC_KEY_ID
  wechatpay_public_key = \"pub_key.pem\"              # KABAO_WECHATPAY_PUBLIC_KEY, a path
  apiv3_key_file = \"apiv3.key\"    # KABAO_APIV3_KEY is the key itself
  base_url = \"https://api.mch.weixin.qq.com\"        # KABAO_BASE_URL
  brand_id = \"1004\"               # KABAO_BRAND_ID, and likewise:
  card_id = \"pbLatj…\"
  openid = \"obLatj…\"

Further: certificate (KABAO_CERTIFICATE) checks that key and serial_no belong
together; root_certificate (KABAO_ROOT_CERTIFICATE) is trusted for TLS besides
the system's; KABAO_DATA_DIR keeps the embedded sandbox. Paths in the file are
relative to it.

Exit status: 0 done, 1 the API refused, 2 it could not run.";

const GET_EXAMPLES: &str = "\
Examples:
  kabao user-card get 478515832665
  kabao user-card get 478515832665 --brand-id 1004 --card-id pbLatj… --openid obLatj…
  kabao user-card get 478515832665 --output json";

const LIST_EXAMPLES: &str = "\
Examples:
  kabao user-card list
  kabao user-card list --openid obLatj… --state EFFECTIVE --output jsonl";

const UPDATE_EXAMPLES: &str = "\
Examples:
  kabao user-card update 478515832665 --level 钻石会员 --card-color '#FFFF00'
  kabao user-card update 478515832665 --phone-number 13800138000 --attach 自定义数据说明
  kabao user-card update 478515832665 --valid 30d
  kabao user-card update 478515832665 --valid 2026-01-01..2026-12-31
  kabao user-card update 478515832665 --common sex=女 --custom 喜欢的运动=足球,篮球
  kabao user-card update 478515832665 --json change.json";

const SERVE_EXAMPLES: &str = "\
Examples:
  kabao sandbox serve --credentials ./credentials
  kabao sandbox serve --listen 127.0.0.1:8080 --store memory --rate-limits off";

const USER_EXAMPLES: &str = "\
Examples:
  kabao sandbox user join --openid oNew --phone-number 13900139000 --common sex=女
  kabao sandbox user exchange-coupon --deduct-points 1000 --stock-id 100232301
  kabao sandbox user delete-card";
