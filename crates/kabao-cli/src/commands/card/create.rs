//! `kabao card create`.

use clap::Args;
use kabao::card_member::{
    CardChange, CardType, CodeMode, CodeType, CreateCard, NewCard, ValidDateInformation,
};
use serde::Deserialize;

use super::members::MemberArgs;
use crate::{
    commands::{
        body::{Body, JsonArgs, Part},
        ids::BrandArgs,
        missing::Missing,
        names,
        request_no::RequestNoArgs,
    },
    output::{card, printer::Printer, shown},
    problem::Problem,
    session::Session,
};

/// A template to be created.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    brand: BrandArgs,
    #[command(flatten)]
    number: RequestNoArgs,
    #[command(flatten, next_help_heading = "What stays for good")]
    fixed: FixedArgs,
    #[command(flatten)]
    members: MemberArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// What cannot be changed later.
#[derive(Debug, Default, Args, Deserialize)]
#[group(conflicts_with = "json")]
struct FixedArgs {
    /// The appid that openids are relative to, bound to the brand.
    #[arg(long, value_name = "WX…")]
    appid: Option<String>,
    /// Who gives a card its code: SYSTEM_ALLOCATE or MERCHANT_ALLOCATE.
    /// [default: SYSTEM_ALLOCATE]
    #[arg(long, value_name = "MODE", value_parser = names::of::<CodeMode>(CodeMode::KNOWN))]
    code_mode: Option<CodeMode>,
    /// How the code is drawn: NONE_CODE, BAR_CODE, QR_CODE, BAR_CODE_AND_QR_CODE
    /// or JUMP_MINI_PROGRAM, which needs --code-page.
    #[arg(long, value_name = "TYPE", value_parser = names::of::<CodeType>(CodeType::KNOWN))]
    code_type: Option<CodeType>,
    /// NORMAL; PURCHASE and BALANCE are refused today. [default: NORMAL]
    #[arg(long, value_name = "TYPE", value_parser = names::of::<CardType>(CardType::KNOWN))]
    card_type: Option<CardType>,
}

impl Part for FixedArgs {}

impl CreateArgs {
    pub(super) async fn run(
        mut self,
        profile: Option<&str>,
        printer: &Printer,
    ) -> Result<(), Problem> {
        match self.json.read()? {
            Some(body) => self.take_from(body)?,
            None => self.fixed.fill_in(),
        }
        let number = self.number.number();
        let card = new_card(number.to_string(), self.fixed, self.members)?;
        card.check()?;
        let created = Session::with_now(profile, printer, async |session| {
            let members = self.brand.members(session)?;
            let create = CreateCard { card };
            number.send(&create, &members, printer).await
        });
        let (card, now) = created.await?;
        shown::show(&card, Some(card::face(&card)), now, printer)
    }

    fn take_from(&mut self, mut body: Body) -> Result<(), Problem> {
        self.brand.take_from(&mut body)?;
        self.number.take_from(&mut body)?;
        self.fixed = body.take()?;
        self.members.take_from(&mut body)?;
        body.end()
    }
}

impl FixedArgs {
    /// The choices that are made unless others are.
    fn fill_in(&mut self) {
        self.code_mode.get_or_insert(CodeMode::SystemAllocate);
        self.card_type.get_or_insert(CardType::Normal);
    }
}

fn new_card(
    out_request_no: String,
    fixed: FixedArgs,
    members: MemberArgs,
) -> Result<NewCard, Problem> {
    let members: CardChange = members.over(None);
    let mut missing = Missing::default();
    let card = NewCard {
        out_request_no,
        appid: missing.take(("appid", "--appid"), fixed.appid),
        card_type: missing.take_or(
            ("card_type", "--card-type"),
            fixed.card_type,
            CardType::Normal,
        ),
        card_title: missing.take(("card_title", "--card-title"), members.card_title),
        card_color: missing.take(("card_color", "--card-color"), members.card_color),
        card_picture_url: missing.take(
            ("card_picture_url", "--card-picture-url"),
            members.card_picture_url,
        ),
        code_mode: missing.take_or(
            ("code_mode", "--code-mode"),
            fixed.code_mode,
            CodeMode::SystemAllocate,
        ),
        code_type: missing.take_or(
            ("code_type", "--code-type"),
            fixed.code_type,
            CodeType::NoneCode,
        ),
        code_jump_information: members.code_jump_information,
        benefits: missing.take(("benefits", "--benefits"), members.benefits),
        notify_url: missing.take(("notify_url", "--notify-url"), members.notify_url),
        need_pinned: members.need_pinned,
        need_display_level: members.need_display_level,
        init_level: members.init_level,
        service_phone: members.service_phone,
        legal_agreement: members.legal_agreement,
        valid_date_information: missing.take_or(
            ("valid_date_information", "--valid"),
            members.valid_date_information,
            ValidDateInformation::permanent(),
        ),
        member_information: members.member_information,
        points_information: members.points_information,
        balance_information: members.balance_information,
        purchase_information: members.purchase_information,
        user_information: members.user_information,
    };
    missing.end()?;
    Ok(card)
}
