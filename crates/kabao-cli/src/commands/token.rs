//! `kabao token`: what opens WeChat's components in a front end.

use clap::{Args, Subcommand};
use kabao::{
    card_member::{CreatePayViewToken, CreatePreAuthToken, Token},
    core::operation::Operation,
};

use super::{body::JsonArgs, ids::UserArgs};
use crate::{
    output::{members, printer::Printer},
    problem::Problem,
    session::Session,
};

/// Which token.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Get the token that opens the joining component, for one hour.
    ///
    /// The front end opens the business view `wxpayCardMember` with the query
    /// string `token=<token>&scene=CARD_MEMBER`. Whoever has the token can join
    /// in the user's name.
    #[command(after_help = PRE_AUTH_EXAMPLES)]
    PreAuth(TokenArgs),
    /// Get the token that opens the payment code, for ten minutes and once.
    ///
    /// Get a new one before each opening. Service providers only.
    #[command(after_help = PAY_VIEW_EXAMPLES)]
    PayView(TokenArgs),
}

/// Whom the token is for.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    user: UserArgs,
    #[command(flatten)]
    json: JsonArgs,
}

impl TokenCommand {
    pub(crate) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        match self {
            Self::PreAuth(args) => {
                let create = |card_id, openid| CreatePreAuthToken { card_id, openid };
                args.run(create, profile, printer).await
            }
            Self::PayView(args) => {
                let create = |card_id, openid| CreatePayViewToken { card_id, openid };
                args.run(create, profile, printer).await
            }
        }
    }
}

impl TokenArgs {
    async fn run<O: Operation<Output = Token>>(
        mut self,
        create: impl FnOnce(String, String) -> O,
        profile: Option<&str>,
        printer: &Printer,
    ) -> Result<(), Problem> {
        if let Some(mut body) = self.json.read()? {
            self.user.take_from(&mut body)?;
            body.end()?;
        }
        let UserArgs {
            brand,
            card_id,
            openid,
        } = self.user;
        let token = Session::with_now(profile, printer, async |session| {
            let create = create(session.card_id(card_id)?, session.openid(openid)?);
            Ok(brand.members(session)?.send(&create).await?)
        });
        let (token, now) = token.await?;
        members::show(&token, now, printer)
    }
}

const PRE_AUTH_EXAMPLES: &str = "\
Examples:
  kabao token pre-auth --openid obLatj…
  kabao token pre-auth --openid obLatj… --output json | jq -r .token";

const PAY_VIEW_EXAMPLES: &str = "\
Examples:
  kabao token pay-view --openid obLatj…";
