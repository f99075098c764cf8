//! Lists, a page at a time.

use jiff::Timestamp;
use kabao_core::card_member::{CardState, UserCardState};

use crate::domain::ActivityStage;

/// Which rows of a list are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many to pass over.
    pub offset: u64,
    /// How many to give at most.
    pub limit: u64,
}

impl Window {
    /// The offset as SQL has it.
    pub(super) fn offset_i64(self) -> i64 {
        i64::try_from(self.offset).unwrap_or(i64::MAX)
    }

    /// The limit as SQL has it.
    pub(super) fn limit_i64(self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX)
    }
}

/// Some rows of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many there are in all.
    pub total: u64,
}

/// Templates of a brand, newest first, those of one moment by id.
#[derive(Debug, Clone)]
pub struct CardTemplatesOf {
    /// The brand.
    pub brand_id: String,
    /// Only those in this state.
    pub state: Option<CardState>,
}

/// A user's cards in a brand, newest pickup first.
#[derive(Debug, Clone)]
pub struct UserCardsOf {
    /// The brand.
    pub brand_id: String,
    /// The user.
    pub openid: String,
    /// Only those in this state at `now`.
    pub state: Option<UserCardState>,
    /// When it is asked, by the sandbox's clock: validity is counted to the
    /// millisecond.
    pub now: Timestamp,
}

/// Activities of a brand, newest first, those of one moment by id.
#[derive(Debug, Clone)]
pub struct ActivitiesOf {
    /// The brand.
    pub brand_id: String,
    /// Only those of this template.
    pub card_id: Option<String>,
    /// Only those in this stage at `now`.
    pub stage: Option<ActivityStage>,
    /// When it is asked, by the sandbox's clock.
    pub now: Timestamp,
}
