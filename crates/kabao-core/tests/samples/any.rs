//! Operations as one type, whatever they answer.

use std::fmt::Debug;

use kabao_core::{
    UserCard,
    call::{BuildError, Call},
    card_member::{Activity, Card, Image, Page, PointBalance, PointExchange, Token, UserFeed},
    operation::{Caller, Operation},
    sensitive::{Opener, Sealer},
};
use serde_json::Value;

use crate::members::Members;

pub(crate) trait AnyOperation: Debug {
    fn call(&self, caller: &Caller, seal: &dyn Sealer) -> Result<Call, BuildError>;
    fn seals(&self) -> bool;
    fn read(&self, answer: &Value, open: &dyn Opener) -> Result<Answer, serde_json::Error>;
}

/// An answer that was read.
pub(crate) struct Answer {
    /// Written again, with its values in the open.
    pub(crate) written: Value,
    pub(crate) members: Members,
}

impl<O: Operation<Output: Written + Debug> + Debug> AnyOperation for O {
    fn call(&self, caller: &Caller, seal: &dyn Sealer) -> Result<Call, BuildError> {
        Operation::call(self, caller, seal)
    }

    fn seals(&self) -> bool {
        Operation::seals(self)
    }

    fn read(&self, answer: &Value, open: &dyn Opener) -> Result<Answer, serde_json::Error> {
        let answer = self.decode(answer.to_string().as_bytes(), open)?;
        Ok(Answer {
            written: answer.written(),
            members: Members::of(&answer),
        })
    }
}

/// An answer as JSON, with its values in the open.
pub(crate) trait Written {
    fn written(&self) -> Value;
}

macro_rules! as_they_are {
    ($($answer:ty),+) => {$(
        impl Written for $answer {
            fn written(&self) -> Value {
                serde_json::to_value(self).expect("JSON")
            }
        }
    )+};
}

as_they_are!(Card, Activity, UserFeed, PointBalance, PointExchange, Image);
as_they_are!(Page<Card>, Page<Activity>);

impl Written for Token {
    fn written(&self) -> Value {
        // `Debug` hides the token, so that a new field would not show in it.
        let Self {
            token: _,
            expire_time: _,
            extra: _,
        } = self;
        serde_json::to_value(self).expect("JSON")
    }
}

impl Written for UserCard {
    fn written(&self) -> Value {
        serde_json::to_value(self.reveal()).expect("JSON")
    }
}

impl Written for Page<UserCard> {
    fn written(&self) -> Value {
        let shown = self.clone().map(|card| card.reveal());
        serde_json::to_value(shown).expect("JSON")
    }
}
