//! The members of a template that can be changed later, as flags and in a file.

use clap::Args;
use kabao::{
    card_member::{
        Card, CardChange, CardUserInformation, JumpInformation, PurchaseInformation,
        ValidDateInformation,
    },
    core::extra::Extra,
};
use serde::Deserialize;

use super::form::QuestionArgs;
use crate::{
    commands::{
        body::{self, Body, Part},
        input, jump, valid,
    },
    problem::Problem,
};

/// What a template says.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct MemberArgs {
    #[command(flatten)]
    plain: PlainArgs,
    #[command(flatten, next_help_heading = FORM)]
    questions: QuestionArgs,
}

/// Members that a flag each gives. (Of a struct with others inside, `--json`
/// could not say that it takes its place.)
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[group(conflicts_with = "json")]
struct PlainArgs {
    /// Name, at most 10 characters.
    #[arg(long, value_name = "TEXT", help_heading = CARD)]
    card_title: Option<String>,
    /// Background colour.
    #[arg(long, value_name = "#RRGGBB", help_heading = CARD)]
    card_color: Option<String>,
    /// Background picture, an address from `kabao image upload`.
    #[arg(long, value_name = "URL", help_heading = CARD)]
    card_picture_url: Option<String>,
    /// Member benefits, at most 32 characters.
    #[arg(long, value_name = "TEXT", help_heading = CARD)]
    benefits: Option<String>,
    /// How long cards serve: permanent, a number of days such as 30d, or
    /// BEGIN..END (RFC 3339, or dates in Chinese time).
    #[arg(
        long = "valid", value_name = "VALIDITY", value_parser = valid::parse, help_heading = CARD,
    )]
    valid_date_information: Option<ValidDateInformation>,
    /// An https address that receives the notifications about cards.
    #[arg(long, value_name = "URL", help_heading = CARD)]
    notify_url: Option<String>,
    /// Whether the card is pinned on the brand's business card.
    #[arg(long, help_heading = CARD, value_name = "true|false", require_equals = true,
        num_args = 0..=1, default_missing_value = "true")]
    need_pinned: Option<bool>,
    /// Whether the level shows on the card; needs --init-level.
    #[arg(long, help_heading = CARD, value_name = "true|false", require_equals = true,
        num_args = 0..=1, default_missing_value = "true")]
    need_display_level: Option<bool>,
    /// Level of a new member, at most 10 characters.
    #[arg(long, value_name = "TEXT", help_heading = CARD)]
    init_level: Option<String>,
    /// Customer service, at most 32 characters.
    #[arg(long, value_name = "TEXT", help_heading = CARD)]
    service_phone: Option<String>,
    /// Agreement between merchant and user, at most 20480 characters, or the
    /// file that has it.
    #[arg(
        long, value_name = "TEXT|@FILE", value_parser = input::text_or_file, help_heading = CARD,
    )]
    legal_agreement: Option<String>,
    /// Where tapping the code leads (code_jump_information).
    #[arg(
        long = "code-page", value_name = "APPID:PATH", value_parser = jump::parse,
        help_heading = PAGES,
    )]
    code_jump_information: Option<JumpInformation>,
    /// Member centre (member_information).
    #[arg(
        long = "member-page", value_name = "APPID:PATH", value_parser = jump::parse,
        help_heading = PAGES,
    )]
    member_information: Option<JumpInformation>,
    /// Points page (points_information).
    #[arg(
        long = "points-page", value_name = "APPID:PATH", value_parser = jump::parse,
        help_heading = PAGES,
    )]
    points_information: Option<JumpInformation>,
    /// Stored-value page (balance_information).
    #[arg(
        long = "balance-page", value_name = "APPID:PATH", value_parser = jump::parse,
        help_heading = PAGES,
    )]
    balance_information: Option<JumpInformation>,
    /// Page of the paid membership (purchase_information).
    #[arg(
        long, value_name = "APPID:PATH", value_parser = jump::parse, help_heading = PAGES,
    )]
    #[serde(skip)]
    purchase_page: Option<JumpInformation>,
    /// Price of the paid membership, in fen.
    #[arg(long, value_name = "FEN", help_heading = PAGES)]
    #[serde(skip)]
    price: Option<i64>,
    #[arg(skip)]
    purchase_information: Option<PurchaseInformation>,
    #[arg(skip)]
    user_information: Option<CardUserInformation>,
}

const CARD: &str = "The card";
const PAGES: &str = "Pages of mini programs that it opens";
const FORM: &str = "What joining asks";

impl Part for PlainArgs {
    fn unknown(&self) -> Option<String> {
        let pages = [
            ("/code_jump_information", &self.code_jump_information),
            ("/member_information", &self.member_information),
            ("/points_information", &self.points_information),
            ("/balance_information", &self.balance_information),
        ];
        let mut pages = pages.into_iter();
        let purchase = self.purchase_information.as_ref();
        body::unknown_in_validity(self.valid_date_information.as_ref())
            .or_else(|| pages.find_map(|(at, page)| body::first(at, &page.as_ref()?.extra)))
            .or_else(|| body::first("/purchase_information", &purchase?.extra))
            .or_else(|| unknown_in_form(self.user_information.as_ref()?))
    }
}

impl MemberArgs {
    /// Agrees with what a body says.
    pub(super) fn take_from(&mut self, body: &mut Body) -> Result<(), Problem> {
        self.plain = body.take()?;
        Ok(())
    }

    /// Whether parts of objects change, so that the rest must be sent again: the
    /// API replaces whole objects.
    pub(super) fn merges(&self) -> bool {
        let PlainArgs {
            purchase_page,
            price,
            ..
        } = &self.plain;
        purchase_page.is_some() || price.is_some() || !self.questions.is_empty()
    }

    /// The change, its parts of objects put into the stored ones.
    pub(super) fn over(self, stored: Option<&Card>) -> CardChange {
        let purchase = stored.and_then(|card| card.purchase_information.as_ref());
        let form = stored.and_then(|card| card.user_information.as_ref());
        let plain = self.plain;
        let purchase_information = match (plain.purchase_page, plain.price) {
            (None, None) => plain.purchase_information,
            (page, price) => Some(over_purchase(purchase, page, price)),
        };
        let user_information = match self.questions.is_empty() {
            true => plain.user_information,
            false => Some(self.questions.over(form)),
        };
        CardChange {
            card_title: plain.card_title,
            card_color: plain.card_color,
            card_picture_url: plain.card_picture_url,
            code_jump_information: plain.code_jump_information,
            benefits: plain.benefits,
            notify_url: plain.notify_url,
            need_pinned: plain.need_pinned,
            need_display_level: plain.need_display_level,
            init_level: plain.init_level,
            service_phone: plain.service_phone,
            legal_agreement: plain.legal_agreement,
            valid_date_information: plain.valid_date_information,
            member_information: plain.member_information,
            points_information: plain.points_information,
            balance_information: plain.balance_information,
            purchase_information,
            user_information,
        }
    }
}

fn over_purchase(
    stored: Option<&PurchaseInformation>,
    page: Option<JumpInformation>,
    price: Option<i64>,
) -> PurchaseInformation {
    let mut purchase = stored.cloned().unwrap_or(PurchaseInformation {
        price: None,
        jump_appid: None,
        jump_path: None,
        extra: Extra::default(),
    });
    if let Some(page) = page {
        purchase.jump_appid = page.jump_appid;
        purchase.jump_path = page.jump_path;
    }
    purchase.price = price.or(purchase.price);
    purchase
}

fn unknown_in_form(form: &CardUserInformation) -> Option<String> {
    const AT: &str = "/user_information";
    let mut questions = form.custom_field_list.iter().flatten().enumerate();
    body::first(AT, &form.extra).or_else(|| {
        questions.find_map(|(index, question)| {
            body::first(&format!("{AT}/custom_field_list/{index}"), &question.extra)
        })
    })
}
