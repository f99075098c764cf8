//! Every address that the sandbox serves, in one table.

use std::{future::Future, num::NonZeroU32, pin::Pin};

use http::Method;
use kabao_core::signature::Scheme;

use crate::{
    keys::CallerKind,
    refusal::Refusal,
    routes::{
        Context, Reply, activities, cards, certificates, imports, pictures, points, security,
        tokens, user_cards, user_feeds,
    },
};

/// One operation at one address.
pub(crate) struct Operation {
    /// Its name in the documentation's list, or ours where it has none.
    pub(crate) id: &'static str,
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// Who calls it.
    pub(crate) scheme: Scheme,
    pub(crate) per_second: NonZeroU32,
    pub(crate) handler: Handler,
}

pub(crate) type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send + 'a>>;
pub(crate) type Handler = for<'a> fn(Context<'a>) -> Answering<'a>;

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

const PARTNER: Scheme = Scheme::Wechatpay2Sha256Rsa2048;
const BRAND: Scheme = Scheme::WechatpayBrandSha256Rsa2048;

/// Both callers' addresses of a member-card operation.
macro_rules! member {
    ($tail:literal) => {
        [
            concat!("/v3/brand/partner/card-member/", $tail),
            concat!("/brand/card-member/", $tail),
        ]
    };
}

/// How often a caller may; `-` if it has no such operation.
macro_rules! per_second {
    (-) => {
        None
    };
    ($times:literal) => {
        NonZeroU32::new($times)
    };
}

/// Each row: what it is called, method, both callers' addresses, both callers'
/// rates, and who answers.
macro_rules! rows {
    ($(
        $id:ident, $method:ident, $paths:expr, [$partner:tt, $brand:tt]
            => $room:ident::$handler:ident;
    )+) => {{
        let mut table = Vec::new();
        $(
            let handler: Handler = |cx| Box::pin($room::$handler(cx));
            let [partner, brand] = $paths;
            for (scheme, path, per_second) in [
                (PARTNER, partner, per_second!($partner)),
                (BRAND, brand, per_second!($brand)),
            ] {
                table.extend(per_second.map(|per_second| Operation {
                    id: stringify!($id),
                    method: Method::$method,
                    path,
                    scheme,
                    per_second,
                    handler,
                }));
            }
        )+
        table
    }};
}

/// Five a second is the rule of the product, and what is assumed where no figure
/// is documented.
#[rustfmt::skip]
fn table() -> Vec<Operation> {
    rows! {
        certificates, GET, ["/v3/certificates", ""], [1000, -] => certificates::list;
        security_echo, POST, ["/v3/security/echo", ""], [5, -] => security::echo;

        create_card, POST, member!("cards"), [5, 5] => cards::create;
        list_cards, GET, member!("cards"), [5, 5] => cards::list;
        get_card, GET, member!("cards/{card_id}"), [5, 5] => cards::get;
        update_card, PATCH, member!("cards/{card_id}"), [5, 5] => cards::update;
        delete_card, DELETE, member!("cards/{card_id}"), [5, -] => cards::invalidate;
        invalidate_card, POST, member!("cards/{card_id}/invalidate"), [10, 5] => cards::invalidate;

        create_membership_activity, POST, member!("membership-activities"), [5, -]
            => activities::create;
        list_membership_activities, GET, member!("membership-activities"), [5, -]
            => activities::list;
        get_membership_activity, GET, member!("membership-activities/{activity_id}"), [5, -]
            => activities::get;
        update_membership_activity, PATCH, member!("membership-activities/{activity_id}"), [5, -]
            => activities::update;
        terminate_membership_activity, POST,
            member!("membership-activities/{activity_id}/terminate"), [5, -]
            => activities::terminate;

        create_pre_auth_token, POST, member!("pre-auth-tokens"), [5, 5] => tokens::pre_auth;
        create_pre_auth_token, POST, member!("open-user-card-tokens"), [5, -] => tokens::pre_auth;
        create_pay_view_token, POST, member!("pay-view-tokens"), [10, -] => tokens::pay_view;

        list_user_cards, GET, member!("user-cards"), [5, 5] => user_cards::list;
        get_user_card, GET, member!("user-cards/{user_card_code}"), [5, 5] => user_cards::get;
        update_user_card, PATCH, member!("user-cards/{user_card_code}"), [5, 5]
            => user_cards::update;
        import_user_card_by_openid, POST, member!("user-cards/import-by-openid"), [5, 5]
            => imports::by_openid;
        import_user_card_by_phone, POST, member!("user-cards/import-by-phone"), [5, -]
            => imports::by_phone;
        confirm_user_card, POST, member!("user-cards/{user_card_code}/confirm"), [5, 5]
            => user_cards::confirm;
        invalidate_user_card, POST, member!("user-cards/{user_card_code}/invalidate"), [5, 5]
            => user_cards::invalidate;

        create_user_feed, POST, member!("user-feeds"), [5, 5] => user_feeds::create;
        sync_user_points, POST, member!("user-points/sync"), [5, 10] => points::sync;
        confirm_point_exchange_coupon, POST, member!("user-points/exchange-coupon/confirm"), [5, 5]
            => points::confirm_exchange;

        upload_image, POST,
            ["/v3/marketing/favor/media/image-upload", "/brand/card-member/media/image-upload"],
            [5, 5] => pictures::upload;
    }
}

/// How often each kind of caller may call each operation, as documented.
pub(crate) fn rates() -> impl Iterator<Item = (&'static str, CallerKind, NonZeroU32)> {
    let rate = |row: Operation| (row.id, CallerKind::of(row.scheme), row.per_second);
    table().into_iter().map(rate)
}

/// Finds the operation at an address.
#[derive(Debug)]
pub(crate) struct Routes {
    /// Each address holds the places of its operations in `operations`.
    addresses: matchit::Router<Vec<usize>>,
    operations: Vec<Operation>,
}

/// Path parameters by name, still encoded.
pub(crate) type PathParams = Vec<(String, String)>;

/// What stands at an address.
pub(crate) enum Found<'a> {
    /// The operation and its path parameters.
    Operation(&'a Operation, PathParams),
    /// The address is known, the method is not: these are.
    OtherMethods(Vec<&'a Method>),
    Nothing,
}

impl Routes {
    pub(crate) fn new() -> Self {
        let operations = table();
        let mut by_path: Vec<(&'static str, Vec<usize>)> = Vec::new();
        for (place, operation) in operations.iter().enumerate() {
            match by_path.iter_mut().find(|(path, _)| *path == operation.path) {
                Some((_, places)) => places.push(place),
                None => by_path.push((operation.path, vec![place])),
            }
        }
        let mut addresses = matchit::Router::new();
        for (path, places) in by_path {
            // The table is ours, and a test walks it.
            if let Err(error) = addresses.insert(path, places) {
                tracing::error!(path, %error, "two addresses of the table collide");
            }
        }
        Self {
            addresses,
            operations,
        }
    }

    /// What the operations are called, each once.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.operations.iter().map(|known| known.id).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let Ok(matched) = self.addresses.at(path) else {
            return Found::Nothing;
        };
        let here = || matched.value.iter().map(|place| &self.operations[*place]);
        match here().find(|operation| operation.method == *method) {
            Some(operation) => Found::Operation(
                operation,
                matched
                    .params
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            ),
            None => Found::OtherMethods(here().map(|operation| &operation.method).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_table_is_found_at_its_address() {
        let routes = Routes::new();
        for operation in table() {
            let path = operation
                .path
                .replace("{user_card_code}", "47%2F8")
                .replace("{activity_id}", "371067")
                .replace("{card_id}", "pbLatj");
            match routes.find(&operation.method, &path) {
                Found::Operation(found, _) => assert_eq!(found.id, operation.id),
                _ => panic!("{operation:?} is not found"),
            }
        }
        assert!(matches!(
            routes.find(&Method::GET, "/v3/nowhere"),
            Found::Nothing
        ));
        assert!(matches!(
            routes.find(&Method::DELETE, "/v3/certificates"),
            Found::OtherMethods(methods) if methods == [&Method::GET]
        ));
    }
}
