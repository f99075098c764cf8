//! What is known to be refused is not sent, unless somebody asks for it.

use kabao_core::{call::BuildError, card_member::*};
use serde_json::{Value, json};

use super::samples::{CARD_ID, OPENID, key, travelling, user_card};
#[cfg(feature = "blocking")]
use crate::blocking;
use crate::{
    Client, Error, ErrorKind,
    testing::{API_V3_KEY, By, Fake, brand_client, client, merchant, signed},
};

/// One call of each resource that is refused, with `async` and without, checked
/// and not.
macro_rules! refused {
    ($($field:literal: $resource:ident().$method:ident($($argument:expr),*);)+) => {
        #[tokio::test]
        async fn each_resource_checks_unless_asked_not_to() {
            $({
                let fake = refusing();
                let members = client(&fake).card_member_for("1004");
                let error = members.$resource().$method($($argument),*).await.unwrap_err();
                assert_checked(&error, $field, &fake);
                for resource in [
                    members.$resource().unchecked(),
                    members.clone().unchecked().$resource(),
                ] {
                    let error = resource.$method($($argument),*).await.unwrap_err();
                    assert_eq!(error.code(), Some("PARAM_ERROR"), "{error}");
                }
                assert_eq!(fake.count(), 2, $field);
            })+
        }

        #[cfg(feature = "blocking")]
        #[test]
        fn each_blocking_resource_checks_unless_asked_not_to() {
            $({
                let fake = refusing();
                let settings = blocking::ClientBuilder::from(crate::testing::builder(&fake));
                let members = settings.build().unwrap().card_member_for("1004");
                let error = members.$resource().$method($($argument),*).unwrap_err();
                assert_checked(&error, $field, &fake);
                for resource in [
                    members.$resource().unchecked(),
                    members.clone().unchecked().$resource(),
                ] {
                    let error = resource.$method($($argument),*).unwrap_err();
                    assert_eq!(error.code(), Some("PARAM_ERROR"), "{error}");
                }
                assert_eq!(fake.count(), 2, $field);
            })+
        }
    };
}

refused! {
    "/card_title": cards().update(CARD_ID, CardChange::new().card_title("十一个字的会员卡的名称"));
    "limit": activities().list(&ListActivities::new().limit(21));
    "/card_color": user_cards().update(&key(), UserCardChange::new().card_color("yellow"));
    "/openid": tokens().pre_auth(CARD_ID, "o".repeat(129));
    "/out_request_no": points().sync(&key(), "1 2", 0);
    "/cell": feeds().create(&key(), "1", "");
    "/meta/filename": images().upload("card.gif", &b"GIF89a"[..]);
}

fn refusing() -> std::sync::Arc<Fake> {
    Fake::new(|_, _| signed(By::PublicKey, 400, r#"{"code":"PARAM_ERROR"}"#))
}

#[track_caller]
fn assert_checked(error: &Error, field: &str, fake: &Fake) {
    assert_eq!(error.kind(), ErrorKind::Request, "{error}");
    assert!(error.to_string().contains(field), "{error}");
    let cause = error.get_ref().unwrap().downcast_ref::<BuildError>();
    assert!(matches!(cause, Some(BuildError::Field(_))), "{error}");
    assert_eq!(fake.count(), 0);
}

#[tokio::test]
async fn a_ready_operation_is_checked_too() {
    let fake = refusing();
    let members = client(&fake).card_member_for("1004");
    let list = ListUserCards::of("");
    assert_checked(&members.send(&list).await.unwrap_err(), "openid", &fake);
    let error = members.unchecked().send(&list).await.unwrap_err();
    assert_eq!(error.code(), Some("PARAM_ERROR"));
}

#[tokio::test]
async fn the_brand_is_checked() {
    let fake = refusing();
    for brand_id in ["".into(), "1".repeat(33)] {
        let members = client(&fake).card_member_for(brand_id);
        let error = members.cards().get(CARD_ID).await.unwrap_err();
        assert_checked(&error, "brand_id", &fake);
    }
}

/// Not even for a key to seal with.
#[tokio::test]
async fn nothing_is_fetched_for_what_is_refused() {
    let fake = refusing();
    let client = Client::builder(merchant())
        .auto_certificates(API_V3_KEY)
        .transport(fake.clone())
        .build()
        .unwrap();
    let change = UserCardChange::new()
        .phone_number("13800138000")
        .card_color("yellow");
    let cards = client.card_member_for("1004").user_cards();
    let error = cards.update(&key(), change).await.unwrap_err();
    assert_checked(&error, "/card_color", &fake);
}

/// What cannot be sealed, or would leave unsealed, is not a matter of checks.
#[tokio::test]
async fn nobody_can_ask_for_plaintext_to_be_sent() {
    let fake = refusing();
    let cards = client(&fake)
        .card_member_for("1004")
        .user_cards()
        .unchecked();
    let misspelt = r#"{"common_field_list": [{"name": "USER_FORM_FLAG_NAME", "Value": "张三"}]}"#;
    let form: UserInformation = serde_json::from_str(misspelt).unwrap();
    let import = UserCardImport::new(CARD_ID, "1", ValidDateInformation::permanent());
    for (call, words) in [
        (
            cards
                .update(&key(), UserCardChange::new().user_information(form.clone()))
                .await,
            "unsealed",
        ),
        (
            cards
                .import_by_openid(OPENID, import.clone().user_information(form))
                .await,
            "unsealed",
        ),
        (
            cards
                .update(&key(), UserCardChange::new().phone_number("1".repeat(215)))
                .await,
            "214",
        ),
        (
            cards
                .import_by_phone(import.phone_number("1".repeat(215)))
                .await,
            "214",
        ),
    ] {
        let error = call.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(fake.count(), 0);
}

#[tokio::test]
async fn a_reason_to_invalidate_a_card_may_be_left_out() {
    let fake = Fake::new(|_, _| travelling(user_card()));
    let cards = client(&fake).card_member_for("1004").user_cards();
    cards.invalidate(&key(), None).await.unwrap();
    let body: Value = serde_json::from_slice(fake.seen()[0].body()).unwrap();
    assert_eq!(body, json!({"openid": OPENID}));
}

#[tokio::test]
async fn the_wrong_kind_of_caller_is_told_so() {
    let fake = Fake::new(|_, _| signed(By::PublicKey, 200, "{}"));
    let (brand, merchant) = (brand_client(&fake), client(&fake));
    for (members, words) in [
        (merchant.card_member(), "card_member() needs a brand's"),
        (
            brand.card_member_for("1004"),
            "card_member_for(brand_id) needs",
        ),
    ] {
        let error = members.user_cards().get(&key()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(fake.count(), 0);
}
