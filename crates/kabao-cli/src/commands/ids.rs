//! Which brand, template, user and card: ids that most commands take.

use clap::Args;
use kabao::card_member::{CardMember, UserCardKey};

use super::body::Body;
use crate::{problem::Problem, session::Session};

/// The brand.
#[derive(Debug, Default, Args)]
pub(crate) struct BrandArgs {
    /// The brand [env: KABAO_BRAND_ID, default: the profile's].
    #[arg(long, value_name = "ID", help_heading = HEADING)]
    pub(crate) brand_id: Option<String>,
}

/// A user, and the template that they hold a card of.
#[derive(Debug, Default, Args)]
pub(crate) struct UserArgs {
    #[command(flatten)]
    pub(crate) brand: BrandArgs,
    /// The card template [env: KABAO_CARD_ID, default: the profile's].
    #[arg(long, value_name = "ID", help_heading = HEADING)]
    pub(crate) card_id: Option<String>,
    /// The user [env: KABAO_OPENID, default: the profile's].
    #[arg(long, value_name = "ID", help_heading = HEADING)]
    pub(crate) openid: Option<String>,
}

/// One user's card.
#[derive(Debug, Args)]
pub(crate) struct UserCardArgs {
    /// The member card's code (user_card_code).
    pub(crate) code: String,
    #[command(flatten)]
    pub(crate) user: UserArgs,
}

/// One user's card, of which a body names the code, too.
#[derive(Debug, Args)]
pub(crate) struct HolderArgs {
    /// The member card's code (user_card_code); with --json it may stand there.
    #[arg(required_unless_present = "json")]
    pub(crate) code: Option<String>,
    #[command(flatten)]
    pub(crate) user: UserArgs,
}

/// The heading over ids in a command's help.
pub(crate) const HEADING: &str = "Ids";

impl BrandArgs {
    /// Agrees with what a body says.
    pub(crate) fn take_from(&mut self, body: &mut Body) -> Result<(), Problem> {
        body.take_id("brand_id", &mut self.brand_id)
    }

    /// The member cards of the brand.
    pub(crate) fn members(self, session: &Session) -> Result<CardMember, Problem> {
        let brand_id = session.brand_id(self.brand_id)?;
        Ok(session.members(brand_id.as_deref()))
    }
}

impl UserArgs {
    /// Agrees with what a body says.
    pub(crate) fn take_from(&mut self, body: &mut Body) -> Result<(), Problem> {
        self.take_template_from(body)?;
        body.take_id("openid", &mut self.openid)
    }

    /// The same for a body that names no user.
    pub(crate) fn take_template_from(&mut self, body: &mut Body) -> Result<(), Problem> {
        self.brand.take_from(body)?;
        body.take_id("card_id", &mut self.card_id)
    }

    /// The brand's member cards, and the key of the user's card of that code.
    fn card(self, code: String, session: &Session) -> Result<(CardMember, UserCardKey), Problem> {
        let key = UserCardKey::new(
            code,
            session.card_id(self.card_id)?,
            session.openid(self.openid)?,
        );
        Ok((self.brand.members(session)?, key))
    }
}

impl UserCardArgs {
    /// The brand's member cards, and the card's key.
    pub(crate) fn resolve(self, session: &Session) -> Result<(CardMember, UserCardKey), Problem> {
        self.user.card(self.code, session)
    }
}

impl HolderArgs {
    /// Agrees with what a body says.
    pub(crate) fn take_from(&mut self, body: &mut Body) -> Result<(), Problem> {
        body.take_id("user_card_code", &mut self.code)?;
        self.user.take_from(body)
    }

    /// The card's code, wherever it was given.
    pub(crate) fn take_code(&mut self) -> Result<String, Problem> {
        self.code.take().ok_or_else(|| {
            Problem::new("user_card_code is missing")
                .hint("give it as CODE, or write it into the JSON")
        })
    }

    /// The brand's member cards, and the card's key.
    pub(crate) fn resolve(
        mut self,
        session: &Session,
    ) -> Result<(CardMember, UserCardKey), Problem> {
        let code = self.take_code()?;
        self.user.card(code, session)
    }
}
