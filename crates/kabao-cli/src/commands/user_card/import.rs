//! `kabao user-card import`.

use clap::Args;
use kabao::card_member::{CardMember, GetCard, UserCardImport, ValidDateInformation};

use super::{
    faces,
    members::{MemberArgs, PickupArgs},
};
use crate::{
    commands::{
        body::{Body, JsonArgs},
        ids::{HEADING, HolderArgs},
        missing::Missing,
    },
    output::{printer::Printer, shown},
    problem::Problem,
    session::Session,
};

/// A member who exists already.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    card: HolderArgs,
    /// Find the user by phone number instead of by openid. Documented, but
    /// called not yet online; service providers only.
    #[arg(long, conflicts_with = "openid", help_heading = HEADING)]
    by_phone: bool,
    #[command(flatten)]
    members: MemberArgs,
    #[command(flatten)]
    pickup: PickupArgs,
    #[command(flatten)]
    json: JsonArgs,
}

impl ImportArgs {
    pub(super) async fn run(
        mut self,
        profile: Option<&str>,
        printer: &Printer,
    ) -> Result<(), Problem> {
        match self.json.read()? {
            Some(body) => self.take_from(body)?,
            None => self.members.read_stdin()?,
        }
        let change = self.members.over(None)?;
        change.check()?;
        let code = self.card.take_code()?;
        let imported = Session::with_now(profile, printer, async |session| {
            let user = self.card.user;
            let card_id = session.card_id(user.card_id)?;
            let members = user.brand.members(session)?;
            let validity = match change.valid_date_information {
                Some(validity) => validity,
                None => validity_of(&card_id, &members).await?,
            };
            let card = UserCardImport {
                card_id,
                user_card_code: code,
                phone_number: change.phone_number,
                card_color: change.card_color,
                card_picture_url: change.card_picture_url,
                level: change.level,
                user_information: change.user_information,
                valid_date_information: validity,
                pickup_time: self.pickup.pickup_time,
            };
            let cards = members.user_cards();
            let card = if self.by_phone {
                cards.import_by_phone(card).await?
            } else {
                let openid = session.openid(user.openid)?;
                cards.import_by_openid(openid, card).await?
            };
            let face = faces::of(&card, &members, printer).await;
            Ok((card, face))
        });
        let ((card, face), now) = imported.await?;
        shown::show(&card, face, now, printer)
    }

    fn take_from(&mut self, mut body: Body) -> Result<(), Problem> {
        if self.by_phone {
            body.take_id("user_card_code", &mut self.card.code)?;
            self.card.user.take_template_from(&mut body)?;
        } else {
            self.card.take_from(&mut body)?;
        }
        self.members.take_from(&mut body)?;
        self.pickup = body.take()?;
        body.end()?;
        let mut missing = Missing::default();
        let validity = self.members.plain.valid_date_information.as_ref();
        missing.take(("valid_date_information", "--valid"), validity.map(|_| ()));
        missing.end()
    }
}

/// Nothing of a file may be lost or altered on the way to the API.
#[cfg(fuzzing)]
impl ImportArgs {
    /// All that is taken from a body, in the body's own form.
    pub(crate) fn taken(body: Body) -> Result<serde_json::Value, Problem> {
        let mut args = Self {
            card: HolderArgs {
                code: None,
                user: crate::commands::ids::UserArgs::default(),
            },
            by_phone: false,
            members: MemberArgs::default(),
            pickup: PickupArgs::default(),
            json: JsonArgs::default(),
        };
        args.take_from(body)?;
        let change = kabao::card_member::UserCardChange {
            pickup_time: args.pickup.pickup_time,
            ..args.members.over(None)?
        };
        let Ok(change) =
            change.try_map(|_, value| Ok::<_, std::convert::Infallible>(value.reveal()));
        let mut taken = serde_json::to_value(change).unwrap_or_default();
        for (name, id) in [
            ("user_card_code", args.card.code),
            ("brand_id", args.card.user.brand.brand_id),
            ("card_id", args.card.user.card_id),
            ("openid", args.card.user.openid),
        ] {
            if let Some(id) = id {
                taken[name] = id.into();
            }
        }
        Ok(taken)
    }
}

/// The validity that the template gives; an import's is of its type in any case.
async fn validity_of(card_id: &str, members: &CardMember) -> Result<ValidDateInformation, Problem> {
    let get = GetCard {
        card_id: card_id.to_owned(),
    };
    Ok(members.send(&get).await?.valid_date_information)
}
