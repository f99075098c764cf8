//! A stream of users who join, look at their points and leave, and the merchant
//! that confirms them. All but the last is told to the merchant.

use std::collections::HashMap;

use kabao::card_member::{
    ConfirmState, ListUserCards, UserCard, UserCardChange, UserCardKey, UserCardState,
};
use serde_json::{Value, json};

use crate::{
    access::{Access, BRAND_ID, Died, answered},
    receiver::{Cause, Why},
    writers::{Tally, Writer, phone_number},
};

pub(crate) struct Users {
    pub(crate) name: &'static str,
    card_id: String,
    /// The user who is at it, from 1.
    number: u64,
    step: Step,
    /// Whether the step may have been made.
    is_unknown: bool,
    /// The user's card, once it is known.
    code: String,
    /// Notifications that are owed, with the id if that was told.
    pub(crate) owed: HashMap<Cause, Option<String>>,
    /// Some that may be owed: nobody can say.
    pub(crate) perhaps: Vec<Cause>,
    pub(crate) tally: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Join,
    Confirm,
    AskPoints,
    Delete,
}

impl Users {
    pub(crate) fn new(name: &'static str, card_id: &str) -> Self {
        Self {
            name,
            card_id: card_id.to_owned(),
            number: 1,
            step: Step::Join,
            is_unknown: false,
            code: String::new(),
            owed: HashMap::new(),
            perhaps: Vec::new(),
            tally: Tally::default(),
        }
    }

    fn openid(&self) -> String {
        format!("o{}{}", self.name, self.number)
    }

    fn cause(&self, event: Why) -> Cause {
        Cause {
            event,
            user_card_code: self.code.clone(),
        }
    }

    /// The user's card, if there is one.
    async fn card(&self, access: &Access) -> Result<Option<UserCard>, Died> {
        let list = ListUserCards::of(self.openid());
        let mut page = answered(access.members.user_cards().list(&list).await)?;
        assert!(page.data.len() <= 1, "{:?}", page.data);
        Ok(page.data.pop())
    }

    /// The step was made; `answer` tells of a notification.
    fn made(&mut self, answer: Option<&Value>) {
        let id = answer.map(|answer| answer["notification_id"].as_str().unwrap().to_owned());
        let owed = match self.step {
            Step::Join => Some(Why::Joined),
            Step::Confirm => None,
            Step::AskPoints => Some(Why::AskedForPoints),
            Step::Delete => Some(Why::Deleted),
        };
        if let Some(why) = owed {
            let again = self.owed.insert(self.cause(why), id);
            assert!(again.is_none(), "owed twice");
        }
        self.go_on();
    }

    fn go_on(&mut self) {
        self.step = match self.step {
            Step::Join => Step::Confirm,
            Step::Confirm => Step::AskPoints,
            // Every other one stays.
            Step::AskPoints if self.number.is_multiple_of(2) => Step::Delete,
            Step::AskPoints | Step::Delete => {
                self.number += 1;
                Step::Join
            }
        };
    }

    async fn take(&mut self, access: &Access) -> Result<Option<Value>, Died> {
        let openid = self.openid();
        let mut members = json!({"brand_id": BRAND_ID, "card_id": self.card_id});
        match self.step {
            Step::Join => {
                members["phone_number"] = json!(phone_number(self.number));
                let answer = access.play(&openid, "join", members).await?;
                let code = answer["user_card"]["user_card_code"].as_str().unwrap();
                code.clone_into(&mut self.code);
                Ok(Some(answer))
            }
            Step::Confirm => {
                let key = UserCardKey::new(&*self.code, &*self.card_id, openid);
                let change = UserCardChange::new().level("白银").attach("confirmed");
                let cards = access.members.user_cards();
                answered(cards.confirm(&key, ConfirmState::Success, change).await)?;
                Ok(None)
            }
            Step::AskPoints => access.play(&openid, "ask-points", members).await.map(Some),
            Step::Delete => access.play(&openid, "delete-card", members).await.map(Some),
        }
    }
}

impl Writer for Users {
    async fn check(&mut self, access: &Access) -> Result<(), Died> {
        let card = self.card(access).await?;
        let joined = card.as_ref().map(|card| {
            assert_eq!(
                card.phone_number.as_ref().unwrap().expose(),
                phone_number(self.number)
            );
            // A confirmation and what it adjusts are there together.
            let state = card.user_card_state.clone();
            let is_confirmed = state != UserCardState::Unactivated;
            assert_eq!(card.attach.is_some(), is_confirmed, "{state:?}");
            (card.user_card_code.clone(), state)
        });
        let made = match (self.step, joined) {
            (Step::Join, None) => false,
            (Step::Join, Some((code, UserCardState::Unactivated))) => {
                self.code = code;
                true
            }
            (Step::Confirm, Some((_, UserCardState::Unactivated))) => false,
            (Step::Confirm, Some((_, UserCardState::Effective))) => true,
            (Step::AskPoints | Step::Delete, Some((_, UserCardState::Effective))) => false,
            (Step::Delete, Some((_, UserCardState::Invalid))) => true,
            (step, card) => panic!("before {step:?}, {}: {card:?}", self.openid()),
        };
        assert!(!made || self.is_unknown, "{:?} was not sent", self.step);
        if made {
            self.tally.applied += 1;
            self.made(None);
        } else if self.is_unknown && self.step == Step::AskPoints {
            // The notification alone would tell.
            let cause = self.cause(Why::AskedForPoints);
            self.perhaps.push(cause);
            self.go_on();
        }
        self.is_unknown = false;
        Ok(())
    }

    async fn write(&mut self, access: &Access) -> Result<(), Died> {
        self.is_unknown = true;
        self.tally.unknown += 1;
        let answer = self.take(access).await?;
        self.is_unknown = false;
        self.tally.unknown -= 1;
        self.tally.acknowledged += 1;
        self.made(answer.as_ref());
        Ok(())
    }
}
