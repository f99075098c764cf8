//! The rest of the member-card product, typed: templates, activities, tokens,
//! imports, points, news and pictures.

use kabao::{
    card_member::{
        ActivityChange, ActivityChannel, ActivityState, CardChange, CardMember, CardState,
        CardUserInformation, CommonFieldName, ConfirmPointExchange, ConfirmState, CustomFieldType,
        ListActivities, ListCards, ListUserCards, NewActivity, NewCard, ProductCouponStock,
        UserCardChange, UserCardImport, UserCardState, UserInformation, ValidDateInformation,
    },
    core::card_member::PointCoupon,
};
use serde_json::json;

use crate::support::World;

fn new_card(number: usize) -> NewCard {
    NewCard::new(format!("card-{number}"), "wxea9c30890f48d5ae", "金卡")
        .card_color("#FFD700")
        .card_picture_url("https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0")
        .benefits("会员折扣、专属价")
        .notify_url("https://www.weixin.qq.com/wxpay/notify.php")
        .user_information(
            CardUserInformation::new()
                .common(CommonFieldName::Sex)
                .custom(CustomFieldType::Radio, "喜欢的运动", ["篮球", "足球"]),
        )
}

/// A world of its own for each kind of caller.
fn each(story: impl AsyncFn(&World, CardMember)) {
    let world = World::new();
    let members = world.merchant().card_member_for("1004");
    world.run(story(&world, members));
    let world = World::new();
    let members = world.brand().card_member();
    world.run(story(&world, members));
}

#[test]
fn templates_are_made_listed_changed_and_ended() {
    each(async |_, members| {
        let cards = members.cards();
        let mut made = Vec::new();
        for number in 0..24 {
            made.push(cards.create(new_card(number)).await.unwrap().card_id);
        }
        // Once more is the same.
        let again = cards.create(new_card(0)).await.unwrap();
        assert_eq!(again.card_id, made[0]);

        // 24, and the sample.
        let page = cards.list(&ListCards::new()).await.unwrap();
        assert_eq!((page.data.len(), page.total_count), (20, 25));
        let mut rows = cards.stream(ListCards::new());
        let mut listed = Vec::new();
        while let Some(card) = rows.next().await {
            listed.push(card.unwrap().card_id);
        }
        assert_eq!(listed.len(), 25);
        assert!(made.iter().all(|card_id| listed.contains(card_id)));

        let change = CardChange::new().card_title("钻石卡");
        let changed = cards.update(&*made[0], change).await.unwrap();
        assert_eq!(changed.card_title, "钻石卡");
        let ended = cards.invalidate(&*made[0]).await.unwrap();
        assert_eq!(ended.state, Some(CardState::Invalid));
        assert_eq!(cards.get(&*made[0]).await.unwrap(), ended);
        let in_force = ListCards::new().state(CardState::Effective).limit(1);
        let page = cards.list(&in_force).await.unwrap();
        assert_eq!((page.data.len(), page.total_count), (1, 24));
    });
}

#[test]
#[expect(deprecated, reason = "service providers still have it")]
fn deleting_a_template_ends_it() {
    let world = World::new();
    let cards = world.merchant().card_member_for("1004").cards();
    world.run(async {
        let made = cards.create(new_card(0)).await.unwrap();
        let ended = cards.delete(made.card_id).await.unwrap();
        assert_eq!(ended.state, Some(CardState::Invalid));
    });
}

#[test]
fn activities_are_made_changed_and_ended() {
    let world = World::new();
    let activities = world.merchant().card_member_for("1004").activities();
    world.run(async {
        let new = NewActivity {
            out_request_no: "activity-1".into(),
            card_id: world.credentials.card_id.clone(),
            activity_channel: ActivityChannel::MerchantAppComponent,
            title: "入会享券".into(),
            sub_title: "5张满减券".into(),
            begin_time: "2000-01-01T00:00:00+08:00".into(),
            end_time: "2099-12-31T00:00:00+08:00".into(),
            apply_total: 1000,
            product_coupon_stock_list: vec![ProductCouponStock::new("701138812971", "98065001")],
        };
        let made = activities.create(new.clone()).await.unwrap();
        assert_eq!(made.activity_state, ActivityState::Effective);
        let change = ActivityChange {
            title: "入会有礼".into(),
            sub_title: new.sub_title,
            begin_time: new.begin_time,
            end_time: new.end_time,
        };
        let changed = activities.update(&*made.activity_id, change).await.unwrap();
        assert_eq!(changed.title, "入会有礼");
        let ended = activities.terminate(&*made.activity_id).await.unwrap();
        assert_eq!(ended.activity_state, ActivityState::Terminated);
        let read = activities.get(&*made.activity_id).await.unwrap();
        assert_eq!(read, ended);
        let list = ListActivities::new().activity_state(ActivityState::Terminated);
        assert_eq!(activities.list(&list).await.unwrap().data, [ended]);
    });
}

#[test]
fn members_are_imported_confirmed_and_ended() {
    each(async |world, members| {
        let cards = members.user_cards();
        let validity =
            ValidDateInformation::range("2020-01-01T00:00:00+08:00", "2099-12-31T00:00:00+08:00");
        let import = UserCardImport::new(&*world.credentials.card_id, "8888", validity)
            .phone_number("13900139000")
            .user_information(UserInformation::new().common(CommonFieldName::Sex, "女"));
        let card = cards
            .import_by_openid("obLatjImported", import)
            .await
            .unwrap();
        assert_eq!(card.user_card_state, UserCardState::Effective);
        assert_eq!(card.phone_number.as_ref().unwrap().expose(), "13900139000");
        assert_eq!(card.unopened(), 0);

        // It is in force already, so that this changes nothing.
        let key = card.key();
        let change = UserCardChange::new();
        let confirmed = cards.confirm(&key, ConfirmState::Success, change).await;
        assert_eq!(confirmed.unwrap().user_card_state, UserCardState::Effective);

        let ended = cards.invalidate(&key, None).await.unwrap();
        assert_eq!(
            (ended.user_card_state, ended.invalid_reason),
            (UserCardState::Invalid, None)
        );
        let mut rows = cards.stream(ListUserCards::of("obLatjImported"));
        let row = rows.next().await.unwrap().unwrap();
        assert_eq!(row.user_card_code, "8888");
        assert!(rows.next().await.is_none());
    });
}

#[test]
fn members_are_imported_by_phone() {
    let world = World::new();
    let cards = world.merchant().card_member_for("1004").user_cards();
    world.run(async {
        let validity =
            ValidDateInformation::range("2020-01-01T00:00:00+08:00", "2099-12-31T00:00:00+08:00");
        let import = UserCardImport::new(&*world.credentials.card_id, "9999", validity);
        let card = cards
            .import_by_phone(import.phone_number("13900139000"))
            .await
            .unwrap();
        assert_eq!(card.user_card_code, "9999");
    });
}

#[test]
fn tokens_points_news_and_pictures() {
    each(async |world, members| {
        let key = world.key();
        let token = members
            .tokens()
            .pre_auth(&*key.card_id, &*key.openid)
            .await
            .unwrap();
        assert!(token.expire_time.instant().is_some());

        let balance = members.points().sync(&key, "points-1", 1000).await.unwrap();
        assert_eq!((balance.point_balance, &*balance.brand_id), (1000, "1004"));
        let wish: PointCoupon = serde_json::from_value(json!({
            "record_id": "nobody-asked", "exchange_coupon_template_id": "0Flpo7FqTQ",
            "brand_id": "1004", "card_id": key.card_id, "openid": key.openid,
            "user_card_code": key.user_card_code, "deduct_points": 1, "stock_id": "1",
        }))
        .unwrap();
        let answer = ConfirmPointExchange::allow(&wish);
        let error = members.points().confirm_exchange(answer).await.unwrap_err();
        assert_eq!(error.code(), Some("RESOURCE_NOT_EXISTS"));

        let feed = members
            .feeds()
            .create(&key, "feed-1", "15_1200_1")
            .await
            .unwrap();
        assert_eq!(feed.cell, "15_1200_1");

        // The smallest picture there is: one pixel, as BMP.
        let mut picture =
            b"BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\x18\0".to_vec();
        picture.resize(58, 0);
        let image = members.images().upload("pixel.bmp", picture).await.unwrap();
        assert!(image.media_url.contains("://"), "{}", image.media_url);
    });
    let world = World::new();
    let key = world.key();
    let tokens = world.merchant().card_member_for("1004").tokens();
    let token = world.run(tokens.pay_view(&*key.card_id, &*key.openid));
    assert!(!token.unwrap().token.is_empty());
}
