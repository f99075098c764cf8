//! Every operation, in every way that it can be called: as a chain spelled by
//! hand, as a value, as a method with `async` and without.

mod activities;
mod cards;
mod points;
mod tokens;
mod user_cards;

use std::pin::Pin;

use bytes::Bytes;
use http::Request;
use kabao_core::{
    Sealed, Sensitive,
    call::{BuildError, Call},
    operation::Caller,
    sensitive::{Opener as _, SealError, Sealer},
};
use serde_json::{Map, Value};

use super::samples::{each_sensitive, travelling};
#[cfg(feature = "blocking")]
use crate::blocking;
use crate::{
    Chain, Client, ErrorKind, Result,
    card_member::CardMember,
    testing::{By, Fake, PUBLIC_KEY_ID, brand_client, client, is_signed, keys, signed},
};

type Waiting = Pin<Box<dyn Future<Output = Result<Value>> + Send>>;

/// One operation.
struct Row {
    /// Its name in the documentation's index.
    name: &'static str,
    /// Whether brands have it, too.
    has_twin: bool,
    operation: fn(&Caller) -> Result<Call, BuildError>,
    method: fn(CardMember) -> Waiting,
    #[cfg(feature = "blocking")]
    blocking: fn(blocking::CardMember) -> Result<Value>,
    chained: fn(&Hand) -> Result<Call>,
    /// What is answered, in plaintext.
    answer: Value,
}

/// One text for the method with `async` and the one without.
macro_rules! row {
    (
        $name:ident, has_twin: $has_twin:literal,
        operation: $operation:expr,
        method: |$members:ident| $method:expr,
        chained: $chained:expr,
        answer: $answer:expr $(,)?
    ) => {
        $crate::card_member::tests::operations::Row {
            name: stringify!($name),
            has_twin: $has_twin,
            operation: |caller| {
                use kabao_core::operation::Operation as _;
                $operation.call(caller, &$crate::card_member::tests::operations::Plain)
            },
            method: |$members| {
                use $crate::card_member::tests::samples::Shown as _;
                Box::pin(async move { $method.await.map(|output| output.shown()) })
            },
            #[cfg(feature = "blocking")]
            blocking: |$members| {
                use $crate::card_member::tests::samples::Shown as _;
                $method.map(|output| output.shown())
            },
            chained: $chained,
            answer: $answer,
        }
    };
}
use row;

/// Spells calls by hand, for one kind of caller.
struct Hand {
    client: Client,
    is_brand: bool,
}

impl Hand {
    /// Begins a call below the product's address.
    fn chain(&self, tail: &str) -> Chain {
        let prefix = match self.is_brand {
            true => "brand/card-member",
            false => "v3/brand/partner/card-member",
        };
        self.client.chain(&format!("{prefix}/{tail}"))
    }

    /// The brand, which a service provider names and a brand does not.
    fn brand(&self) -> &'static [(&'static str, &'static str)] {
        match self.is_brand {
            true => &[],
            false => &[("brand_id", "1004")],
        }
    }

    /// A body, which begins with the brand.
    fn body(&self, members: Value) -> Value {
        let brand = self.brand().iter().map(|(name, id)| {
            let member: (String, Value) = ((*name).into(), (*id).into());
            member
        });
        let mut body: Map<String, Value> = brand.collect();
        let Value::Object(members) = members else {
            panic!("not an object");
        };
        body.extend(members);
        body.into()
    }
}

/// Leaves values as they are, to compare calls.
struct Plain;

impl Sealer for Plain {
    fn seal(&self, value: &Sensitive) -> Result<Sealed, SealError> {
        Ok(Sealed::from_wire(value.expose()))
    }
}

fn rows() -> Vec<Row> {
    let rows: Vec<Row> = cards::rows()
        .into_iter()
        .chain(activities::rows())
        .chain(user_cards::rows())
        .chain(tokens::rows())
        .chain(points::rows())
        .collect();
    let names: std::collections::HashSet<_> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), 24, "the index has 24 operations");
    rows
}

/// Each operation with each caller that has it.
fn pairs() -> Vec<(Row, bool)> {
    let pairs = rows().into_iter().map(|row| (row, false));
    let twins = rows().into_iter().filter(|row| row.has_twin);
    pairs.chain(twins.map(|row| (row, true))).collect()
}

fn caller(is_brand: bool) -> Caller {
    match is_brand {
        true => Caller::Brand,
        false => Caller::Partner {
            brand_id: "1004".into(),
        },
    }
}

fn by_hand(row: &Row, is_brand: bool) -> Call {
    let client = client(&Fake::new(|_, _| signed(By::PublicKey, 200, "{}")));
    (row.chained)(&Hand { client, is_brand }).unwrap()
}

#[test]
fn typed_or_chained_is_one_call() {
    for (row, is_brand) in pairs() {
        let typed = (row.operation)(&caller(is_brand)).unwrap();
        let chained = by_hand(&row, is_brand);
        let text = |call: &Call| {
            let bytes = call.body.as_ref().map(|body| body.bytes.clone());
            String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
        };
        assert_eq!(typed.reference, chained.reference, "{}", row.name);
        assert_eq!(text(&typed), text(&chained), "{}", row.name);
        // And all the rest of it.
        assert!(typed == chained, "{} {typed:?} {chained:?}", row.name);
        assert!(typed.repeatable, "{}", row.name);
    }
}

#[tokio::test]
async fn a_method_sends_that_call_and_reads_the_answer() {
    for (row, is_brand) in pairs() {
        let (fake, client) = answering(&row, is_brand);
        let members = match is_brand {
            true => client.card_member(),
            false => client.card_member_for("1004"),
        };
        let output = (row.method)(members).await;
        assert_eq!(output.unwrap(), row.answer, "{}", row.name);
        let seen = fake.seen();
        assert_eq!(seen.len(), 1, "{}", row.name);
        assert_sent(&seen[0], &by_hand(&row, is_brand), is_brand);
    }
}

#[cfg(feature = "blocking")]
#[test]
fn a_blocking_method_does_the_same() {
    for (row, is_brand) in pairs() {
        let answer = row.answer.clone();
        let fake = Fake::new(move |_, _| travelling(answer.clone()));
        let settings = match is_brand {
            true => crate::testing::brand_builder(&fake),
            false => crate::testing::builder(&fake),
        };
        let client = blocking::ClientBuilder::from(settings).build().unwrap();
        let members = match is_brand {
            true => client.card_member(),
            false => client.card_member_for("1004"),
        };
        let output = (row.blocking)(members);
        assert_eq!(output.unwrap(), row.answer, "{}", row.name);
        let seen = fake.seen();
        assert_eq!(seen.len(), 1, "{}", row.name);
        assert_sent(&seen[0], &by_hand(&row, is_brand), is_brand);
    }
}

#[tokio::test]
async fn what_brands_do_not_have_is_not_sent() {
    let rows = rows().into_iter().filter(|row| !row.has_twin);
    let mut names = Vec::new();
    for row in rows {
        let (fake, client) = answering(&row, true);
        let members = client.card_member();
        for members in [members.clone(), members.unchecked()] {
            let error = (row.method)(members).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Request, "{}", row.name);
            let words = format!("{} is for service providers", row.name);
            assert!(error.to_string().contains(&words), "{error}");
            assert!(!error.may_have_taken_effect());
        }
        assert_eq!(fake.count(), 0, "{}", row.name);
        names.push(row.name);
    }
    assert_eq!(names.len(), 8, "{names:?}");
}

fn answering(row: &Row, is_brand: bool) -> (std::sync::Arc<Fake>, Client) {
    let answer = row.answer.clone();
    let fake = Fake::new(move |_, _| travelling(answer.clone()));
    let client = match is_brand {
        true => brand_client(&fake),
        false => client(&fake),
    };
    (fake, client)
}

/// That a request is the call, but for its sensitive values, which are sealed
/// for WeChat Pay with the key that a header names.
#[track_caller]
fn assert_sent(request: &Request<Bytes>, call: &Call, is_brand: bool) {
    let target = request.uri().path_and_query().unwrap().as_str();
    assert_eq!(request.method().as_str(), call.method.as_str());
    assert_eq!(target, format!("/{}", call.reference));
    if is_brand {
        let authorization = request.headers()["authorization"].to_str().unwrap();
        let scheme = "WECHATPAY-BRAND-SHA256-RSA2048 brand_id=\"1004\"";
        assert!(authorization.starts_with(scheme), "{authorization}");
        assert_eq!(request.headers()["wechatpay-serial"], PUBLIC_KEY_ID);
    }
    let Some(expected) = &call.body else {
        assert!(request.body().is_empty());
        return;
    };
    assert_eq!(request.headers()["content-type"], expected.content_type);
    let Ok(mut body) = serde_json::from_slice::<Value>(request.body()) else {
        assert_eq!(request.body(), &expected.bytes);
        return;
    };
    let mut sealed = 0;
    each_sensitive(&mut body, &mut |text| {
        sealed += 1;
        let value = keys().platform.open(&Sealed::from_wire(text)).unwrap();
        value.expose().to_owned()
    });
    assert_eq!(Bytes::from(body.to_string()), expected.bytes);
    if sealed > 0 {
        assert_eq!(request.headers()["wechatpay-serial"], PUBLIC_KEY_ID);
        let text = String::from_utf8_lossy(request.body());
        assert!(!text.contains("13800138000") && !text.contains("足球"));
    }
    assert!(is_brand || is_signed(request));
}
