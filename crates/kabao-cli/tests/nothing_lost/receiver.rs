//! A shop that takes notifications, and remembers every one.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use kabao::notification::{Delivery, Event, Receiver};
use tokio::net::TcpListener;

/// What was heard, by id.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) heard: HashMap<String, Heard>,
    /// What should never be heard.
    pub(crate) wrong: Vec<String>,
}

/// One notification.
pub(crate) struct Heard {
    /// The end of the event's name, and the card that it is about.
    pub(crate) cause: Cause,
    body: Bytes,
    pub(crate) times: usize,
}

/// Why a notification is owed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Cause {
    pub(crate) event: Why,
    pub(crate) user_card_code: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Why {
    Joined,
    AskedForPoints,
    Deleted,
}

/// The way to it.
#[derive(Clone)]
pub(crate) struct Shop {
    receiver: Arc<Mutex<Option<Receiver>>>,
    book: Arc<Mutex<Book>>,
}

impl Shop {
    /// Opens it; where it is.
    pub(crate) async fn open() -> (Self, String) {
        let shop = Self {
            receiver: Arc::default(),
            book: Arc::default(),
        };
        let service = Router::new()
            .route("/notify", post(notified))
            .with_state(shop.clone());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/notify", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        (shop, url)
    }

    /// Gives it the keys, before the first notification.
    pub(crate) fn knows(&self, receiver: Receiver) {
        *self.receiver.lock().unwrap() = Some(receiver);
    }

    pub(crate) fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }
}

async fn notified(State(shop): State<Shop>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let receiver = shop.receiver.lock().unwrap().clone().unwrap();
    let delivery = receiver.receive(&headers, &body).await;
    let mut book = shop.book();
    match delivery {
        Ok(delivery) => book.note(delivery, body),
        Err(error) => {
            book.wrong.push(error.to_string());
            error.status()
        }
    }
}

impl Book {
    fn note(&mut self, delivery: Delivery, body: Bytes) -> StatusCode {
        let Some(cause) = cause(&delivery.event) else {
            self.wrong.push(format!("{delivery} is of no use"));
            return StatusCode::OK;
        };
        let heard = self.heard.entry(delivery.id.clone());
        let heard = heard.or_insert_with(|| Heard {
            cause: cause.clone(),
            body: body.clone(),
            times: 0,
        });
        heard.times += 1;
        if (&heard.cause, &heard.body) != (&cause, &body) {
            self.wrong
                .push(format!("{delivery} came with another body"));
        }
        // Some are not taken at first.
        match heard.times == 1 && is_chosen(&delivery.id) {
            true => StatusCode::INTERNAL_SERVER_ERROR,
            false => StatusCode::OK,
        }
    }
}

fn cause(event: &Event) -> Option<Cause> {
    let (event, code) = match event {
        Event::UserCardCreated(card) => (Why::Joined, card.user_card_code.clone()?),
        Event::UserCardDeleted(card) => (Why::Deleted, card.user_card_code.clone()?),
        Event::SyncUserPoint(asked) => (Why::AskedForPoints, asked.user_card_code.clone()),
        _ => return None,
    };
    Some(Cause {
        event,
        user_card_code: code,
    })
}

/// One in eight.
fn is_chosen(id: &str) -> bool {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish().is_multiple_of(8)
}
