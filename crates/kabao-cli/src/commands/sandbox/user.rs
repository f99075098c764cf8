//! `kabao sandbox user`: plays the member.

use clap::{Args, Subcommand};
use kabao::core::query::encode_component;
use serde_json::{Map, Value, json};

use crate::{
    commands::{form::FormArgs, input},
    control::Control,
    output::{members, printer::Printer},
    problem::Problem,
    session::Session,
};

/// What a member can do.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Join: take a card, through the component with a token, or without one
    /// from the brand's business card. The brand is notified.
    Join {
        #[command(flatten)]
        who: WhoArgs,
        /// The token of `kabao token pre-auth`.
        #[arg(long, value_name = "TOKEN")]
        token: Option<String>,
        /// Phone number in plaintext; `-` reads it from stdin.
        #[arg(long, value_name = "NUMBER|-")]
        phone_number: Option<String>,
        #[command(flatten)]
        form: FormArgs,
    },
    /// Pay an order whose attach names a card: the payer is a member at once.
    Pay {
        #[command(flatten)]
        who: WhoArgs,
        /// The order's attach, such as
        /// `…cell=15_1200_1&card_id=pbLatj…&user_card_code=4785…`.
        #[arg(long, value_name = "TEXT")]
        attach: String,
    },
    /// Delete the card. The brand is notified.
    DeleteCard {
        #[command(flatten)]
        who: WhoArgs,
    },
    /// Ask for a coupon for points. The brand is notified and has to confirm.
    ExchangeCoupon {
        #[command(flatten)]
        who: WhoArgs,
        /// What it costs.
        #[arg(long, value_name = "POINTS")]
        deduct_points: Option<u64>,
        /// The coupon's batch.
        #[arg(long, value_name = "ID")]
        stock_id: Option<String>,
    },
    /// Look at the points: the brand is asked for the balance.
    AskPoints {
        #[command(flatten)]
        who: WhoArgs,
    },
}

/// Which user, and of which template.
#[derive(Debug, Args)]
pub(crate) struct WhoArgs {
    /// The user [env: KABAO_OPENID, default: the profile's].
    #[arg(long, value_name = "ID")]
    openid: Option<String>,
    /// The brand [env: KABAO_BRAND_ID, default: the profile's].
    #[arg(long, value_name = "ID")]
    brand_id: Option<String>,
    /// The card template [env: KABAO_CARD_ID, default: the profile's].
    #[arg(long, value_name = "ID")]
    card_id: Option<String>,
}

impl UserCommand {
    pub(crate) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        let (action, who, more) = self.parts()?;
        let outcome = Session::with(profile, printer, async |session| {
            let openid = encode_component(&session.openid(who.openid)?);
            let mut body = Map::new();
            body.insert(
                "brand_id".into(),
                session.any_brand_id(who.brand_id)?.into(),
            );
            body.insert("card_id".into(), session.card_id(who.card_id)?.into());
            body.extend(more);
            Control::of(session)?
                .post(&format!("users/{openid}/{action}"), &Value::Object(body))
                .await
        });
        members::show(&outcome.await?, printer)
    }

    /// The address's last part, who it is about, and what else is in the body.
    fn parts(self) -> Result<(&'static str, WhoArgs, Map<String, Value>), Problem> {
        let mut more = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                more.insert(name.to_owned(), value);
            }
        };
        let (action, who) = match self {
            Self::Join {
                who,
                token,
                phone_number,
                form,
            } => {
                let phone_number = match phone_number.as_deref() {
                    Some("-") => Some(input::read_line("phone number")?),
                    _ => phone_number,
                };
                put("token", token.map(Value::from));
                put("phone_number", phone_number.map(Value::from));
                put("user_information", form.into_json()?);
                ("join", who)
            }
            Self::Pay { who, attach } => {
                put("attach", Some(attach.into()));
                ("pay", who)
            }
            Self::DeleteCard { who } => ("delete-card", who),
            Self::ExchangeCoupon {
                who,
                deduct_points,
                stock_id,
            } => {
                put("deduct_points", deduct_points.map(|points| json!(points)));
                put("stock_id", stock_id.map(Value::from));
                ("exchange-coupon", who)
            }
            Self::AskPoints { who } => ("ask-points", who),
        };
        Ok((action, who, more))
    }
}
