//! What is on a user's card, as flags and in a file. Several operations write
//! it, each with a few members more or less.

use clap::Args;
use kabao::{
    Sensitive,
    card_member::{UserCardChange, UserInformation, ValidDateInformation},
    core::time::Time,
};
use serde::Deserialize;

use crate::{
    commands::{
        body::{self, Body, Part},
        form::FormArgs,
        input, time, valid,
    },
    problem::Problem,
};

/// What every operation that writes a card can write.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct MemberArgs {
    #[command(flatten)]
    pub(super) plain: PlainArgs,
    #[command(flatten, next_help_heading = HEADING)]
    form: FormArgs,
}

/// Members that a flag each gives. (Of a struct with others inside, `--json`
/// could not say that it takes its place.)
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[group(conflicts_with = "json")]
pub(super) struct PlainArgs {
    /// Display text, at most 10 characters.
    #[arg(long, value_name = "TEXT", help_heading = HEADING)]
    level: Option<String>,
    /// Background colour.
    #[arg(long, value_name = "#RRGGBB", help_heading = HEADING)]
    card_color: Option<String>,
    /// Phone number in plaintext; `-` reads it from stdin.
    #[arg(long, value_name = "NUMBER|-", help_heading = HEADING)]
    phone_number: Option<Sensitive>,
    /// Background picture, an address from `kabao image upload`.
    #[arg(long, value_name = "URL", help_heading = HEADING)]
    card_picture_url: Option<String>,
    /// Validity: permanent, a number of days such as 30d, or BEGIN..END (RFC
    /// 3339, or dates in Chinese time).
    #[arg(
        long = "valid", value_name = "VALIDITY", value_parser = valid::parse,
        help_heading = HEADING,
    )]
    pub(super) valid_date_information: Option<ValidDateInformation>,
    #[arg(skip)]
    user_information: Option<UserInformation>,
}

/// The merchant's own data.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[group(conflicts_with = "json")]
pub(super) struct AttachArgs {
    /// Your own data, at most 256 characters.
    #[arg(long, value_name = "TEXT", help_heading = HEADING)]
    pub(super) attach: Option<String>,
}

/// When the user took the card.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[group(conflicts_with = "json")]
pub(super) struct PickupArgs {
    /// When the user took the card, RFC 3339 or a day in Chinese time.
    #[arg(long, value_name = "TIME", value_parser = time::begin, help_heading = HEADING)]
    pub(super) pickup_time: Option<Time>,
}

pub(super) const HEADING: &str = "What is on the card";

impl Part for PlainArgs {
    fn unknown(&self) -> Option<String> {
        let form = self.user_information.as_ref();
        body::unknown_in_validity(self.valid_date_information.as_ref())
            .or_else(|| form?.unknown_member("/user_information"))
    }
}

impl Part for AttachArgs {}

impl Part for PickupArgs {}

impl MemberArgs {
    /// Agrees with what a body says.
    pub(super) fn take_from(&mut self, body: &mut Body) -> Result<(), Problem> {
        // Where these flags also serve, there is no `json` to conflict with.
        if !self.form.is_empty() {
            let text = "--common and --custom cannot be used with --json";
            return Err(Problem::new(text).hint("write the answers into the JSON"));
        }
        self.plain = body.take()?;
        Ok(())
    }

    /// Reads from stdin what is to come from there.
    pub(super) fn read_stdin(&mut self) -> Result<(), Problem> {
        let number = &mut self.plain.phone_number;
        if number.as_ref().is_some_and(|number| number.expose() == "-") {
            *number = Some(input::read_line("phone number")?.into());
        }
        Ok(())
    }

    /// Whether single answers change, so that the others must be sent again:
    /// the API replaces them all.
    pub(super) fn merges(&self) -> bool {
        !self.form.is_empty()
    }

    /// The change, its answers put into the stored ones.
    pub(super) fn over(self, stored: Option<&UserInformation>) -> Result<UserCardChange, Problem> {
        let plain = self.plain;
        let user_information = match self.form.is_empty() {
            true => plain.user_information,
            false => Some(self.form.over(stored)?),
        };
        Ok(UserCardChange {
            card_color: plain.card_color,
            card_picture_url: plain.card_picture_url,
            phone_number: plain.phone_number,
            level: plain.level,
            valid_date_information: plain.valid_date_information,
            pickup_time: None,
            user_information,
            attach: None,
        })
    }
}
