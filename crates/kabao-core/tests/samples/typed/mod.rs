//! The documented requests in the words of this crate.

mod activities;
mod cards;
mod members;
mod points;

use kabao_core::UserCardKey;

use crate::any::AnyOperation;

const CARD_ID: &str = "pbLatjvWOibDc5-TBnbUk1pD12o0";
const OPENID: &str = "obLatjnx9gnqzS4myYGmLZ7LgLBA";
const CODE: &str = "478515832665";
const OUT_REQUEST_NO: &str = "100002322019090134234sfdf";

pub(crate) type Named = (&'static str, Box<dyn AnyOperation>);

/// Every operation of the product by its name.
pub(crate) fn requests() -> Vec<Named> {
    let mut requests = cards::requests();
    requests.extend(activities::requests());
    requests.extend(members::requests());
    requests.extend(points::requests());
    requests
}

fn named(name: &'static str, operation: impl AnyOperation + 'static) -> Named {
    (name, Box::new(operation))
}

fn key() -> UserCardKey {
    UserCardKey::new(CODE, CARD_ID, OPENID)
}
