use jiff::Timestamp;
use kabao_core::{card_member::CardState, time::Time};

use crate::{domain::CardTemplate, store::Failure};

/// One row of `card_templates` beside its key and who made it.
pub(in crate::store) struct CardTemplateRow {
    pub(in crate::store) state: String,
    pub(in crate::store) create_ms: i64,
    pub(in crate::store) document: String,
}

impl CardTemplateRow {
    pub(in crate::store) fn of(template: &CardTemplate) -> Result<Self, Failure> {
        let card = &template.card;
        let state = card.state.as_ref().unwrap_or(&CardState::Effective);
        let create_time = card.create_time.as_ref().and_then(Time::instant);
        Ok(Self {
            state: state.as_str().to_owned(),
            create_ms: create_time.map_or(0, Timestamp::as_millisecond),
            document: serde_json::to_string(card)?,
        })
    }

    pub(in crate::store) fn open(
        document: &str,
        created_by_mchid: Option<String>,
    ) -> Result<CardTemplate, Failure> {
        Ok(CardTemplate {
            card: serde_json::from_str(document)?,
            created_by_mchid,
        })
    }
}
