use serde::{Deserialize, Serialize};

use super::{
    Card, CardUserInformation, JumpInformation, PurchaseInformation, ValidDateInformation,
    new_card::{check_jumps, check_options},
    request::{self, WithBrand},
};
use crate::{
    call::{BuildError, Call, Method},
    field::{FieldError, color, required},
    operation::{Caller, Operation},
    sensitive::{Opener, Sealer},
};

/// What to change on a card template. Members that are not set stay as they
/// are; an object that is set replaces the stored one. `code_mode`, `code_type`,
/// `card_type` and `appid` cannot be changed.
///
/// ```
/// use kabao_core::card_member::CardChange;
///
/// let change = CardChange::new().card_title("新卡").need_pinned(true);
/// assert!(change.check().is_ok());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CardChange {
    /// Name, at most 10 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_title: Option<String>,
    /// Background colour, `#RRGGBB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_color: Option<String>,
    /// Background picture, an address from the image upload, at most 256
    /// characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_picture_url: Option<String>,
    /// Where tapping the code leads, for `JUMP_MINI_PROGRAM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_jump_information: Option<JumpInformation>,
    /// Member benefits, at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub benefits: Option<String>,
    /// An https address that receives the notifications, at most 256 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_url: Option<String>,
    /// Whether the card is pinned on the brand's business card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need_pinned: Option<bool>,
    /// Whether the level shows on the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need_display_level: Option<bool>,
    /// Level of a new member, at most 10 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_level: Option<String>,
    /// Customer service, at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_phone: Option<String>,
    /// Agreement between merchant and user, at most 20480 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_agreement: Option<String>,
    /// Validity given to cards that are taken from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_date_information: Option<ValidDateInformation>,
    /// Member centre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_information: Option<JumpInformation>,
    /// Points page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_information: Option<JumpInformation>,
    /// Stored-value page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance_information: Option<JumpInformation>,
    /// Paid membership page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase_information: Option<PurchaseInformation>,
    /// What the user is asked when joining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_information: Option<CardUserInformation>,
}

impl CardChange {
    /// Changes nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    request::setters! {
        /// Sets the name, at most 10 characters.
        card_title: String;
        /// Sets the background colour, `#RRGGBB`.
        card_color: String;
        /// Sets the background picture.
        card_picture_url: String;
        /// Sets where tapping the code leads.
        code_jump_information: JumpInformation;
        /// Sets the member benefits, at most 32 characters.
        benefits: String;
        /// Sets what receives the notifications.
        notify_url: String;
        /// Sets whether the card is pinned on the brand's business card.
        need_pinned: bool;
        /// Sets whether the level shows on the card.
        need_display_level: bool;
        /// Sets the level of a new member, at most 10 characters.
        init_level: String;
        /// Sets the customer service, at most 32 characters.
        service_phone: String;
        /// Sets the agreement, at most 20480 characters.
        legal_agreement: String;
        /// Sets the validity given to cards that are taken from now on.
        valid_date_information: ValidDateInformation;
        /// Sets the member centre.
        member_information: JumpInformation;
        /// Sets the points page.
        points_information: JumpInformation;
        /// Sets the stored-value page.
        balance_information: JumpInformation;
        /// Sets the paid membership page.
        purchase_information: PurchaseInformation;
        /// Sets what the user is asked when joining.
        user_information: CardUserInformation;
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether every member has a form that is accepted.
    ///
    /// # Errors
    /// [`FieldError`] names the first one that has not.
    pub fn check(&self) -> Result<(), FieldError> {
        check_options([
            ("/card_title", self.card_title.as_ref(), 10),
            ("/card_picture_url", self.card_picture_url.as_ref(), 256),
            ("/benefits", self.benefits.as_ref(), 32),
            ("/notify_url", self.notify_url.as_ref(), 256),
            ("/init_level", self.init_level.as_ref(), 10),
            ("/service_phone", self.service_phone.as_ref(), 32),
            ("/legal_agreement", self.legal_agreement.as_ref(), 20_480),
        ])?;
        if let Some(value) = &self.card_color {
            color("/card_color", value)?;
        }
        if let Some(validity) = &self.valid_date_information {
            validity.check("/valid_date_information")?;
        }
        check_jumps([
            (
                "/code_jump_information",
                self.code_jump_information.as_ref(),
            ),
            ("/member_information", self.member_information.as_ref()),
            ("/points_information", self.points_information.as_ref()),
            ("/balance_information", self.balance_information.as_ref()),
        ])?;
        if let Some(purchase) = &self.purchase_information {
            purchase.check("/purchase_information")?;
        }
        match &self.user_information {
            Some(form) => form.check("/user_information"),
            None => Ok(()),
        }
    }
}

/// Changes a card template and answers with it as it is then.
///
/// `PATCH …/cards/{card_id}`: page 4015336977 for the service provider,
/// 4015582722 for the brand. Setting values is repeatable. A template that was
/// invalidated is refused (400 `INVALID_REQUEST`).
///
/// ```
/// use kabao_core::{card_member::{CardChange, UpdateCard}, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let change = CardChange::new().card_title("新卡");
/// let update = UpdateCard { card_id: "pbLatj".into(), change };
/// let call = update.call(&Caller::Brand, wechatpay_public_key)?;
/// assert_eq!(call.reference, "brand/card-member/cards/pbLatj");
/// assert_eq!(call.body.unwrap().bytes, r#"{"card_title":"新卡"}"#);
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateCard {
    /// The template's id, at most 32 characters.
    pub card_id: String,
    /// What to change.
    pub change: CardChange,
}

impl Operation for UpdateCard {
    type Output = Card;

    fn check(&self) -> Result<(), FieldError> {
        required("card_id", &self.card_id, 32)?;
        self.change.check()
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        Call::to(&caller.path("cards/{card_id}"))
            .param("card_id", &self.card_id)
            .json(&WithBrand::new(caller, &self.change))
            .repeatable(true)
            .build(Method::Patch)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Card, serde_json::Error> {
        serde_json::from_slice(body)
    }
}
