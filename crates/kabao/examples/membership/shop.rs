//! The shop's service: it takes notifications and does what they ask for.

use std::sync::Arc;

use axum::{Router, extract::State, routing::post};
use kabao::{
    card_member::{CardMember, ConfirmPointExchange, ConfirmState, UserCardChange},
    notification::{Ack, Delivery, Event, Receiver},
};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{Outcome, credentials::Credentials};

/// The points that every member has here.
pub const POINTS: i64 = 5000;

/// A service that listens.
pub struct Shop {
    /// What templates name.
    pub notify_url: String,
    /// What was done, in words.
    pub done: mpsc::UnboundedReceiver<String>,
}

#[derive(Clone)]
struct Desk {
    receiver: Receiver,
    members: Arc<CardMember>,
    done: mpsc::UnboundedSender<String>,
}

impl axum::extract::FromRef<Desk> for Receiver {
    fn from_ref(desk: &Desk) -> Self {
        desk.receiver.clone()
    }
}

impl Shop {
    pub async fn open(credentials: &Credentials) -> Outcome<Self> {
        let (told, done) = mpsc::unbounded_channel();
        let desk = Desk {
            receiver: credentials
                .client
                .notifications(&*credentials.api_key)
                .build()?,
            members: Arc::new(credentials.members.clone()),
            done: told,
        };
        let service = Router::new()
            .route("/notify", post(notified))
            .with_state(desk);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let notify_url = format!("http://{}/notify", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, service).await });
        Ok(Self { notify_url, done })
    }
}

/// What comes here is verified, opened and typed. A failure makes WeChat Pay
/// tell it again, and everything done here may be done twice.
async fn notified(State(desk): State<Desk>, delivery: Delivery) -> Ack {
    match desk.act(&delivery).await {
        Ok(what) => {
            // Nobody may be listening any more.
            let _ = desk.done.send(what);
            Ack::success()
        }
        Err(error) => Ack::failure(error.to_string()),
    }
}

impl Desk {
    async fn act(&self, delivery: &Delivery) -> Outcome<String> {
        match &delivery.event {
            Event::UserCardCreated(card) => {
                // WeChat Pay gave it a code; where the merchant allocates codes,
                // this is the place for one.
                let key = card.key().ok_or("the card has no code")?;
                let welcome = UserCardChange::new().level("新会员").attach("欢迎");
                let state = ConfirmState::Success;
                let card = self
                    .members
                    .user_cards()
                    .confirm(&key, state, welcome)
                    .await?;
                Ok(format!("confirmed {}", card.user_card_code))
            }
            Event::UserCardDeleted(card) => Ok(format!("said goodbye to {}", card.openid)),
            Event::SyncUserPoint(asked) => {
                let number = format!("sync-{}", delivery.id);
                let points = self.members.points();
                let told = points.sync(&asked.key(), number, POINTS).await?;
                Ok(format!("told {} points", told.point_balance))
            }
            Event::PointExchangeCoupon(wish) => {
                let answer = match wish.deduct_points <= POINTS.unsigned_abs() {
                    true => ConfirmPointExchange::allow(wish),
                    false => ConfirmPointExchange::reject(wish, "积分不足"),
                };
                let exchange = self.members.points().confirm_exchange(answer).await?;
                Ok(format!("exchange {}", exchange.state))
            }
            other => Ok(format!("nothing to do for {other:?}")),
        }
    }
}
