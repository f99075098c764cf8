//! Every address that the sandbox serves, in one table.

use std::{future::Future, num::NonZeroU32, pin::Pin};

use http::Method;
use kabao_core::signature::Scheme;

use crate::{
    refusal::Refusal,
    routes::{Context, Reply, cards, certificates, security, user_cards},
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

/// The rule of the product, and what is assumed where no figure is documented.
const USUAL: u32 = 5;

fn table() -> Vec<Operation> {
    let operation = |id, scheme, method, path, per_second: u32, handler| Operation {
        id,
        method,
        path,
        scheme,
        per_second: NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN),
        handler,
    };
    vec![
        operation(
            "certificates",
            PARTNER,
            Method::GET,
            "/v3/certificates",
            1000,
            |cx| Box::pin(certificates::list(cx)),
        ),
        operation(
            "security_echo",
            PARTNER,
            Method::POST,
            "/v3/security/echo",
            USUAL,
            |cx| Box::pin(security::echo(cx)),
        ),
        operation(
            "get_card",
            PARTNER,
            Method::GET,
            "/v3/brand/partner/card-member/cards/{card_id}",
            USUAL,
            |cx| Box::pin(cards::get(cx)),
        ),
        operation(
            "get_card",
            BRAND,
            Method::GET,
            "/brand/card-member/cards/{card_id}",
            USUAL,
            |cx| Box::pin(cards::get(cx)),
        ),
        operation(
            "list_user_cards",
            PARTNER,
            Method::GET,
            "/v3/brand/partner/card-member/user-cards",
            USUAL,
            |cx| Box::pin(user_cards::list(cx)),
        ),
        operation(
            "list_user_cards",
            BRAND,
            Method::GET,
            "/brand/card-member/user-cards",
            USUAL,
            |cx| Box::pin(user_cards::list(cx)),
        ),
        operation(
            "get_user_card",
            PARTNER,
            Method::GET,
            "/v3/brand/partner/card-member/user-cards/{user_card_code}",
            USUAL,
            |cx| Box::pin(user_cards::get(cx)),
        ),
        operation(
            "get_user_card",
            BRAND,
            Method::GET,
            "/brand/card-member/user-cards/{user_card_code}",
            USUAL,
            |cx| Box::pin(user_cards::get(cx)),
        ),
        operation(
            "update_user_card",
            PARTNER,
            Method::PATCH,
            "/v3/brand/partner/card-member/user-cards/{user_card_code}",
            USUAL,
            |cx| Box::pin(user_cards::update(cx)),
        ),
        operation(
            "update_user_card",
            BRAND,
            Method::PATCH,
            "/brand/card-member/user-cards/{user_card_code}",
            USUAL,
            |cx| Box::pin(user_cards::update(cx)),
        ),
    ]
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
