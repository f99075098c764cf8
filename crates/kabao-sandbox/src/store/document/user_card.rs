//! A user card as a store keeps it: the columns that are searched, an open
//! document, and a sealed one with what nobody else may read.

use jiff::Timestamp;
use kabao_core::{
    Sensitive,
    card_member::{CardType, UserInformation, ValidDateInformation},
    time::Time,
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    domain::{StoredState, UserCard, UserCardId},
    store::Failure,
    vault::{Compartment, Vault},
};

/// One row of `user_cards` beside its key.
pub(in crate::store) struct UserCardRow {
    pub(in crate::store) openid: String,
    pub(in crate::store) pickup_ms: i64,
    /// When the validity is over; `None` if never.
    pub(in crate::store) end_ms: Option<i64>,
    pub(in crate::store) state: String,
    pub(in crate::store) document: String,
    pub(in crate::store) personal: Option<Vec<u8>>,
}

impl UserCardRow {
    pub(in crate::store) fn seal(card: &UserCard, vault: &Vault) -> Result<Self, Failure> {
        Ok(Self {
            openid: card.openid.clone(),
            pickup_ms: pickup_ms(card),
            end_ms: card.end().map(Timestamp::as_millisecond),
            state: card.state.as_str().to_owned(),
            document: serde_json::to_string(&OpenPart::of(card))?,
            personal: seal_personal(card, vault)?,
        })
    }

    pub(in crate::store) fn open(self, id: UserCardId, vault: &Vault) -> Result<UserCard, Failure> {
        let state = StoredState::from_name(&self.state)
            .ok_or_else(|| format!("`{}` is not a state of a card", self.state))?;
        let personal = match self.personal {
            None => Personal::default(),
            Some(sealed) => {
                let opened = vault.open(Compartment::Personal, &place(&id), &sealed)?;
                serde_json::from_slice(&opened)?
            }
        };
        let open: OpenPart = serde_json::from_str(&self.document)?;
        Ok(UserCard {
            id,
            openid: self.openid,
            card_type: open.card_type,
            card_color: open.card_color,
            card_picture_url: open.card_picture_url,
            phone_number: personal.phone_number,
            level: open.level,
            valid_date_information: open.valid_date_information,
            pickup_time: open.pickup_time,
            user_information: personal.user_information,
            attach: open.attach,
            state,
            invalid_reason: open.invalid_reason,
            invalid_time: open.invalid_time.as_deref().map(str::parse).transpose()?,
            create_time: open.create_time.parse()?,
            modify_time: open.modify_time.parse()?,
        })
    }
}

/// What anybody may read who can read the store.
#[derive(Serialize, Deserialize)]
struct OpenPart {
    card_type: CardType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    card_color: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    card_picture_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    level: Option<String>,
    valid_date_information: ValidDateInformation,
    pickup_time: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attach: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invalid_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invalid_time: Option<String>,
    create_time: String,
    modify_time: String,
}

impl OpenPart {
    fn of(card: &UserCard) -> Self {
        Self {
            card_type: card.card_type.clone(),
            card_color: card.card_color.clone(),
            card_picture_url: card.card_picture_url.clone(),
            level: card.level.clone(),
            valid_date_information: card.valid_date_information.clone(),
            pickup_time: card.pickup_time.clone(),
            attach: card.attach.clone(),
            invalid_reason: card.invalid_reason.clone(),
            invalid_time: card.invalid_time.map(|time| time.to_string()),
            create_time: card.create_time.to_string(),
            modify_time: card.modify_time.to_string(),
        }
    }
}

/// Personal data: `Revealed` on its way in, `Sensitive` on its way out.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
struct Personal<S = Sensitive> {
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    phone_number: Option<S>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    user_information: Option<UserInformation<S>>,
}

impl Default for Personal {
    fn default() -> Self {
        Self {
            phone_number: None,
            user_information: None,
        }
    }
}

fn seal_personal(card: &UserCard, vault: &Vault) -> Result<Option<Vec<u8>>, Failure> {
    if card.phone_number.is_none() && card.user_information.is_none() {
        return Ok(None);
    }
    let revealed = card.clone().into_wire(Timestamp::UNIX_EPOCH).reveal();
    let personal = Personal {
        phone_number: revealed.phone_number,
        user_information: revealed.user_information,
    };
    let plaintext = Zeroizing::new(serde_json::to_vec(&personal)?);
    let sealed = vault.seal(Compartment::Personal, &place(&card.id), &plaintext)?;
    Ok(Some(sealed))
}

fn place(id: &UserCardId) -> [&str; 4] {
    ["user_cards", &id.brand_id, &id.card_id, &id.user_card_code]
}

fn pickup_ms(card: &UserCard) -> i64 {
    let pickup = card.pickup_time.instant();
    pickup.map_or(0, Timestamp::as_millisecond)
}

/// `Default` without asking `S` for one.
fn none<T>() -> Option<T> {
    None
}
