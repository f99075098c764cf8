use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use kabao_core::signature::Scheme;

use crate::{
    store::{Attempt, Failure, Owed, OwedState, Then},
    vault::{Compartment, Vault},
};

/// The state, at rest alone, of a notification that is to be delivered again once
/// the attempt under way has ended, whatever follows from that one.
pub(in crate::store) const ASKED_AGAIN: &str = "ASKED_AGAIN";

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
    /// Sealed, for receivers say what they like; the text of sealed bytes.
    pub(in crate::store) attempts: String,
    pub(in crate::store) next_attempt_ms: Option<i64>,
    pub(in crate::store) leased_until_ms: Option<i64>,
}

impl OwedRow {
    pub(in crate::store) fn seal(owed: &Owed, vault: &Vault) -> Result<Self, Failure> {
        let place = place(&owed.brand_id, &owed.id);
        Ok(Self {
            body: vault.seal(Compartment::Personal, &place, &owed.body)?,
            attempts: seal_attempts(&owed.attempts, &owed.brand_id, &owed.id, vault)?,
            brand_id: owed.brand_id.clone(),
            id: owed.id.clone(),
            card_id: owed.card_id.clone(),
            event_type: owed.event_type.clone(),
            notify_url: owed.notify_url.clone(),
            scheme: owed.scheme.as_str().to_owned(),
            identity: owed.identity.clone(),
            create_ms: owed.create_time.as_millisecond(),
            state: owed.state.as_str().to_owned(),
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
            state: match &*self.state {
                ASKED_AGAIN => OwedState::Pending,
                name => OwedState::from_name(name)
                    .ok_or_else(|| format!("`{name}` is not a state of a notification"))?,
            },
            attempts: self.opened_attempts(vault)?,
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

    /// Adds an attempt, and makes of the row what follows if the attempt was made
    /// under the row's lease.
    pub(in crate::store) fn note(
        &mut self,
        leased_until: Option<Timestamp>,
        attempt: Attempt,
        then: Then,
        vault: &Vault,
    ) -> Result<(), Failure> {
        let mut attempts = self.opened_attempts(vault)?;
        attempts.push(attempt);
        self.attempts = seal_attempts(&attempts, &self.brand_id, &self.id, vault)?;
        let leased_until = leased_until.map(Timestamp::as_millisecond);
        if leased_until.is_none() || leased_until != self.leased_until_ms {
            return Ok(());
        }
        self.leased_until_ms = None;
        let state = match self.state == ASKED_AGAIN {
            true => OwedState::Pending,
            false => {
                let next = then.next_attempt();
                self.next_attempt_ms = next.map(Timestamp::as_millisecond);
                then.state()
            }
        };
        state.as_str().clone_into(&mut self.state);
        Ok(())
    }

    fn opened_attempts(&self, vault: &Vault) -> Result<Vec<Attempt>, Failure> {
        if self.attempts.starts_with(PLAIN) {
            return Ok(serde_json::from_str(&self.attempts)?);
        }
        let sealed = STANDARD.decode(&self.attempts)?;
        let place = place_of_attempts(&self.brand_id, &self.id);
        let plain = vault.open(Compartment::Personal, &place, &sealed)?;
        Ok(serde_json::from_slice(&plain)?)
    }
}

/// So begins what older versions left unsealed, and nothing that is sealed.
const PLAIN: char = '[';

fn seal_attempts(
    attempts: &[Attempt],
    brand_id: &str,
    id: &str,
    vault: &Vault,
) -> Result<String, Failure> {
    let plain = serde_json::to_vec(attempts)?;
    let place = place_of_attempts(brand_id, id);
    let sealed = vault.seal(Compartment::Personal, &place, &plain)?;
    Ok(STANDARD.encode(sealed))
}

fn place_of_attempts<'a>(brand_id: &'a str, id: &'a str) -> [&'a str; 4] {
    ["notifications", brand_id, id, "attempts"]
}

fn place<'a>(brand_id: &'a str, id: &'a str) -> [&'a str; 3] {
    ["notifications", brand_id, id]
}
