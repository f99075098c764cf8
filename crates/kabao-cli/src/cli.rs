//! The command line.

use clap::{ArgAction, Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    commands::{
        activity::ActivityCommand, call::CallArgs, card::CardCommand, feed::FeedCommand,
        image::ImageCommand, points::PointsCommand, sandbox::SandboxCommand, token::TokenCommand,
        user_card::UserCardCommand,
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
    /// Card templates, which users' cards are made from.
    #[command(subcommand)]
    Card(CardCommand),
    /// The cards that users hold.
    #[command(subcommand)]
    UserCard(UserCardCommand),
    /// What WeChat shows of a member's points, and coupons for them.
    #[command(subcommand)]
    Points(PointsCommand),
    /// Lines of news on a member's card.
    #[command(subcommand)]
    Feed(FeedCommand),
    /// Coupons for joining.
    #[command(subcommand)]
    Activity(ActivityCommand),
    /// What opens WeChat's components in a front end.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Pictures for cards.
    #[command(subcommand)]
    Image(ImageCommand),
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

const GLOBAL: &str = "Everywhere";

const EXAMPLES: &str = "\
Examples:
  kabao user-card get 478515832665
  kabao user-card update 478515832665 --level 钻石会员 --card-color '#FFFF00'
  kabao user-card confirm 478515832665 --openid oNew… --level 白银会员
  kabao card update --benefits 会员折扣 --ask sex,birthday
  kabao points sync 478515832665 --point-balance 1200
  kabao activity list --state EFFECTIVE
  kabao call GET v3/certificates
  kabao sandbox serve --credentials ./credentials

All commands:
  card         create  list  get  update  invalidate  delete
  user-card    get  list  update  import  confirm  invalidate
  points       sync  confirm-exchange
  feed         create
  activity     create  list  get  update  terminate
  token        pre-auth  pay-view
  image        upload
  call, completions
  sandbox      serve  wait  reset  user  clock  fault  notifications  keys  merchant  brand  rate-limits
               snapshot

Bodies: flags give their members; or --json FILE (- is stdin) is all of it, under
the names of the wire, in plaintext. Ids and out_request_no may stand in either
place, or in both if they agree.

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
the system's; control_token_file (KABAO_CONTROL_TOKEN is the token itself) opens
the control plane of a sandbox that asks for one; KABAO_DATA_DIR keeps the
embedded sandbox. Paths in the file are relative to it.

Exit status: 0 done, 1 the API refused, 2 it could not run.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
