//! `/_sandbox/users/{openid}/…`: what a user does in WeChat, played.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequestParts, State},
    http::request::Parts,
    routing::post,
};
use kabao_core::{Sensitive, UserCardChange, card_member::UserInformation, notification::Event};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Trouble,
    extract::{Body, Path},
    stage::play,
};
use crate::{
    app::App,
    domain::{
        event,
        exchange::{self, Wish},
        feed::OrderAttach,
        join::{self, Joining},
        token::{self, TokenPurpose},
        user_card,
    },
    random,
    store::Needs,
};

/// WeChat Pay's operators make these, and no API shows them.
const EXCHANGE_COUPON_TEMPLATE_ID: &str = "0Flpo7FqTQ";
const PRODUCT_COUPON_ID: &str = "200000001";
const PRODUCT_COUPON_STOCK_TYPE: &str = "PRODUCT_COUPON_STOCK_TYPE_BUSI_FAVOR";
const STOCK_ID: &str = "100232301";

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/_sandbox/users/{openid}/join", post(join))
        .route("/_sandbox/users/{openid}/pay", post(pay))
        .route(
            "/_sandbox/users/{openid}/show-pay-code",
            post(show_pay_code),
        )
        .route("/_sandbox/users/{openid}/delete-card", post(delete_card))
        .route(
            "/_sandbox/users/{openid}/exchange-coupon",
            post(exchange_coupon),
        )
        .route("/_sandbox/users/{openid}/ask-points", post(ask_points))
}

/// Who plays: an openid that the operations take as well.
struct User(String);

impl FromRequestParts<Arc<App>> for User {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Trouble> {
        let Path(openid) = Path::<String>::from_request_parts(parts, app).await?;
        match openid.chars().count() {
            1..=128 => Ok(Self(openid)),
            length => Err(Trouble::param(format!(
                "openid: 1 to 128 characters, this has {length}"
            ))),
        }
    }
}

type Played = Result<Json<Value>, Trouble>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Join {
    brand_id: String,
    card_id: String,
    phone_number: Option<Sensitive>,
    user_information: Option<UserInformation>,
    token: Option<String>,
}

/// Takes a card: with a token through the component, without one from the
/// brand's business card.
async fn join(State(app): State<Arc<App>>, User(openid): User, Body(body): Body<Join>) -> Played {
    let filled_in = filled_in(body.phone_number, body.user_information)?;
    let joining = Joining {
        card_id: body.card_id,
        openid,
        phone_number: filled_in.phone_number,
        user_information: filled_in.user_information,
        token: body.token,
        code: random::card_code(),
    };
    let needs = Needs::of(body.brand_id)
        .card_template(&*joining.card_id)
        .user_cards_of(&*joining.card_id, &*joining.openid)
        .activities_of(&*joining.card_id);
    let needs = match &joining.token {
        Some(text) => needs.record::<token::Token>(&**text),
        None => needs,
    };
    let play = play(&app, needs, move |stage, workspace| {
        let (card, gifts) = join::join(workspace, &joining, stage.now)?;
        stage.tell(
            workspace,
            &joining.card_id,
            event::created(card.clone(), stage.now),
        )?;
        let gifts = gifts.into_iter().map(|activity| {
            json!({
                "activity_id": activity.activity_id,
                "product_coupon_stock_list": activity.product_coupon_stock_list,
            })
        });
        let gifts: Vec<Value> = gifts.collect();
        Ok(json!({
            "user_card": stage.shown(card)?,
            "gifts": gifts,
            "notification_id": stage.notification_id,
        }))
    });
    play.await
}

/// What a user tells when joining, unless it could never be told to a merchant.
fn filled_in(
    phone_number: Option<Sensitive>,
    user_information: Option<UserInformation>,
) -> Result<UserCardChange, Trouble> {
    let told = user_card::showable(UserCardChange {
        phone_number,
        user_information,
        ..UserCardChange::default()
    });
    told.map_err(|error| Trouble::param(format!("{}: {}", error.field, error.issue)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pay {
    brand_id: String,
    attach: String,
}

/// Pays an order whose attach names a card, which makes the payer a member.
async fn pay(State(app): State<Arc<App>>, User(openid): User, Body(body): Body<Pay>) -> Played {
    let Pay { brand_id, attach } = body;
    let attach = OrderAttach::find(&attach)
        .ok_or_else(|| Trouble::param("attach: no `cell=…&card_id=…&user_card_code=…` is in it"))?;
    attach.check().map_err(Trouble::param)?;
    let (card_id, code) = (&*attach.card_id, &*attach.user_card_code);
    let needs = Needs::of(brand_id)
        .card_template(card_id)
        .user_card(card_id, code)
        .user_cards_of(card_id, &*openid);
    let feed_id = random::record_id();
    let play = play(&app, needs, move |stage, workspace| {
        let card = join::pay(workspace, &attach, &openid, &feed_id, stage.now)?;
        Ok(json!({ "user_card": stage.shown(card)? }))
    });
    play.await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShowPayCode {
    brand_id: String,
    card_id: String,
    token: String,
}

/// Opens the component that shows the pay code, which uses the token up.
async fn show_pay_code(
    State(app): State<Arc<App>>,
    User(openid): User,
    Body(body): Body<ShowPayCode>,
) -> Played {
    let ShowPayCode {
        brand_id,
        card_id,
        token,
    } = body;
    let needs = Needs::of(brand_id).record::<token::Token>(&*token);
    let play = play(&app, needs, move |stage, workspace| {
        let purpose = TokenPurpose::PayView;
        token::open(workspace, purpose, &token, &card_id, &openid, stage.now)?;
        Ok(json!({ "opened": true }))
    });
    play.await
}

/// A user's card of a template.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnCard {
    brand_id: String,
    card_id: String,
}

/// Removes the card.
async fn delete_card(
    State(app): State<Arc<App>>,
    User(openid): User,
    Body(body): Body<OwnCard>,
) -> Played {
    let OwnCard { brand_id, card_id } = body;
    let play = play(
        &app,
        needs_of(brand_id, &card_id, &openid),
        move |stage, workspace| {
            let card = join::delete(workspace, &card_id, &openid, stage.now)?;
            stage.tell(workspace, &card_id, event::deleted(card.clone(), stage.now))?;
            Ok(json!({
                "user_card": stage.shown(card)?,
                "notification_id": stage.notification_id,
            }))
        },
    );
    play.await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeCoupon {
    brand_id: String,
    card_id: String,
    #[serde(default = "usual_points")]
    deduct_points: u64,
    stock_id: Option<String>,
    product_coupon_id: Option<String>,
    exchange_coupon_template_id: Option<String>,
    /// Whether issuing the coupon is to fail though the merchant allows it.
    #[serde(default)]
    fail: bool,
}

const fn usual_points() -> u64 {
    1000
}

/// Wants a coupon for points.
async fn exchange_coupon(
    State(app): State<Arc<App>>,
    User(openid): User,
    Body(body): Body<ExchangeCoupon>,
) -> Played {
    for (name, id, longest) in [
        ("stock_id", &body.stock_id, usize::MAX),
        ("product_coupon_id", &body.product_coupon_id, usize::MAX),
        // The merchant has to send it back.
        (
            "exchange_coupon_template_id",
            &body.exchange_coupon_template_id,
            32,
        ),
    ] {
        let length = id.as_ref().map_or(1, |id| id.chars().count());
        if length == 0 || length > longest {
            let message = format!("{name}: {length} characters are no such id");
            return Err(Trouble::param(message));
        }
    }
    let or = |given: Option<String>, usual: &str| given.unwrap_or_else(|| usual.to_owned());
    let needs = needs_of(body.brand_id, &body.card_id, &openid);
    let wish = Wish {
        card_id: body.card_id,
        openid,
        record_id: random::record_id(),
        exchange_coupon_template_id: or(
            body.exchange_coupon_template_id,
            EXCHANGE_COUPON_TEMPLATE_ID,
        ),
        deduct_points: body.deduct_points,
        product_coupon_id: or(body.product_coupon_id, PRODUCT_COUPON_ID),
        product_coupon_stock_type: PRODUCT_COUPON_STOCK_TYPE.to_owned(),
        stock_id: or(body.stock_id, STOCK_ID),
        coupon_fails: body.fail,
    };
    let play = play(&app, needs, move |stage, workspace| {
        let asked = exchange::ask(workspace, &wish, stage.now)?;
        let answer = json!({
            "exchange": asked,
            "notification_id": stage.notification_id,
        });
        stage.tell(workspace, &wish.card_id, Event::PointExchangeCoupon(asked))?;
        Ok(answer)
    });
    play.await
}

/// Looks at the points, of which WeChat Pay then wants a current balance.
async fn ask_points(
    State(app): State<Arc<App>>,
    User(openid): User,
    Body(body): Body<OwnCard>,
) -> Played {
    let OwnCard { brand_id, card_id } = body;
    let play = play(
        &app,
        needs_of(brand_id, &card_id, &openid),
        move |stage, workspace| {
            let card = user_card::in_force(workspace, &card_id, &openid, stage.now)?;
            let asked = event::points_asked(card);
            stage.tell(workspace, &card_id, asked)?;
            Ok(json!({ "notification_id": stage.notification_id }))
        },
    );
    play.await
}

fn needs_of(brand_id: String, card_id: &str, openid: &str) -> Needs {
    Needs::of(brand_id)
        .card_template(card_id)
        .user_cards_of(card_id, openid)
}
