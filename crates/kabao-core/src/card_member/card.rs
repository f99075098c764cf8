use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CardType, CardUserInformation, ValidDateInformation, request::BrandQuery};
use crate::{
    call::{BuildError, Call, Method},
    extra::Extra,
    field::{FieldError, at_most, required},
    open_enum::open_enum,
    operation::{Caller, Operation},
    sensitive::{Opener, Sealer},
    time::Time,
};

open_enum! {
    /// Who gives a card its code.
    pub enum CodeMode {
        /// WeChat Pay: 24 digits.
        SystemAllocate = "SYSTEM_ALLOCATE",
        /// The merchant, when it confirms or imports.
        MerchantAllocate = "MERCHANT_ALLOCATE",
    }
}

open_enum! {
    /// How the code is drawn on the card.
    pub enum CodeType {
        /// Not at all.
        NoneCode = "NONE_CODE",
        /// Bar code.
        BarCode = "BAR_CODE",
        /// QR code.
        QrCode = "QR_CODE",
        /// Both.
        BarCodeAndQrCode = "BAR_CODE_AND_QR_CODE",
        /// Tapping opens a mini program.
        JumpMiniProgram = "JUMP_MINI_PROGRAM",
    }
}

open_enum! {
    /// Where a template stands.
    pub enum CardState {
        /// In force.
        Effective = "CARD_EFFECTIVE",
        /// Invalidated, for good.
        Invalid = "CARD_INVALID",
    }
}

/// A card template: what the user cards of a brand are made from.
///
/// It stands in the answers to the operations on `cards`; page 4015336970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Card {
    /// The merchant's request number, at most 128 of `0-9A-Za-z-_`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_request_no: Option<String>,
    /// The template's id, at most 32 characters.
    pub card_id: String,
    /// The brand.
    pub brand_id: String,
    /// The appid that openids are relative to.
    pub appid: String,
    /// The kind of card.
    pub card_type: CardType,
    /// Name, at most 10 characters.
    pub card_title: String,
    /// Background colour, `#RRGGBB`.
    pub card_color: String,
    /// Background picture.
    pub card_picture_url: String,
    /// Who gives a card its code.
    pub code_mode: CodeMode,
    /// How the code is drawn.
    pub code_type: CodeType,
    /// Where tapping the code leads, for `JUMP_MINI_PROGRAM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_jump_information: Option<JumpInformation>,
    /// Member benefits, at most 32 characters.
    pub benefits: String,
    /// Receives the notifications about this template's cards.
    pub notify_url: String,
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
    /// Validity given to cards taken from this template.
    pub valid_date_information: ValidDateInformation,
    /// Member centre, opened by tapping the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_information: Option<JumpInformation>,
    /// Points page. Never a balance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_information: Option<JumpInformation>,
    /// Stored-value page. Never a balance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance_information: Option<JumpInformation>,
    /// Paid membership page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase_information: Option<PurchaseInformation>,
    /// What the user is asked when joining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_information: Option<CardUserInformation>,
    /// Where the template stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<CardState>,
    /// When it was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_time: Option<Time>,
    /// When it was last changed; older pages call it `update_time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modify_time: Option<Time>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Serialize for Card {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Card {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut card = Self::deserialize(deserializer)?;
        if card.modify_time.is_none() {
            card.modify_time = card.extra.take("update_time")?;
        }
        Ok(card)
    }
}

/// A page of a mini program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JumpInformation {
    /// The mini program, at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump_appid: Option<String>,
    /// The page, at most 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump_path: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl JumpInformation {
    /// A page of a mini program.
    pub fn new(jump_appid: impl Into<String>, jump_path: impl Into<String>) -> Self {
        Self {
            jump_appid: Some(jump_appid.into()),
            jump_path: Some(jump_path.into()),
            extra: Extra::default(),
        }
    }

    /// Whether the members are short enough; `at` is where the page stands.
    ///
    /// # Errors
    /// [`FieldError`] names the first that is not.
    pub fn check(&self, at: &str) -> Result<(), FieldError> {
        check_page(at, self.jump_appid.as_ref(), self.jump_path.as_ref())
    }
}

/// The page that sells a paid membership.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PurchaseInformation {
    /// In fen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<i64>,
    /// The mini program, at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump_appid: Option<String>,
    /// The page, at most 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump_path: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl PurchaseInformation {
    /// Whether the members are short enough; `at` is where the page stands.
    ///
    /// # Errors
    /// [`FieldError`] names the first that is not.
    pub fn check(&self, at: &str) -> Result<(), FieldError> {
        check_page(at, self.jump_appid.as_ref(), self.jump_path.as_ref())
    }
}

fn check_page(at: &str, appid: Option<&String>, path: Option<&String>) -> Result<(), FieldError> {
    if let Some(appid) = appid {
        at_most(&format!("{at}/jump_appid"), appid, 32)?;
    }
    if let Some(path) = path {
        at_most(&format!("{at}/jump_path"), path, 128)?;
    }
    Ok(())
}

/// Reads one card template.
///
/// `GET …/cards/{card_id}`: page 4015336974 for the service provider, 4015582715
/// for the brand.
///
/// ```
/// use kabao_core::{card_member::GetCard, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let get = GetCard { card_id: "pbLatj".into() };
/// let caller = Caller::Partner { brand_id: "1004".into() };
/// let call = get.call(&caller, wechatpay_public_key)?;
/// assert_eq!(call.reference, "v3/brand/partner/card-member/cards/pbLatj?brand_id=1004");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetCard {
    /// The template's id, at most 32 characters.
    pub card_id: String,
}

impl Operation for GetCard {
    type Output = Card;

    fn check(&self) -> Result<(), FieldError> {
        required("card_id", &self.card_id, 32)
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        Call::to(&caller.path("cards/{card_id}"))
            .param("card_id", &self.card_id)
            .query(&BrandQuery {
                brand_id: caller.brand_id(),
            })
            .build(Method::Get)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Card, serde_json::Error> {
        serde_json::from_slice(body)
    }
}
