//! Feeds: a line of news on a member's card, sent by itself or with an order.

use jiff::Timestamp;
use kabao_core::{UserCardKey, time::Time};
use serde::{Deserialize, Serialize};

use super::user_card::{CODE, is_code};
use crate::{
    refusal::Refusal,
    store::{Kept, Workspace},
};

/// One line. `cell` is kept as it is given: sentence number, variables and
/// sub-template, whose count nobody documents.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Feed {
    id: String,
    card_id: String,
    user_card_code: String,
    openid: String,
    cell: String,
    create_time: Time,
}

impl Kept for Feed {
    const KIND: &'static str = "feed";

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Puts a line on a card, under an id that was never used.
pub(crate) fn put(
    workspace: &mut Workspace,
    of: &UserCardKey,
    id: &str,
    cell: &str,
    now: Timestamp,
) -> Result<(), Refusal> {
    super::user_card::live(workspace, of)?;
    workspace.put_record(&Feed {
        id: id.to_owned(),
        card_id: of.card_id.clone(),
        user_card_code: of.user_card_code.clone(),
        openid: of.openid.clone(),
        cell: cell.to_owned(),
        create_time: Time::at(now),
    })
}

/// What a merchant appends to an order's own attach:
/// `cell=…&card_id=…&user_card_code=…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderAttach {
    pub(crate) cell: String,
    pub(crate) card_id: String,
    pub(crate) user_card_code: String,
}

/// The longest `cell`, in characters.
pub(crate) const CELL: usize = 128;

impl OrderAttach {
    /// Finds it in the attach of an order, behind whatever else is there.
    pub(crate) fn find(attach: &str) -> Option<Self> {
        let (_, rest) = attach.rsplit_once("cell=")?;
        let mut parts = rest.split('&');
        let cell = parts.next()?.to_owned();
        let mut named = |name: &str| {
            let value = parts.next()?.strip_prefix(name)?.strip_prefix('=')?;
            (!value.is_empty()).then(|| value.to_owned())
        };
        Some(Self {
            cell,
            card_id: named("card_id")?,
            user_card_code: named("user_card_code")?,
        })
    }

    /// Says what could be on no card.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !is_code(&self.user_card_code) {
            return Err(format!(
                "attach: user_card_code is {CODE} digits, Latin letters and half-width \
                 punctuation at most, this is `{}`",
                self.user_card_code
            ));
        }
        match self.cell.chars().count() {
            0..=CELL => Ok(()),
            length => Err(format!(
                "attach: cell has at most {CELL} characters, this has {length}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_attach_is_found() {
        let found = OrderAttach::find("abcdecell=15_1200_1&card_id=p&user_card_code=4785");
        let found = found.expect("it is there");
        assert_eq!(
            (&*found.cell, &*found.card_id, &*found.user_card_code),
            ("15_1200_1", "p", "4785")
        );
        for other in [
            "",
            "abcde",
            "cell=1&card_id=p",
            "cell=1&card_id=&user_card_code=4",
        ] {
            assert_eq!(OrderAttach::find(other), None, "{other}");
        }
    }
}
