use serde::{Deserialize, Serialize};

use super::{
    UserCard, UserInformation, ValidDateInformation, ValidDateType,
    new_card::check_options,
    request::{self, WithBrand, any_sensitive, instant, partner_only, refuse_unsealed, seal_with},
};
use crate::{
    call::{BuildError, Call, Method},
    extra::none,
    field::{FieldError, color, required, user_card_code},
    operation::{Caller, Operation},
    sensitive::{Opener, Sealed, Sealer, Sensitive},
    time::Time,
};

/// A member who exists already, outside WeChat.
///
/// ```
/// use kabao_core::card_member::{UserCardImport, ValidDateInformation};
///
/// let import = UserCardImport::new("pbLatj", "478515832665", ValidDateInformation::permanent())
///     .phone_number("13800138000")
///     .level("黄金会员");
/// assert!(import.check().is_ok());
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound(deserialize = "S: Deserialize<'de>"))]
pub struct UserCardImport<S = Sensitive> {
    /// The card template, at most 32 characters.
    pub card_id: String,
    /// The code the card gets, whatever the template's `code_mode`: at most 32
    /// digits, Latin letters and half-width punctuation.
    pub user_card_code: String,
    /// Phone number, sealed on the wire. An import by phone needs it.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<S>,
    /// Background colour, `#RRGGBB`; without it the template's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_color: Option<String>,
    /// Background picture, at most 256 characters; without it the template's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_picture_url: Option<String>,
    /// Display text, at most 10 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Form answers.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub user_information: Option<UserInformation<S>>,
    /// From when to when the card serves; of the template's type. Older pages
    /// call it `date_information`.
    #[serde(alias = "date_information")]
    pub valid_date_information: ValidDateInformation,
    /// When the member joined; needed for `FIX_TERM`, otherwise now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pickup_time: Option<Time>,
}

impl UserCardImport {
    /// An import of what is required.
    pub fn new(
        card_id: impl Into<String>,
        user_card_code: impl Into<String>,
        validity: ValidDateInformation,
    ) -> Self {
        Self {
            card_id: card_id.into(),
            user_card_code: user_card_code.into(),
            phone_number: None,
            card_color: None,
            card_picture_url: None,
            level: None,
            user_information: None,
            valid_date_information: validity,
            pickup_time: None,
        }
    }

    request::setters! {
        /// Sets the phone number, in plaintext here.
        phone_number: Sensitive;
        /// Sets the background colour, `#RRGGBB`.
        card_color: String;
        /// Sets the background picture.
        card_picture_url: String;
        /// Sets the level, at most 10 characters.
        level: String;
        /// Sets the form answers.
        user_information: UserInformation;
        /// Sets when the member joined.
        pickup_time: Time;
    }
}

impl<S> UserCardImport<S> {
    /// Whether every member has a form that is accepted.
    ///
    /// # Errors
    /// [`FieldError`] names the first one that has not.
    pub fn check(&self) -> Result<(), FieldError> {
        required("/card_id", &self.card_id, 32)?;
        user_card_code("/user_card_code", &self.user_card_code)?;
        if let Some(value) = &self.card_color {
            color("/card_color", value)?;
        }
        check_options([
            ("/card_picture_url", self.card_picture_url.as_ref(), 256),
            ("/level", self.level.as_ref(), 10),
        ])?;
        if let Some(information) = &self.user_information {
            information.check("/user_information")?;
        }
        self.valid_date_information
            .check("/valid_date_information")?;
        match &self.pickup_time {
            Some(time) => instant("/pickup_time", time).map(|_| ()),
            None if self.valid_date_information.kind == ValidDateType::FixTerm => {
                let issue = "needed for FIX_TERM, which counts from it";
                Err(FieldError::new("/pickup_time", "", issue))
            }
            None => Ok(()),
        }
    }

    /// Turns every sensitive value into another form; `convert` also gets the
    /// JSON Pointer of the value.
    ///
    /// # Errors
    /// The first that `convert` gives.
    pub fn try_map<T, E>(
        self,
        mut convert: impl FnMut(&str, S) -> Result<T, E>,
    ) -> Result<UserCardImport<T>, E> {
        Ok(UserCardImport {
            phone_number: self
                .phone_number
                .map(|value| convert("/phone_number", value))
                .transpose()?,
            user_information: self
                .user_information
                .map(|information| information.try_map("/user_information", &mut convert))
                .transpose()?,
            card_id: self.card_id,
            user_card_code: self.user_card_code,
            card_color: self.card_color,
            card_picture_url: self.card_picture_url,
            level: self.level,
            valid_date_information: self.valid_date_information,
            pickup_time: self.pickup_time,
        })
    }

    fn has_sensitive(&self) -> bool {
        any_sensitive(self.phone_number.as_ref(), self.user_information.as_ref())
    }
}

impl UserCardImport {
    fn seal(&self, sealer: &dyn Sealer) -> Result<UserCardImport<Sealed>, BuildError> {
        refuse_unsealed(self.user_information.as_ref())?;
        self.clone().try_map(seal_with(sealer))
    }
}

/// Takes over a member whose openid is known. The card serves at once, without
/// a confirmation and without a notification.
///
/// `POST …/user-cards/import-by-openid`: page 4015336981 for the service
/// provider, 4015582744 for the brand; 5 a second. The same member with the same
/// code gives the stored card, so it may be repeated; another code, or a code
/// that somebody else has, is refused (400 `RESOURCE_ALREADY_EXISTS`).
///
/// ```
/// use kabao_core::{card_member::{ImportUserCardByOpenid, UserCardImport, ValidDateInformation},
///     operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let import = ImportUserCardByOpenid {
///     openid: "obLatj".into(),
///     card: UserCardImport::new("pbLatj", "478515832665", ValidDateInformation::permanent()),
/// };
/// let call = import.call(&Caller::Brand, wechatpay_public_key)?;
/// assert_eq!(call.reference, "brand/card-member/user-cards/import-by-openid");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ImportUserCardByOpenid {
    /// The user under the template's appid, at most 128 characters.
    pub openid: String,
    /// The card.
    pub card: UserCardImport,
}

impl Operation for ImportUserCardByOpenid {
    type Output = UserCard;

    fn check(&self) -> Result<(), FieldError> {
        required("/openid", &self.openid, 128)?;
        self.card.check()
    }

    fn call(&self, caller: &Caller, seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Body<'a> {
            openid: &'a str,
            #[serde(flatten)]
            card: UserCardImport<Sealed>,
        }
        let body = Body {
            openid: &self.openid,
            card: self.card.seal(seal)?,
        };
        Call::to(&caller.path("user-cards/import-by-openid"))
            .json(&WithBrand::new(caller, body))
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        self.card.has_sensitive()
    }

    fn decode(&self, body: &[u8], open: &dyn Opener) -> Result<UserCard, serde_json::Error> {
        serde_json::from_slice::<UserCard<Sealed>>(body).map(|card| card.open(open))
    }
}

/// Takes over a member whose phone number is known. The documentation calls it
/// not yet online.
///
/// `POST …/user-cards/import-by-phone`: page 4015336982, service providers
/// only. It may be repeated as [`ImportUserCardByOpenid`] may.
///
/// ```
/// use kabao_core::{card_member::{ImportUserCardByPhone, UserCardImport, ValidDateInformation}, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let caller = Caller::Partner { brand_id: "1004".into() };
/// let card = UserCardImport::new("pbLatj", "478515832665", ValidDateInformation::permanent())
///     .phone_number("13800138000");
/// let call = ImportUserCardByPhone { card }.call(&caller, wechatpay_public_key)?;
/// assert_eq!(call.reference, "v3/brand/partner/card-member/user-cards/import-by-phone");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ImportUserCardByPhone {
    /// The card, with a phone number.
    pub card: UserCardImport,
}

impl Operation for ImportUserCardByPhone {
    type Output = UserCard;

    fn check(&self) -> Result<(), FieldError> {
        match &self.card.phone_number {
            Some(_) => self.card.check(),
            None => Err(FieldError::new("/phone_number", "", "required")),
        }
    }

    fn call(&self, caller: &Caller, seal: &dyn Sealer) -> Result<Call, BuildError> {
        partner_only(caller, "import_user_card_by_phone")?;
        let card = self.card.seal(seal)?;
        Call::to(&caller.path("user-cards/import-by-phone"))
            .json(&WithBrand::new(caller, card))
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        self.card.has_sensitive()
    }

    fn decode(&self, body: &[u8], open: &dyn Opener) -> Result<UserCard, serde_json::Error> {
        serde_json::from_slice::<UserCard<Sealed>>(body).map(|card| card.open(open))
    }
}
