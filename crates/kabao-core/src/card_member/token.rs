use serde::{Deserialize, Serialize};

use super::request::{WithBrand, partner_only};
use crate::{
    call::{BuildError, Call, Method},
    extra::Extra,
    field::{FieldError, required},
    operation::{Caller, Operation},
    sensitive::{Opener, Sealer},
    time::Time,
};

/// Opens a component in the front end.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// The token, at most 32 characters.
    pub token: String,
    /// When it ends.
    pub expire_time: Time,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl std::fmt::Debug for Token {
    /// Whoever has the token can join in the user's name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("expire_time", &self.expire_time)
            .field("extra", &self.extra)
            .finish_non_exhaustive()
    }
}

/// Gets the token that opens the joining component, for one hour.
///
/// `POST …/pre-auth-tokens`: page 4015336986 for the service provider,
/// 4015582733 for the brand; 5 a second. The front end opens `wxpayCardMember`
/// with `token=<token>&scene=CARD_MEMBER`. The template must be in force (400
/// `INVALID_REQUEST`). Every call gives a new token, which harms nobody.
///
/// ```
/// use kabao_core::{card_member::CreatePreAuthToken, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let create = CreatePreAuthToken { card_id: "pbLatj".into(), openid: "obLatj".into() };
/// let call = create.call(&Caller::Brand, wechatpay_public_key)?;
/// assert_eq!(call.body.unwrap().bytes, r#"{"card_id":"pbLatj","openid":"obLatj"}"#);
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePreAuthToken {
    /// The card template, at most 32 characters.
    pub card_id: String,
    /// The user under the template's appid, at most 128 characters.
    pub openid: String,
}

impl Operation for CreatePreAuthToken {
    type Output = Token;

    fn check(&self) -> Result<(), FieldError> {
        required("/card_id", &self.card_id, 32)?;
        required("/openid", &self.openid, 128)
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        Call::to(&caller.path("pre-auth-tokens"))
            .json(&WithBrand::new(caller, self))
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Token, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

/// Gets the token that opens the component with the payment code, for ten
/// minutes and once.
///
/// `POST …/pay-view-tokens`: page 4016834476, service providers only; 10 a
/// second. Get a new one before each opening.
///
/// ```
/// use kabao_core::{card_member::CreatePayViewToken, operation::{Caller, Operation}, PrivateKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let caller = Caller::Partner { brand_id: "1004".into() };
/// let create = CreatePayViewToken { card_id: "pbLatj".into(), openid: "obLatj".into() };
/// let call = create.call(&caller, wechatpay_public_key)?;
/// assert_eq!(call.reference, "v3/brand/partner/card-member/pay-view-tokens");
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePayViewToken {
    /// The card template, at most 32 characters.
    pub card_id: String,
    /// The user under the template's appid, at most 128 characters.
    pub openid: String,
}

impl Operation for CreatePayViewToken {
    type Output = Token;

    fn check(&self) -> Result<(), FieldError> {
        required("/card_id", &self.card_id, 32)?;
        required("/openid", &self.openid, 128)
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        partner_only(caller, "create_pay_view_token")?;
        Call::to(&caller.path("pay-view-tokens"))
            .json(&WithBrand::new(caller, self))
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<Token, serde_json::Error> {
        serde_json::from_slice(body)
    }
}
