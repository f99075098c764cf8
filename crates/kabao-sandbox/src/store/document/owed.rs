use jiff::Timestamp;
use kabao_core::signature::Scheme;

use crate::{
    store::{Failure, Owed, OwedState},
    vault::{Compartment, Vault},
};

/// One row of `notifications`.
pub(in crate::store) struct OwedRow {
    pub(in crate::store) brand_id: String,
    pub(in crate::store) id: String,
    pub(in crate::store) card_id: Option<String>,
    pub(in crate::store) event_type: String,
    pub(in crate::store) notify_url: String,
    pub(in crate::store) scheme: String,
    pub(in crate::store) identity: String,
    /// Sealed.
    pub(in crate::store) body: Vec<u8>,
    pub(in crate::store) create_ms: i64,
    pub(in crate::store) state: String,
    pub(in crate::store) attempts: String,
    pub(in crate::store) next_attempt_ms: Option<i64>,
    pub(in crate::store) leased_until_ms: Option<i64>,
}

impl OwedRow {
    pub(in crate::store) fn seal(owed: &Owed, vault: &Vault) -> Result<Self, Failure> {
        let place = place(&owed.brand_id, &owed.id);
        Ok(Self {
            body: vault.seal(Compartment::Personal, &place, &owed.body)?,
            brand_id: owed.brand_id.clone(),
            id: owed.id.clone(),
            card_id: owed.card_id.clone(),
            event_type: owed.event_type.clone(),
            notify_url: owed.notify_url.clone(),
            scheme: owed.scheme.as_str().to_owned(),
            identity: owed.identity.clone(),
            create_ms: owed.create_time.as_millisecond(),
            state: owed.state.as_str().to_owned(),
            attempts: serde_json::to_string(&owed.attempts)?,
            next_attempt_ms: owed.next_attempt.map(Timestamp::as_millisecond),
            leased_until_ms: owed.leased_until.map(Timestamp::as_millisecond),
        })
    }

    pub(in crate::store) fn open(self, vault: &Vault) -> Result<Owed, Failure> {
        let at = |ms: Option<i64>| ms.map(Timestamp::from_millisecond).transpose();
        let place = place(&self.brand_id, &self.id);
        let body = vault.open(Compartment::Personal, &place, &self.body)?;
        Ok(Owed {
            scheme: Scheme::from_name(&self.scheme)
                .ok_or_else(|| format!("`{}` is not a scheme", self.scheme))?,
            state: OwedState::from_name(&self.state)
                .ok_or_else(|| format!("`{}` is not a state of a notification", self.state))?,
            attempts: serde_json::from_str(&self.attempts)?,
            create_time: Timestamp::from_millisecond(self.create_ms)?,
            next_attempt: at(self.next_attempt_ms)?,
            leased_until: at(self.leased_until_ms)?,
            body: body.to_vec(),
            brand_id: self.brand_id,
            id: self.id,
            card_id: self.card_id,
            event_type: self.event_type,
            notify_url: self.notify_url,
            identity: self.identity,
        })
    }
}

fn place<'a>(brand_id: &'a str, id: &'a str) -> [&'a str; 3] {
    ["notifications", brand_id, id]
}
