use std::fmt;

use crate::signature::Scheme;

/// What happened, whoever it is told to: a service provider's `event_type` says
/// `BRAND_MEMBER_CARD_SP.…`, a brand's `BRAND_MEMBER_CARD.…`, an old one
/// `MEMBERCARDSP.…`.
///
/// ```
/// use kabao_core::{notification::EventKind, signature::Scheme};
///
/// let kind = EventKind::from_name("BRAND_MEMBER_CARD_SP.USER_CARD.CREATE").unwrap();
/// assert_eq!(kind, EventKind::UserCardCreate);
/// let to_a_brand = kind.name(Scheme::WechatpayBrandSha256Rsa2048);
/// assert_eq!(to_a_brand, "BRAND_MEMBER_CARD.USER_CARD.CREATE");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A user opened a card.
    UserCardCreate,
    /// A user deleted a card.
    UserCardDelete,
    /// A user wants a coupon for points.
    PointExchangeCoupon,
    /// A current balance of points is wanted.
    SyncUserPoint,
    /// The self-test of `/v3/security/echo`.
    SecurityEcho,
}

/// The old one stood for the card events of service providers.
const PREFIXES: [&str; 3] = [
    "BRAND_MEMBER_CARD_SP.",
    "BRAND_MEMBER_CARD.",
    "MEMBERCARDSP.",
];

const SECURITY_ECHO: &str = "SECURITY_ECHO.SUCCESS";

impl EventKind {
    /// Every kind this version knows.
    pub const ALL: [Self; 5] = [
        Self::UserCardCreate,
        Self::UserCardDelete,
        Self::PointExchangeCoupon,
        Self::SyncUserPoint,
        Self::SecurityEcho,
    ];

    /// The kind behind an `event_type`, if this version knows it.
    #[must_use]
    pub fn from_name(event_type: &str) -> Option<Self> {
        if event_type == SECURITY_ECHO {
            return Some(Self::SecurityEcho);
        }
        let rest = PREFIXES
            .iter()
            .find_map(|prefix| event_type.strip_prefix(prefix))?;
        Self::ALL
            .into_iter()
            .find(|kind| kind.parts().0 == Some(rest))
    }

    /// The `event_type` that callers of this scheme are told.
    #[must_use]
    pub fn name(self, scheme: Scheme) -> String {
        let prefix = match scheme {
            Scheme::WechatpayBrandSha256Rsa2048 => PREFIXES[1],
            Scheme::Wechatpay2Sha256Rsa2048 => PREFIXES[0],
        };
        match self.parts().0 {
            Some(rest) => format!("{prefix}{rest}"),
            None => SECURITY_ECHO.to_owned(),
        }
    }

    /// The `original_type` of the resource.
    #[must_use]
    pub const fn original_type(self) -> &'static str {
        self.parts().1
    }

    /// The `summary`, for people.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        self.parts().2
    }

    /// The end of a member-card event's name, `original_type`, `summary`.
    const fn parts(self) -> (Option<&'static str>, &'static str, &'static str) {
        match self {
            Self::UserCardCreate => (Some("USER_CARD.CREATE"), "user_card", "用户开通会员卡通知"),
            Self::UserCardDelete => (Some("USER_CARD.DELETE"), "user_card", "用户删除会员卡通知"),
            Self::PointExchangeCoupon => (
                Some("POINT_EXCHANGE_COUPON"),
                "point_coupon",
                "用户积分兑换商品券通知",
            ),
            Self::SyncUserPoint => (
                Some("SYNC_USER_POINT"),
                "sync_user_point",
                "同步用户积分通知",
            ),
            Self::SecurityEcho => (None, "security", "安全自检通知"),
        }
    }
}

impl fmt::Display for EventKind {
    /// Without the prefix that tells the callers apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.parts().0.unwrap_or(SECURITY_ECHO))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_kind() {
        for kind in EventKind::ALL {
            for scheme in Scheme::ALL {
                assert_eq!(EventKind::from_name(&kind.name(scheme)), Some(kind));
            }
        }
        let old = EventKind::from_name("MEMBERCARDSP.USER_CARD.DELETE");
        assert_eq!(old, Some(EventKind::UserCardDelete));
    }

    #[test]
    fn other_names_are_nobodys() {
        for name in [
            "TRANSACTION.SUCCESS",
            "USER_CARD.CREATE",
            "BRAND_MEMBER_CARD.",
            "BRAND_MEMBER_CARD.SECURITY_ECHO.SUCCESS",
            "BRAND_MEMBER_CARD_SP.user_card.create",
            "",
        ] {
            assert_eq!(EventKind::from_name(name), None, "{name}");
        }
    }
}
