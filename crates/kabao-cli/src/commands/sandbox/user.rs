//! `kabao sandbox user`: plays the member.

use std::fmt;

use clap::Subcommand;
use kabao::{Sensitive, core::query::encode_component};
use serde_json::{Map, Value};

use crate::{
    commands::{
        form::FormArgs,
        ids::{BrandArgs, HEADING, UserArgs},
        input,
    },
    output::{members, printer::Printer},
    problem::Problem,
    steering::{Aim, Steering},
};

/// What a member can do.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Join: take a card, through the component with a token, or without one
    /// from the brand's business card. The brand is notified.
    Join {
        #[command(flatten)]
        who: UserArgs,
        /// The token of `kabao token pre-auth`.
        #[arg(long, value_name = "TOKEN")]
        token: Option<Token>,
        /// Phone number in plaintext; `-` reads it from stdin.
        #[arg(long, value_name = "NUMBER|-")]
        phone_number: Option<Sensitive>,
        #[command(flatten)]
        form: FormArgs,
    },
    /// Pay an order whose attach names a card: the payer is a member at once.
    Pay {
        #[command(flatten)]
        brand: BrandArgs,
        /// The user [env: KABAO_OPENID, default: the profile's].
        #[arg(long, value_name = "ID", help_heading = HEADING)]
        openid: Option<String>,
        /// The order's attach, such as
        /// `…cell=15_1200_1&card_id=pbLatj…&user_card_code=4785…`.
        #[arg(long, value_name = "TEXT")]
        attach: String,
    },
    /// Open the payment code, which uses the token up.
    ShowPayCode {
        #[command(flatten)]
        who: UserArgs,
        /// The token of `kabao token pay-view`.
        #[arg(long, value_name = "TOKEN")]
        token: Token,
    },
    /// Delete the card. The brand is notified.
    DeleteCard {
        #[command(flatten)]
        who: UserArgs,
    },
    /// Ask for a coupon for points. The brand is notified and has to confirm.
    ExchangeCoupon {
        #[command(flatten)]
        who: UserArgs,
        /// What it costs.
        #[arg(long, value_name = "POINTS")]
        deduct_points: Option<u64>,
        /// The coupon's batch.
        #[arg(long, value_name = "ID")]
        stock_id: Option<String>,
        /// The product coupon.
        #[arg(long, value_name = "ID")]
        product_coupon_id: Option<String>,
        /// WeChat Pay's template of the exchange.
        #[arg(long, value_name = "ID")]
        exchange_coupon_template_id: Option<String>,
        /// Let issuing the coupon fail, though the brand allows it.
        #[arg(long)]
        fail: bool,
    },
    /// Look at the points: the brand is asked for the balance.
    AskPoints {
        #[command(flatten)]
        who: UserArgs,
    },
}

/// A token. Whoever has it can use it, so `Debug` shows nothing of it.
#[derive(Clone)]
pub(crate) struct Token(String);

impl From<String> for Token {
    fn from(token: String) -> Self {
        Self(token)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// What is posted.
struct Play {
    /// The address's last part.
    action: &'static str,
    who: UserArgs,
    /// Whether the body has the template's id: an order's attach brings its own.
    names_card: bool,
    /// What else is in the body.
    more: Map<String, Value>,
}

impl UserCommand {
    pub(crate) async fn run(self, aim: Aim<'_>, printer: &Printer) -> Result<(), Problem> {
        let Play {
            action,
            who,
            names_card,
            more,
        } = self.play()?;
        let outcome = Steering::with_now(aim, printer, async |steering| {
            let openid = encode_component(&steering.defaults.openid(who.openid)?);
            let mut body = Map::new();
            body.insert(
                "brand_id".into(),
                steering.defaults.brand_id(who.brand.brand_id)?.into(),
            );
            if names_card {
                body.insert(
                    "card_id".into(),
                    steering.defaults.card_id(who.card_id)?.into(),
                );
            }
            body.extend(more);
            steering
                .control
                .post(&format!("users/{openid}/{action}"), &Value::Object(body))
                .await
        });
        let (answer, now) = outcome.await?;
        members::show(&answer, now, printer)
    }

    fn play(self) -> Result<Play, Problem> {
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
                let phone_number = match phone_number {
                    Some(number) if number.expose() == "-" => {
                        Some(input::read_line("phone number")?.into())
                    }
                    given => given,
                };
                put("token", token.map(|token| token.0.into()));
                put(
                    "phone_number",
                    phone_number.map(|number| number.expose().into()),
                );
                put("user_information", form.into_json()?);
                ("join", who)
            }
            Self::Pay {
                brand,
                openid,
                attach,
            } => {
                put("attach", Some(attach.into()));
                let who = UserArgs {
                    brand,
                    openid,
                    card_id: None,
                };
                ("pay", who)
            }
            Self::ShowPayCode { who, token } => {
                put("token", Some(token.0.into()));
                ("show-pay-code", who)
            }
            Self::DeleteCard { who } => ("delete-card", who),
            Self::ExchangeCoupon {
                who,
                deduct_points,
                stock_id,
                product_coupon_id,
                exchange_coupon_template_id,
                fail,
            } => {
                put("deduct_points", deduct_points.map(Value::from));
                put("stock_id", stock_id.map(Value::from));
                put("product_coupon_id", product_coupon_id.map(Value::from));
                let template = exchange_coupon_template_id.map(Value::from);
                put("exchange_coupon_template_id", template);
                put("fail", fail.then_some(Value::from(true)));
                ("exchange-coupon", who)
            }
            Self::AskPoints { who } => ("ask-points", who),
        };
        Ok(Play {
            action,
            who,
            names_card: action != "pay",
            more,
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(subcommand)]
        command: UserCommand,
    }

    fn parts(arguments: &[&str]) -> (&'static str, UserArgs, Value) {
        let line = Line::try_parse_from([&["user"], arguments].concat());
        let command = line.unwrap_or_else(|error| panic!("{error}")).command;
        let play = command.play().expect("a play");
        assert_eq!(play.names_card, play.action != "pay");
        (play.action, play.who, Value::Object(play.more))
    }

    #[test]
    fn what_a_member_does_becomes_an_address_and_a_body() {
        let (action, who, body) = parts(&[
            "join",
            "--openid=oNew",
            "--token=t",
            "--phone-number=13900139000",
            "--common=sex=女",
            "--custom=喜欢的运动=足球,篮球",
        ]);
        assert_eq!((action, who.openid.as_deref()), ("join", Some("oNew")));
        assert_eq!(
            body,
            json!({
                "token": "t",
                "phone_number": "13900139000",
                "user_information": {
                    "common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": "女"}],
                    "custom_field_list":
                        [{"name": "喜欢的运动", "user_chosen_values": ["足球", "篮球"]}],
                },
            })
        );
        let (action, who, body) = parts(&["delete-card", "--card-id=p", "--brand-id=1004"]);
        assert_eq!((action, body), ("delete-card", json!({})));
        assert_eq!(who.card_id.as_deref(), Some("p"));
        assert_eq!(who.brand.brand_id.as_deref(), Some("1004"));
        let (action, _, body) = parts(&["pay", "--attach=cell=1_100&card_id=p"]);
        assert_eq!(
            (action, body),
            ("pay", json!({"attach": "cell=1_100&card_id=p"}))
        );
        let (action, _, body) = parts(&["show-pay-code", "--token=t"]);
        assert_eq!((action, body), ("show-pay-code", json!({"token": "t"})));
        assert_eq!(parts(&["ask-points"]).0, "ask-points");
    }

    #[test]
    fn a_wish_for_a_coupon_has_only_what_was_given() {
        let (action, _, body) = parts(&["exchange-coupon"]);
        assert_eq!((action, body), ("exchange-coupon", json!({})));
        let (.., body) = parts(&[
            "exchange-coupon",
            "--deduct-points=1000",
            "--stock-id=100232301",
            "--product-coupon-id=200000001",
            "--exchange-coupon-template-id=0Flpo7FqTQ",
            "--fail",
        ]);
        assert_eq!(
            body,
            json!({
                "deduct_points": 1000, "stock_id": "100232301", "product_coupon_id": "200000001",
                "exchange_coupon_template_id": "0Flpo7FqTQ", "fail": true,
            })
        );
    }
    #[test]
    fn debug_shows_neither_a_personal_value_nor_a_token() {
        for arguments in [
            &[
                "join",
                "--token=TOK",
                "--phone-number=13800138000",
                "--common=name=张三",
            ][..],
            &["show-pay-code", "--token=TOK"],
        ] {
            let line = Line::try_parse_from([&["user"], arguments].concat());
            let text = format!(
                "{:?}",
                line.unwrap_or_else(|error| panic!("{error}")).command
            );
            for secret in ["TOK", "138", "张三"] {
                assert!(!text.contains(secret), "{text}");
            }
        }
    }
}
