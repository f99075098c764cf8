use kabao_core::card_member::{GetUserCard, UpdateUserCard, UserCard, UserCardChange, UserCardKey};

use super::CardMember;
use crate::error::Result;

/// The cards that users hold.
#[derive(Debug, Clone)]
pub struct UserCards {
    members: CardMember,
}

impl UserCards {
    pub(crate) fn new(members: CardMember) -> Self {
        Self { members }
    }

    /// Sends values that are known to be refused, to hear it from the API; see
    /// [`CardMember::unchecked`].
    #[must_use]
    pub fn unchecked(self) -> Self {
        Self::new(self.members.unchecked())
    }

    /// Reads a card. All of the key must fit, or the answer is 404.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336980),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582716).
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub async fn get(&self, key: &UserCardKey) -> Result<UserCard> {
        let key = key.clone();
        self.members.send(&GetUserCard { key }).await
    }

    /// Changes a card and gives it as it is then. What the change does not set
    /// stays. Setting values is repeatable, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4015336985),
    /// [brand](https://pay.weixin.qq.com/doc/brand/4015582719).
    ///
    /// # Errors
    /// [`Error`](crate::Error); decide by its kind.
    pub async fn update(
        &self,
        key: &UserCardKey,
        change: impl Into<UserCardChange>,
    ) -> Result<UserCard> {
        let update = UpdateUserCard {
            key: key.clone(),
            change: change.into(),
        };
        self.members.send(&update).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::{sync::Arc, time::Duration};

    use kabao_core::{
        Sealed, Sensitive,
        call::{BuildError, Call, Method},
        card_member::{CommonFieldName, GetCard, ListUserCards},
        operation::{Caller, Operation},
        sensitive::{Opener as _, SealError, Sealer},
    };
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        Brand, Client, ErrorKind, Merchant,
        card_member::UserInformation,
        testing::{
            API_V3_KEY, By, Fake, PUBLIC_KEY_ID, SERIAL_NO, builder, certificate_list, client,
            keys, merchant, signed,
        },
    };

    fn key() -> UserCardKey {
        UserCardKey::new("478515832665", "pbLatj", "obLatj")
    }

    /// The sample card with its phone number sealed for the merchant, and a form
    /// answer for somebody else.
    fn card() -> String {
        let seal = |key: &kabao_core::PrivateKey, text: &str| {
            key.public_key().seal(&Sensitive::from(text)).unwrap()
        };
        json!({
            "user_card_code": "478515832665", "card_id": "pbLatj", "openid": "obLatj",
            "brand_id": "1004", "card_type": "NORMAL", "level": "钻石会员",
            "phone_number": seal(&keys().merchant, "13800138000"),
            "valid_date_information": {"type": "PERMANENT"},
            "pickup_time": "2020-05-20T13:29:35.120+08:00",
            "user_information": {"common_field_list": [
                {"name": "USER_FORM_FLAG_SEX", "value": seal(&keys().platform, "男")},
            ]},
            "user_card_state": "EFFECTIVE", "points": 7,
        })
        .to_string()
    }

    #[tokio::test]
    async fn values_come_opened_and_what_does_not_open_is_kept() {
        let fake = Fake::new(|_, _| signed(By::PublicKey, 200, &card()));
        let members = client(&fake).card_member_for("1004");
        let card = members.user_cards().get(&key()).await.unwrap();
        let phone = card.phone_number.as_ref().unwrap();
        assert_eq!((phone.expose(), phone.is_opened()), ("13800138000", true));
        assert_eq!(card.unopened(), 1);
        assert_eq!(card.extra["points"], 7);
        assert!(!format!("{card:?}").contains("13800138000"));

        // By hand it is the same.
        let client = client(&fake);
        let answer = client.chain("v3/x").get().await.unwrap();
        let card = answer.json::<UserCard<Sealed>>().unwrap().open(&client);
        assert_eq!(card.phone_number.as_ref().unwrap().expose(), "13800138000");
        assert_eq!(card.unopened(), 1);

        // Without the private key nothing opens, and nothing fails.
        let signer = Arc::new(keys().merchant.clone());
        let merchant = Merchant::with_signer("1900000001", SERIAL_NO, signer);
        let remote = |merchant: Merchant| {
            Client::builder(merchant)
                .wechatpay_public_key(PUBLIC_KEY_ID, keys().platform.public_key().to_spki_pem())
                .transport(fake.clone())
                .build()
                .unwrap()
                .card_member_for("1004")
                .user_cards()
        };
        let card = remote(merchant.clone()).get(&key()).await.unwrap();
        assert_eq!(card.unopened(), 2);
        let merchant = merchant.opener(Arc::new(keys().merchant.clone()));
        assert_eq!(remote(merchant).get(&key()).await.unwrap().unopened(), 1);
    }

    #[tokio::test]
    async fn values_leave_sealed_with_the_key_that_is_named() {
        let fake = Fake::new(|_, _| signed(By::PublicKey, 200, &card()));
        let cards = client(&fake).card_member_for("1004").user_cards();
        let change = UserCardChange::new()
            .level("钻石会员")
            .phone_number("13800138000")
            .user_information(
                UserInformation::new()
                    .common(CommonFieldName::Sex, "男")
                    .custom("运动", ["足球"]),
            );
        cards.update(&key(), change).await.unwrap();
        let seen = fake.seen();
        assert_eq!(seen[0].method(), "PATCH");
        assert_eq!(seen[0].uri().query(), Some("card_id=pbLatj"));
        assert_eq!(seen[0].headers()["wechatpay-serial"], PUBLIC_KEY_ID);
        let body: Value = serde_json::from_slice(seen[0].body()).unwrap();
        let open = |pointer: &str| {
            let sealed = Sealed::from_wire(body.pointer(pointer).unwrap().as_str().unwrap());
            keys().platform.open(&sealed).unwrap().expose().to_owned()
        };
        assert_eq!(open("/phone_number"), "13800138000");
        assert_eq!(open("/user_information/common_field_list/0/value"), "男");
        assert_eq!(
            open("/user_information/custom_field_list/0/user_chosen_values/0"),
            "足球"
        );
        assert_eq!(
            (&body["brand_id"], &body["openid"]),
            (&json!("1004"), &json!("obLatj"))
        );
    }

    #[tokio::test]
    async fn looking_for_a_key_to_seal_with_is_part_of_the_time() {
        let fake = Fake::slow(Duration::from_millis(200), |_, request| {
            match request.uri().path() {
                "/v3/certificates" => certificate_list(By::Certificate(0), &[0], API_V3_KEY),
                _ => signed(By::Certificate(0), 200, &card()),
            }
        });
        let client = Client::builder(merchant())
            .auto_certificates(API_V3_KEY)
            .timeout(Duration::from_millis(300))
            .transport(fake.clone())
            .build()
            .unwrap();
        let cards = client.card_member_for("1004").user_cards();
        let key = key();
        let update = || cards.update(&key, UserCardChange::new().phone_number("13800138000"));
        assert_eq!(update().await.unwrap_err().kind(), ErrorKind::Timeout);
        update().await.unwrap();
    }

    #[tokio::test]
    async fn what_is_known_to_be_refused_is_not_sent_unless_asked() {
        let fake = Fake::new(|_, _| signed(By::PublicKey, 400, r#"{"code":"PARAM_ERROR"}"#));
        let cards = client(&fake).card_member_for("1004").user_cards();
        let change = || UserCardChange::new().card_color("yellow");
        let error = cards.update(&key(), change()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        assert!(error.to_string().contains("/card_color"), "{error}");
        assert!(matches!(
            error.get_ref().unwrap().downcast_ref::<BuildError>(),
            Some(BuildError::Field(_)),
        ));
        assert_eq!(fake.count(), 0);
        let error = cards
            .unchecked()
            .update(&key(), change())
            .await
            .unwrap_err();
        assert_eq!(error.code(), Some("PARAM_ERROR"));

        let long = UserCardChange::new().phone_number("1".repeat(215));
        let cards = client(&fake).card_member_for("1004").user_cards();
        let error = cards.update(&key(), long).await.unwrap_err();
        assert!(
            error.to_string().contains("/phone_number") && error.to_string().contains("214"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn the_wrong_kind_of_caller_is_told_so() {
        let fake = Fake::new(|_, _| signed(By::PublicKey, 200, &card()));
        let brand = Client::builder(Brand::new("1004", SERIAL_NO, keys().merchant.clone()))
            .wechatpay_public_key(PUBLIC_KEY_ID, keys().platform.public_key().to_spki_pem())
            .transport(fake.clone())
            .build()
            .unwrap();
        let merchant = builder(&fake).build().unwrap();
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

        brand.card_member().user_cards().get(&key()).await.unwrap();
        let change = UserCardChange::new().level("银卡");
        brand
            .card_member()
            .user_cards()
            .update(&key(), change)
            .await
            .unwrap();
        for request in fake.seen() {
            assert_eq!(
                request.uri().path(),
                "/brand/card-member/user-cards/478515832665"
            );
            let authorization = request.headers()["authorization"].to_str().unwrap();
            assert!(
                authorization.starts_with("WECHATPAY-BRAND-SHA256-RSA2048 brand_id=\"1004\""),
                "{authorization}",
            );
            assert_eq!(request.headers()["wechatpay-serial"], PUBLIC_KEY_ID);
        }
        let body: Value = serde_json::from_slice(fake.seen()[1].body()).unwrap();
        assert_eq!(
            body,
            json!({"card_id": "pbLatj", "openid": "obLatj", "level": "银卡"})
        );
    }

    /// Leaves values as they are, to compare calls.
    struct Identity;

    impl Sealer for Identity {
        fn seal(&self, value: &Sensitive) -> Result<Sealed, SealError> {
            Ok(Sealed::from_wire(value.expose()))
        }
    }

    fn partner() -> Caller {
        Caller::Partner {
            brand_id: "1004".into(),
        }
    }

    #[test]
    fn reading_typed_or_chained_is_one_call() {
        let client = client(&Fake::new(|_, _| signed(By::PublicKey, 200, "{}")));
        let get = GetUserCard { key: key() };
        let chained = |path: &str, query: &[(&str, &str)]| -> Call {
            let chain = client.chain(path).param("user_card_code", "478515832665");
            chain.query(query).call(Method::Get).unwrap()
        };
        assert_eq!(
            get.call(&partner(), &Identity).unwrap(),
            chained(
                "v3/brand/partner/card-member/user-cards/{user_card_code}",
                &[
                    ("brand_id", "1004"),
                    ("card_id", "pbLatj"),
                    ("openid", "obLatj")
                ],
            ),
        );
        assert_eq!(
            get.call(&Caller::Brand, &Identity).unwrap(),
            chained(
                "brand/card-member/user-cards/{user_card_code}",
                &[("card_id", "pbLatj"), ("openid", "obLatj")],
            ),
        );

        let get = GetCard {
            card_id: "pbLatj".into(),
        };
        let list = ListUserCards::of("obLatj");
        for (caller, prefix, brand) in [
            (
                partner(),
                "v3/brand/partner/card-member",
                &[("brand_id", "1004")][..],
            ),
            (Caller::Brand, "brand/card-member", &[]),
        ] {
            let chain = |tail: &str| client.chain(&format!("{prefix}/{tail}")).query(brand);
            let chained = chain("cards/{card_id}").param("card_id", "pbLatj");
            assert_eq!(
                get.call(&caller, &Identity).unwrap(),
                chained.call(Method::Get).unwrap(),
            );
            let page = [("openid", "obLatj"), ("offset", "0"), ("limit", "20")];
            let chained = chain("user-cards").query(page);
            assert_eq!(
                list.call(&caller, &Identity).unwrap(),
                chained.call(Method::Get).unwrap(),
            );
        }
    }

    #[test]
    fn changing_typed_or_chained_is_one_call() {
        #[derive(serde::Serialize)]
        struct Body {
            #[serde(skip_serializing_if = "Option::is_none")]
            brand_id: Option<&'static str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            card_id: Option<&'static str>,
            openid: &'static str,
            phone_number: &'static str,
            level: &'static str,
        }
        let client = client(&Fake::new(|_, _| signed(By::PublicKey, 200, "{}")));
        let update = UpdateUserCard {
            key: key(),
            change: UserCardChange::new()
                .level("钻石会员")
                .phone_number("13800138000"),
        };
        let body = |brand_id, card_id| Body {
            brand_id,
            card_id,
            openid: "obLatj",
            phone_number: "13800138000",
            level: "钻石会员",
        };
        let chained = client
            .chain("v3/brand/partner/card-member/user-cards/{user_card_code}")
            .param("user_card_code", "478515832665")
            .query([("card_id", "pbLatj")])
            .json(body(Some("1004"), None))
            .repeatable(true);
        assert_eq!(
            update.call(&partner(), &Identity).unwrap(),
            chained.call(Method::Patch).unwrap(),
        );
        let chained = client
            .chain("brand/card-member/user-cards/{user_card_code}")
            .param("user_card_code", "478515832665")
            .json(body(None, Some("pbLatj")))
            .repeatable(true);
        assert_eq!(
            update.call(&Caller::Brand, &Identity).unwrap(),
            chained.call(Method::Patch).unwrap(),
        );
    }

    #[tokio::test]
    async fn a_single_value_can_be_sealed() {
        let client = client(&Fake::new(|_, _| signed(By::PublicKey, 200, "{}")));
        let sealed = client.seal("13800138000").await.unwrap();
        assert_eq!(
            keys().platform.open(&sealed).unwrap().expose(),
            "13800138000"
        );
        assert_eq!(
            client.sealing_key().await.unwrap().id().as_str(),
            PUBLIC_KEY_ID
        );
        let error = client.seal("1".repeat(300)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        assert!(error.to_string().contains("214"), "{error}");
    }
}
