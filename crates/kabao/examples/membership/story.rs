//! The membership, step by step.

use std::{fmt::Debug, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kabao::{
    card_member::{
        ActivityChange, ActivityChannel, ActivityState, Card, CardChange, CardMember, CardState,
        CardUserInformation, CommonFieldName, ListActivities, ListCards, ListUserCards,
        NewActivity, NewCard, ProductCouponStock, UserCardChange, UserCardImport, UserCardKey,
        UserCardState, ValidDateInformation,
    },
    core::time::Time,
};
use serde_json::{Value, json};

use crate::{Outcome, credentials::Credentials, shop::Shop, wechat::WeChat};

/// The smallest PNG: one pixel.
const PICTURE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
\0\0\0\rIDATx\xdac\xfc\xcf\xc0P\x0f\0\x04\x85\x01\x80\x84\xa9\x8c!\0\0\0\0IEND\xaeB`\x82";

const OLD_HAND: &str = "oMember-of-old";
const NEWCOMER: &str = "oNewcomer";
const PAYER: &str = "oPayer";

pub async fn run(credentials: &Credentials, mut shop: Shop) -> Outcome {
    let members = &credentials.members;
    let wechat = WeChat::of(credentials);
    let story = Story {
        members,
        wechat: &wechat,
        is_service_provider: credentials.is_service_provider,
        number: format!("story-{}", Timestamp::now().as_millisecond()),
    };
    let card = story.template(&shop.notify_url).await?;
    story.import(&card).await?;
    let activity_id = story.activity(&card).await?;
    let key = story.join(&card, &mut shop).await?;
    story.everyday(&key, &mut shop).await?;
    story.expire_and_renew(&key).await?;
    if let Some(activity_id) = activity_id {
        story.end_activity(&activity_id).await?;
    }
    story.end(&card, &key, &mut shop).await
}

struct Story<'a> {
    members: &'a CardMember,
    wechat: &'a WeChat,
    is_service_provider: bool,
    /// Begins every request number of this run.
    number: String,
}

impl Story<'_> {
    async fn template(&self, notify_url: &str) -> Outcome<Card> {
        let picture = self.members.images().upload("gold.png", PICTURE).await?;
        tell("uploaded a picture", &picture.media_url);
        let new = NewCard::new(
            format!("{}-card", self.number),
            "wxea9c30890f48d5ae",
            "金卡",
        )
        .card_color("#D4AF37")
        .card_picture_url(picture.media_url)
        .benefits("会员折扣、专属价")
        .notify_url(notify_url)
        .valid_date_information(ValidDateInformation::days(30))
        .user_information(CardUserInformation {
            common_field_list: Some(vec![CommonFieldName::Sex]),
            ..CardUserInformation::default()
        });
        let cards = self.members.cards();
        let card = cards.create(new.clone()).await?;
        // After a timeout it would be said again, and nothing happens twice.
        same(&cards.create(new).await?.card_id, &card.card_id)?;
        tell("created a template", &card.card_id);

        let change = CardChange::new()
            .need_display_level(true)
            .init_level("普通会员");
        let card = cards.update(&*card.card_id, change).await?;
        same(&cards.get(&*card.card_id).await?, &card)?;
        let mut in_force = cards.stream(ListCards::new().state(CardState::Effective));
        let mut is_listed = false;
        while let Some(listed) = in_force.next().await {
            is_listed |= listed?.card_id == card.card_id;
        }
        same(&is_listed, &true)?;
        Ok(card)
    }

    async fn import(&self, card: &Card) -> Outcome {
        let import = |code: &str| {
            let validity = ValidDateInformation::days(30);
            UserCardImport::new(&*card.card_id, code, validity)
                .phone_number("13800138000")
                .level("钻石会员")
                .pickup_time(Time::at(Timestamp::now()))
        };
        let cards = self.members.user_cards();
        let imported = cards.import_by_openid(OLD_HAND, import("OLD-1")).await?;
        same(&imported.user_card_state, &UserCardState::Effective)?;
        tell("imported a member", &imported.user_card_code);
        if self.is_service_provider {
            let imported = cards
                .import_by_phone(import("OLD-2").phone_number("13900139000"))
                .await?;
            tell("imported a member by phone", &imported.user_card_code);
        }
        // An order that names a card makes its payer a member.
        let attach = format!(
            "cell=15_1200_1&card_id={}&user_card_code=PAID-1",
            card.card_id
        );
        self.wechat.pay(PAYER, &attach).await?;
        let key = UserCardKey::new("PAID-1", &*card.card_id, PAYER);
        same(
            &cards.get(&key).await?.user_card_state,
            &UserCardState::Effective,
        )?;
        Ok(())
    }

    /// Coupons for those who join; service providers alone have activities.
    async fn activity(&self, card: &Card) -> Outcome<Option<String>> {
        if !self.is_service_provider {
            return Ok(None);
        }
        let now = Timestamp::now();
        let (begin_time, end_time) = (at(now, -1), at(now, 24));
        let activities = self.members.activities();
        let activity = activities
            .create(NewActivity {
                out_request_no: format!("{}-activity", self.number),
                card_id: card.card_id.clone(),
                activity_channel: ActivityChannel::MerchantAppComponent,
                title: "入会享券".into(),
                sub_title: "5张满减券".into(),
                begin_time: begin_time.clone(),
                end_time,
                apply_total: 100,
                product_coupon_stock_list: vec![ProductCouponStock::new(
                    "701138812971763",
                    "98065001",
                )],
            })
            .await?;
        same(&activity.activity_state, &ActivityState::Effective)?;
        let change = ActivityChange {
            title: "入会有礼".into(),
            sub_title: activity.sub_title,
            begin_time,
            end_time: at(now, 48),
        };
        let activity = activities.update(&*activity.activity_id, change).await?;
        let list = ListActivities::new().card_id(&*card.card_id);
        same(&activities.list(&list).await?.total_count, &1)?;
        tell("runs an activity", &activity.activity_id);
        Ok(Some(activity.activity_id))
    }

    async fn join(&self, card: &Card, shop: &mut Shop) -> Outcome<UserCardKey> {
        let tokens = self.members.tokens();
        let token = tokens.pre_auth(&*card.card_id, NEWCOMER).await?;
        let joining = json!({
            "token": token.token,
            "phone_number": "13700137000",
            "user_information": {"common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": "女"}]},
        });
        let joined = self
            .wechat
            .user(NEWCOMER, "join", &card.card_id, joining)
            .await?;
        let code = joined["user_card"]["user_card_code"]
            .as_str()
            .ok_or("no code")?;
        let gifts = joined["gifts"].as_array().map_or(0, Vec::len);
        same(&gifts, &usize::from(self.is_service_provider))?;
        same(&hear(shop).await?, &format!("confirmed {code}"))?;

        let key = UserCardKey::new(code, &*card.card_id, NEWCOMER);
        let member = self.members.user_cards().get(&key).await?;
        same(&member.user_card_state, &UserCardState::Effective)?;
        let phone_number = member.phone_number.as_ref().map(|number| number.expose());
        same(&phone_number, &Some("13700137000"))?;
        tell("has a member who joined", code);
        if self.is_service_provider {
            let token = tokens.pay_view(&*card.card_id, NEWCOMER).await?;
            let token = json!({"token": token.token});
            self.wechat
                .user(NEWCOMER, "show-pay-code", &card.card_id, token)
                .await?;
        }
        Ok(key)
    }

    async fn everyday(&self, key: &UserCardKey, shop: &mut Shop) -> Outcome {
        let change = UserCardChange::new()
            .level("黄金会员")
            .phone_number("13600136000");
        let member = self.members.user_cards().update(key, change).await?;
        same(&member.level.as_deref(), &Some("黄金会员"))?;

        let user = async |action: &str, more: Value| {
            self.wechat
                .user(&key.openid, action, &key.card_id, more)
                .await
        };
        user("ask-points", json!({})).await?;
        same(
            &hear(shop).await?,
            &format!("told {} points", crate::shop::POINTS),
        )?;
        user("exchange-coupon", json!({"deduct_points": 1000})).await?;
        same(
            &hear(shop).await?,
            &"exchange POINT_EXCHANGE_COUPON_SUCCESS".to_owned(),
        )?;
        user("exchange-coupon", json!({"deduct_points": 9999})).await?;
        same(
            &hear(shop).await?,
            &"exchange POINT_EXCHANGE_COUPON_FAIL".to_owned(),
        )?;

        let number = format!("{}-feed", self.number);
        let feed = self.members.feeds().create(key, number, "1_100").await?;
        tell("put news on a card", &feed.cell);
        let held = self
            .members
            .user_cards()
            .list(&ListUserCards::of(&*key.openid))
            .await?;
        let is_held = held
            .data
            .iter()
            .any(|card| card.user_card_code == key.user_card_code);
        same(&is_held, &true)
    }

    async fn expire_and_renew(&self, key: &UserCardKey) -> Outcome {
        let cards = self.members.user_cards();
        self.wechat.be_in_days(31).await?;
        same(
            &cards.get(key).await?.user_card_state,
            &UserCardState::Expired,
        )?;
        let renewed =
            UserCardChange::new().valid_date_information(ValidDateInformation::permanent());
        let member = cards.update(key, renewed).await?;
        same(&member.user_card_state, &UserCardState::Effective)?;
        self.wechat.be_in_days(0).await?;
        tell("renewed a card that had expired", &key.user_card_code);
        Ok(())
    }

    async fn end_activity(&self, activity_id: &str) -> Outcome {
        let activities = self.members.activities();
        let activity = activities.get(activity_id).await?;
        same(&activity.apply_available, &99)?;
        let activity = activities.terminate(activity_id).await?;
        same(&activity.activity_state, &ActivityState::Terminated)?;
        tell("ended an activity", activity_id);
        Ok(())
    }

    async fn end(&self, card: &Card, key: &UserCardKey, shop: &mut Shop) -> Outcome {
        let invalidated = self
            .members
            .user_cards()
            .invalidate(key, Some("会员退会"))
            .await?;
        same(&invalidated.user_card_state, &UserCardState::Invalid)?;
        self.wechat
            .user(PAYER, "delete-card", &card.card_id, json!({}))
            .await?;
        same(&hear(shop).await?, &format!("said goodbye to {PAYER}"))?;

        let cards = self.members.cards();
        let ended = cards.invalidate(&*card.card_id).await?;
        same(&ended.state, &Some(CardState::Invalid))?;
        if self.is_service_provider {
            // As it was called before; it changes nothing any more.
            #[expect(deprecated, reason = "the whole product is shown")]
            let deleted = cards.delete(&*card.card_id).await?;
            same(&deleted, &ended)?;
        }
        tell("ended a template", &card.card_id);
        Ok(())
    }
}

/// What the shop did upon a notification.
async fn hear(shop: &mut Shop) -> Outcome<String> {
    let heard = tokio::time::timeout(Duration::from_secs(20), shop.done.recv()).await?;
    let heard = heard.ok_or("the shop is closed")?;
    tell("the shop", &heard);
    Ok(heard)
}

fn at(now: Timestamp, hours: i64) -> Time {
    Time::at(now + SignedDuration::from_hours(hours))
}

fn tell(what: &str, which: &str) {
    println!("{what}: {which}");
}

#[track_caller]
fn same<T: PartialEq + Debug>(got: &T, expected: &T) -> Outcome {
    match got == expected {
        true => Ok(()),
        false => {
            let line = std::panic::Location::caller().line();
            Err(format!("line {line}: got {got:?}, expected {expected:?}").into())
        }
    }
}
