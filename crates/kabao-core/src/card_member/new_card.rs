use serde::{Deserialize, Serialize};

use super::{
    Card, CardType, CardUserInformation, CodeMode, CodeType, JumpInformation, PurchaseInformation,
    ValidDateInformation,
    request::{self, WithBrand},
};
use crate::{
    call::{BuildError, Call, Method},
    field::{FieldError, at_most, color, one_of, out_request_no, required},
    operation::{Caller, Operation},
    sensitive::{Opener, Sealer},
};

/// A card template to be created.
///
/// ```
/// use kabao_core::card_member::{NewCard, ValidDateInformation};
///
/// let card = NewCard::new("100002322019090134234sfdf", "wxea9c30890f48d5ae", "测试卡")
///     .card_color("#FFFF00")
///     .card_picture_url("https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0")
///     .benefits("会员折扣、专属价")
///     .notify_url("https://www.weixin.qq.com/wxpay/notify.php")
///     .valid_date_information(ValidDateInformation::days(200))
///     .init_level("白银会员");
/// assert!(card.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewCard {
    /// Your request number: unique, at most 128 of `0-9A-Za-z_-`. The same
    /// number with the same content gives the same template again.
    pub out_request_no: String,
    /// The appid that openids are relative to, bound to the brand; at most 32
    /// characters.
    pub appid: String,
    /// The kind of card. Only `NORMAL` is accepted today.
    pub card_type: CardType,
    /// Name, at most 10 characters.
    pub card_title: String,
    /// Background colour, `#RRGGBB`.
    pub card_color: String,
    /// Background picture, an address from the image upload, at most 256
    /// characters.
    pub card_picture_url: String,
    /// Who gives a card its code. It cannot be changed later.
    pub code_mode: CodeMode,
    /// How the code is drawn. It cannot be changed later.
    pub code_type: CodeType,
    /// Where tapping the code leads; needed for `JUMP_MINI_PROGRAM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_jump_information: Option<JumpInformation>,
    /// Member benefits, at most 32 characters.
    pub benefits: String,
    /// An https address that receives the notifications about this template's
    /// cards; at most 256 characters.
    pub notify_url: String,
    /// Whether the card is pinned on the brand's business card; without it, no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need_pinned: Option<bool>,
    /// Whether the level shows on the card; without it, no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need_display_level: Option<bool>,
    /// Level of a new member, at most 10 characters; needed with
    /// `need_display_level`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_level: Option<String>,
    /// Customer service, at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_phone: Option<String>,
    /// Agreement between merchant and user, plain text, at most 20480
    /// characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_agreement: Option<String>,
    /// Validity given to cards taken from this template.
    pub valid_date_information: ValidDateInformation,
    /// Member centre, opened by tapping the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member_information: Option<JumpInformation>,
    /// Points page; without it there is no entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points_information: Option<JumpInformation>,
    /// Stored-value page; without it there is no entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance_information: Option<JumpInformation>,
    /// Paid membership page, unused while only `NORMAL` is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase_information: Option<PurchaseInformation>,
    /// What the user is asked when joining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_information: Option<CardUserInformation>,
}

impl NewCard {
    /// A `NORMAL` card whose codes WeChat Pay allocates and does not draw,
    /// valid without end. What else is required has to be set.
    pub fn new(
        out_request_no: impl Into<String>,
        appid: impl Into<String>,
        card_title: impl Into<String>,
    ) -> Self {
        Self {
            out_request_no: out_request_no.into(),
            appid: appid.into(),
            card_type: CardType::Normal,
            card_title: card_title.into(),
            card_color: String::new(),
            card_picture_url: String::new(),
            code_mode: CodeMode::SystemAllocate,
            code_type: CodeType::NoneCode,
            code_jump_information: None,
            benefits: String::new(),
            notify_url: String::new(),
            need_pinned: None,
            need_display_level: None,
            init_level: None,
            service_phone: None,
            legal_agreement: None,
            valid_date_information: ValidDateInformation::permanent(),
            member_information: None,
            points_information: None,
            balance_information: None,
            purchase_information: None,
            user_information: None,
        }
    }

    request::setters! {
        /// Sets the kind of card; see the field.
        card_type: CardType;
        /// Sets the background colour, `#RRGGBB`.
        card_color: String;
        /// Sets the background picture.
        card_picture_url: String;
        /// Sets who gives a card its code.
        code_mode: CodeMode;
        /// Sets how the code is drawn.
        code_type: CodeType;
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
        /// Sets the validity given to cards.
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

    /// Whether every member has a form that is accepted.
    ///
    /// # Errors
    /// [`FieldError`] names the first one that has not.
    pub fn check(&self) -> Result<(), FieldError> {
        out_request_no(&self.out_request_no, 128)?;
        for (field, text, limit) in [
            ("/appid", &self.appid, 32),
            ("/card_title", &self.card_title, 10),
            ("/card_picture_url", &self.card_picture_url, 256),
            ("/benefits", &self.benefits, 32),
            ("/notify_url", &self.notify_url, 256),
        ] {
            required(field, text, limit)?;
        }
        for (field, name, names) in [
            ("/card_type", self.card_type.as_str(), CardType::KNOWN),
            ("/code_mode", self.code_mode.as_str(), CodeMode::KNOWN),
            ("/code_type", self.code_type.as_str(), CodeType::KNOWN),
        ] {
            one_of(field, name, names)?;
        }
        color("/card_color", &self.card_color)?;
        check_options([
            ("/init_level", self.init_level.as_ref(), 10),
            ("/service_phone", self.service_phone.as_ref(), 32),
            ("/legal_agreement", self.legal_agreement.as_ref(), 20_480),
        ])?;
        self.valid_date_information
            .check("/valid_date_information")?;
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
        if let Some(form) = &self.user_information {
            form.check("/user_information")?;
        }
        if self.code_type == CodeType::JumpMiniProgram {
            let jump = self.code_jump_information.as_ref();
            needs_jump(jump, "/code_jump_information")?;
        }
        if self.need_display_level == Some(true)
            && self.init_level.as_ref().is_none_or(String::is_empty)
        {
            let issue = "needed when need_display_level is true";
            return Err(FieldError::new("/init_level", "", issue));
        }
        Ok(())
    }
}

/// Texts that may be there.
pub(super) fn check_options<const N: usize>(
    texts: [(&str, Option<&String>, usize); N],
) -> Result<(), FieldError> {
    texts
        .into_iter()
        .filter_map(|(field, text, limit)| Some((field, text?, limit)))
        .try_for_each(|(field, text, limit)| at_most(field, text, limit))
}

/// Pages that may be there.
pub(super) fn check_jumps<const N: usize>(
    jumps: [(&str, Option<&JumpInformation>); N],
) -> Result<(), FieldError> {
    jumps
        .into_iter()
        .filter_map(|(field, jump)| Some((field, jump?)))
        .try_for_each(|(field, jump)| jump.check(field))
}

/// Both members of a page, where a page is needed.
fn needs_jump(jump: Option<&JumpInformation>, at: &str) -> Result<(), FieldError> {
    for (name, text) in [
        ("jump_appid", jump.and_then(|jump| jump.jump_appid.as_ref())),
        ("jump_path", jump.and_then(|jump| jump.jump_path.as_ref())),
    ] {
        if text.is_none_or(String::is_empty) {
            let issue = "needed for code_type JUMP_MINI_PROGRAM";
            return Err(FieldError::new(format!("{at}/{name}"), "", issue));
        }
    }
    Ok(())
}

/// Creates a card template.
///
/// `POST …/cards`: page 4015336970 for the service provider, 4015582711 for the
/// brand; 5 a second. The same `out_request_no` with the same content gives the
/// same template again, so it may be repeated; with other content it is refused
/// (400 `INVALID_REQUEST`), as is a `card_type` other than `NORMAL`.
///
/// ```
/// use kabao_core::{card_member::{CreateCard, NewCard}, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let create = CreateCard { card: NewCard::new("1", "wx1", "测试卡") };
/// // It lacks a picture, which is known here.
/// assert_eq!(create.check().unwrap_err().field, "/card_picture_url");
/// let call = create.call(&Caller::Brand, wechatpay_public_key)?;
/// assert_eq!(call.reference, "brand/card-member/cards");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CreateCard {
    /// The template.
    pub card: NewCard,
}

impl Operation for CreateCard {
    type Output = Card;

    fn check(&self) -> Result<(), FieldError> {
        self.card.check()
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        Call::to(&caller.path("cards"))
            .json(&WithBrand::new(caller, &self.card))
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Card, serde_json::Error> {
        serde_json::from_slice(body)
    }
}
