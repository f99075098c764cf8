use serde::{Deserialize, Serialize};

use super::UserCardKey;
use crate::extra::Extra;

/// A user wants a coupon for points: the resource `point_coupon` (page
/// 4015878622 for the service provider, 4015879057 for the brand). Answer it
/// with [`ConfirmPointExchange`](super::ConfirmPointExchange).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PointCoupon {
    /// This exchange, at most 64 characters.
    pub record_id: String,
    /// The brand, at most 16 characters.
    pub brand_id: String,
    /// The template, at most 32 characters.
    pub card_id: String,
    /// The appid that the template belongs to, at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
    /// The user under the template's appid, at most 128 characters.
    pub openid: String,
    /// The member card's code, at most 32 characters.
    pub user_card_code: String,
    /// What is offered for exchange, at most 32 characters.
    pub exchange_coupon_template_id: String,
    /// How many points it costs.
    pub deduct_points: u64,
    /// The coupon's product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_coupon_id: Option<String>,
    /// The kind of the coupon's stock, such as
    /// `PRODUCT_COUPON_STOCK_TYPE_BUSI_FAVOR`; no other is documented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_coupon_stock_type: Option<String>,
    /// The coupon's stock.
    pub stock_id: String,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl PointCoupon {
    /// Which card, for the calls that follow.
    #[must_use]
    pub fn key(&self) -> UserCardKey {
        UserCardKey::new(&*self.user_card_code, &*self.card_id, &*self.openid)
    }
}

/// WeChat Pay wants a current balance of points: the resource `sync_user_point`
/// (page 4016096820 for the service provider, 4016096803 for the brand). Answer
/// it with [`SyncUserPoints`](super::SyncUserPoints).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SyncUserPoint {
    /// The brand, at most 16 characters.
    pub brand_id: String,
    /// The template, at most 32 characters.
    pub card_id: String,
    /// The user under the template's appid, at most 128 characters.
    pub openid: String,
    /// The member card's code, at most 32 characters.
    pub user_card_code: String,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl SyncUserPoint {
    /// Which card, for the calls that follow.
    #[must_use]
    pub fn key(&self) -> UserCardKey {
        UserCardKey::new(&*self.user_card_code, &*self.card_id, &*self.openid)
    }
}
