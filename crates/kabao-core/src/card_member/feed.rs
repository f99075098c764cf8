use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{UserCardKey, request::WithBrand};
use crate::{
    call::{BuildError, Call, Method},
    extra::Extra,
    field::{FieldError, out_request_no, required},
    operation::{Caller, Operation},
    sensitive::{Opener, Sealer},
};

/// A line of news on a member's card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct UserFeed {
    /// The brand.
    pub brand_id: String,
    /// The card template.
    pub card_id: String,
    /// The card.
    pub user_card_code: String,
    /// The user; only older pages have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub openid: Option<String>,
    /// The merchant's request number.
    pub out_request_no: String,
    /// Which sentence, with which values; older pages call it `cell_message`.
    #[serde(default)]
    pub cell: String,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Serialize for UserFeed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for UserFeed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut feed = Self::deserialize(deserializer)?;
        if feed.cell.is_empty() {
            let older = feed.extra.take("cell_message")?;
            feed.cell = older.ok_or_else(|| D::Error::missing_field("cell"))?;
        }
        Ok(feed)
    }
}

/// Pushes a line of news that does not come from a WeChat Pay order. (Orders
/// carry theirs in `attach`.)
///
/// `POST …/user-feeds`: page 4015336987 for the service provider, 5 a second;
/// 4015582679 for the brand. The same `out_request_no` with the same content
/// gives the same answer again, so it may be repeated.
///
/// ```
/// use kabao_core::{card_member::CreateUserFeed, operation::{Caller, Operation}, PrivateKey, UserCardKey};
///
/// # let key = PrivateKey::generate().unwrap();
/// # let wechatpay_public_key = key.public_key();
/// let feed = CreateUserFeed {
///     key: UserCardKey::new("478515832665", "pbLatj", "obLatj"),
///     out_request_no: "1".into(),
///     cell: "15_1200_1".into(),
/// };
/// assert!(feed.call(&Caller::Brand, wechatpay_public_key)?.repeatable);
/// # Ok::<(), kabao_core::call::BuildError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateUserFeed {
    /// Whose card.
    pub key: UserCardKey,
    /// Your request number: unique, at most 64 of `0-9A-Za-z_-`.
    pub out_request_no: String,
    /// Which of WeChat's sentences, with which values, such as `15_1200_1`; at
    /// most 128 characters. Page 4015534755 lists the sentences.
    pub cell: String,
}

impl Operation for CreateUserFeed {
    type Output = UserFeed;

    fn check(&self) -> Result<(), FieldError> {
        self.key.check()?;
        out_request_no(&self.out_request_no, 64)?;
        required("/cell", &self.cell, 128)
    }

    fn call(&self, caller: &Caller, _seal: &dyn Sealer) -> Result<Call, BuildError> {
        #[derive(Serialize)]
        struct Body<'a> {
            card_id: &'a str,
            user_card_code: &'a str,
            openid: &'a str,
            out_request_no: &'a str,
            cell: &'a str,
        }
        let body = Body {
            card_id: &self.key.card_id,
            user_card_code: &self.key.user_card_code,
            openid: &self.key.openid,
            out_request_no: &self.out_request_no,
            cell: &self.cell,
        };
        Call::to(&caller.path("user-feeds"))
            .json(&WithBrand::new(caller, body))
            .repeatable(true)
            .build(Method::Post)
    }

    fn seals(&self) -> bool {
        false
    }

    fn decode(&self, body: &[u8], _open: &dyn Opener) -> Result<UserFeed, serde_json::Error> {
        serde_json::from_slice(body)
    }
}
