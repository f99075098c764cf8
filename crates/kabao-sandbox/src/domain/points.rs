use jiff::Timestamp;
use kabao_core::{UserCardKey, time::Time};
use serde::{Deserialize, Serialize};

use crate::{
    refusal::Refusal,
    store::{Kept, Needs, Workspace},
};

/// A card's points as the merchant told them last.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct PointBalance {
    card_id: String,
    user_card_code: String,
    point_balance: i64,
    modify_time: Time,
}

impl Kept for PointBalance {
    const KIND: &'static str = "point_balance";

    fn id(&self) -> String {
        id(&self.card_id, &self.user_card_code)
    }
}

fn id(card_id: &str, user_card_code: &str) -> String {
    format!("{card_id} {user_card_code}")
}

/// Adds what [`sync`] wants to see.
pub(crate) fn needed(needs: Needs, of: &UserCardKey) -> Needs {
    needs
        .user_card(&*of.card_id, &*of.user_card_code)
        .record::<PointBalance>(id(&of.card_id, &of.user_card_code))
}

/// Sets the balance of a card: an absolute number, the last one counts.
pub(crate) fn sync(
    workspace: &mut Workspace,
    of: &UserCardKey,
    point_balance: i64,
    now: Timestamp,
) -> Result<(), Refusal> {
    super::user_card::live(workspace, of)?;
    workspace.put_record(&PointBalance {
        card_id: of.card_id.clone(),
        user_card_code: of.user_card_code.clone(),
        point_balance,
        modify_time: Time::at(now),
    })
}
