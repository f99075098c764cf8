//! What whoever made a template is told about its members: in its own names,
//! and with its own keys.

use kabao_core::{ApiV3Key, answer::header};
use serde_json::{Value, json};

use crate::{
    caller::{Caller, text, with},
    notifications::after_attempts,
    receiver::{Post, Receiver},
    support::Running,
};

/// Checks who signed it, under which names, and gives the resource opened.
fn resource(
    running: &Running,
    caller: &Caller<'_>,
    post: &Post,
    kind: &str,
    original: &str,
) -> Value {
    let envelope = post.envelope();
    let (merchant, brand) = (&running.credentials.merchant, &running.credentials.brand);
    let (prefix, scheme, key_id, event) = match caller.is_partner() {
        true => (
            "BRAND_MEMBER_CARD_SP",
            "WECHATPAY2-SHA256-RSA2048",
            &merchant.wechatpay_public_key_id,
            post.event(running),
        ),
        false => (
            "BRAND_MEMBER_CARD",
            "WECHATPAY-BRAND-SHA256-RSA2048",
            &brand.wechatpay_public_key_id,
            post.brand_event(running),
        ),
    };
    assert_eq!(post.verified(running), *key_id);
    assert_eq!(post.header(header::SIGNATURE_TYPE), Some(scheme));
    assert_eq!(envelope.event_type, format!("{prefix}.{kind}"));
    assert_eq!(envelope.resource.original_type.as_deref(), Some(original));
    assert_eq!(envelope.resource.associated_data.as_deref(), Some(original));
    serde_json::to_value(event.reveal()).unwrap()
}

/// The resource with its personal values as they were sent.
fn sealed_resource(running: &Running, caller: &Caller<'_>, post: &Post) -> Value {
    let key = match caller.is_partner() {
        true => &running.credentials.merchant.apiv3_key,
        false => &running.credentials.brand.api_key,
    };
    let key = ApiV3Key::new(key.as_bytes()).unwrap();
    let resource = post.envelope().open(&key).unwrap();
    serde_json::from_slice(&resource).unwrap()
}

#[test]
fn of_a_user_who_joins_and_leaves() {
    let running = Running::start();
    for caller in running.callers() {
        for code_mode in ["SYSTEM_ALLOCATE", "MERCHANT_ALLOCATE"] {
            running.freeze("2026-01-01T12:00:00+08:00");
            let receiver = Receiver::answering([200]);
            let validity = json!({"type": "FIX_TERM", "available_day_after_receive": 200});
            let card_id = caller.card_id(json!({
                "notify_url": receiver.url,
                "code_mode": code_mode,
                "init_level": "白银会员",
                "valid_date_information": validity,
            }));
            let plain = json!({
                "phone_number": "12345678999",
                "user_information": {
                    "common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": "男"}],
                    "custom_field_list": [{"name": "喜欢的运动", "user_chosen_values": ["足球", "篮球"]}],
                },
            });
            let joining = with(plain.clone(), json!({"card_id": card_id}));
            let played = running.play("o-1", "join", joining).ok();
            let post = receiver.next();
            assert_eq!(post.envelope().id, text(&played["notification_id"]));
            let told = resource(&running, &caller, &post, "USER_CARD.CREATE", "user_card");
            let mut expected = with(
                plain,
                json!({
                    "card_id": card_id,
                    "openid": "o-1",
                    "brand_id": "1004",
                    "card_type": "NORMAL",
                    "card_color": "#FFFF00",
                    "card_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0",
                    "level": "白银会员",
                    "valid_date_information": validity,
                    "pickup_time": "2026-01-01T12:00:00.000+08:00",
                    "user_card_state": "UNACTIVATED",
                    "create_time": "2026-01-01T12:00:00.000+08:00",
                    "modify_time": "2026-01-01T12:00:00.000+08:00",
                }),
            );
            let code = text(&played["user_card"]["user_card_code"]);
            match code_mode {
                "SYSTEM_ALLOCATE" => expected["user_card_code"] = json!(code),
                // There is none yet.
                _ => assert_eq!(code, ""),
            }
            assert_eq!(told, expected);
            let sent = sealed_resource(&running, &caller, &post);
            assert_eq!(text(&sent["phone_number"]).len(), 344);
            assert_eq!(caller.opened(sent), told);
            // Whoever plays may see what the card holds.
            let mut shown = played["user_card"].clone();
            if code.is_empty() {
                shown
                    .as_object_mut()
                    .unwrap()
                    .shift_remove("user_card_code");
            }
            assert_eq!(shown, told);

            let code = if code.is_empty() { "VIP-1" } else { &*code };
            let form = json!({
                "card_id": card_id, "openid": "o-1", "user_card_confirm_state": "CREATE_CARD_SUCCESS",
            });
            let (tail, attach) = (
                format!("user-cards/{code}/confirm"),
                json!({"attach": "我的"}),
            );
            caller.post(&tail, with(form, attach)).ok();
            running.freeze("2026-01-02T12:00:00+08:00");
            running
                .play("o-1", "delete-card", json!({"card_id": card_id}))
                .ok();
            let post = receiver.next();
            let told = resource(&running, &caller, &post, "USER_CARD.DELETE", "user_card");
            let left = json!({
                "user_card_code": code,
                "attach": "我的",
                "user_card_state": "INVALID",
                "invalid_time": "2026-01-02T12:00:00.000+08:00",
                "modify_time": "2026-01-02T12:00:00.000+08:00",
            });
            assert_eq!(told, with(expected, left));
        }
    }
}

#[test]
fn of_a_member_who_wants_something_for_points() {
    let running = Running::start();
    for caller in running.callers() {
        let receiver = Receiver::answering([204]);
        let card_id = caller.card_id(json!({"notify_url": receiver.url}));
        let row = json!({
            "card_id": card_id, "openid": "o-1", "user_card_code": "4785",
            "valid_date_information": {"type": "PERMANENT"},
        });
        caller.post("user-cards/import-by-openid", row).ok();
        let ids = json!({
            "brand_id": "1004", "card_id": card_id, "openid": "o-1", "user_card_code": "4785",
        });

        let ask = json!({"card_id": card_id});
        let played = running.play("o-1", "ask-points", ask.clone()).ok();
        let post = receiver.next();
        assert_eq!(played, json!({"notification_id": post.envelope().id}));
        let told = resource(
            &running,
            &caller,
            &post,
            "SYNC_USER_POINT",
            "sync_user_point",
        );
        assert_eq!(told, ids);

        for (wish, deduct_points, stock_id) in [
            (json!({}), json!(1000), "100232301"),
            (
                json!({"deduct_points": u64::MAX, "stock_id": "98065001"}),
                json!(u64::MAX),
                "98065001",
            ),
        ] {
            let wish = with(ask.clone(), wish);
            let played = running.play("o-1", "exchange-coupon", wish).ok();
            let post = receiver.next();
            let told = resource(
                &running,
                &caller,
                &post,
                "POINT_EXCHANGE_COUPON",
                "point_coupon",
            );
            let record_id = text(&told["record_id"]);
            assert!((1..=64).contains(&record_id.len()), "{record_id}");
            let expected = json!({
                "record_id": record_id,
                "appid": "wxea9c30890f48d5ae",
                "exchange_coupon_template_id": "0Flpo7FqTQ",
                "deduct_points": deduct_points,
                "product_coupon_id": "200000001",
                "product_coupon_stock_type": "PRODUCT_COUPON_STOCK_TYPE_BUSI_FAVOR",
                "stock_id": stock_id,
            });
            assert_eq!(told, with(ids.clone(), expected));
            let id = post.envelope().id;
            assert_eq!(played, json!({"exchange": told, "notification_id": id}));
        }
    }
}

#[test]
fn of_another_callers_template_nobody_is_told() {
    let running = Running::start();
    let [partner, brand] = running.callers();
    for (maker, other) in [(&partner, &brand), (&brand, &partner)] {
        let receiver = Receiver::answering([200]);
        let card_id = maker.card_id(json!({"notify_url": receiver.url}));
        // Who changes it does not become the one who made it.
        let change = json!({"card_title": "改名"});
        other.patch(&format!("cards/{card_id}"), change).ok();
        running
            .play("o-1", "join", json!({"card_id": card_id}))
            .ok();
        let post = receiver.next();
        resource(&running, maker, &post, "USER_CARD.CREATE", "user_card");
        let seen = after_attempts(&running, &receiver.url, 1);
        let identity = if maker.is_partner() {
            "1900000001"
        } else {
            "1004"
        };
        assert_eq!(seen["receiver"], identity);
        assert_eq!(seen["card_id"], card_id);
    }
}

#[test]
fn where_the_template_says_now() {
    let running = Running::start();
    let partner = running.partner();
    let [old, new] = [(); 2].map(|()| Receiver::answering([200]));
    let card_id = partner.card_id(json!({"notify_url": old.url}));
    let join = json!({"card_id": card_id});
    running.play("o-1", "join", join.clone()).ok();
    old.next();
    let change = json!({"notify_url": new.url});
    partner.patch(&format!("cards/{card_id}"), change).ok();
    let played = running.play("o-2", "join", join).ok();
    assert_eq!(new.next().envelope().id, text(&played["notification_id"]));
}

#[test]
fn again_after_a_minute_if_it_was_not_taken() {
    let running = Running::start();
    let partner = running.partner();
    running.freeze("2026-01-01T12:00:00+08:00");
    let receiver = Receiver::answering([500, 200]);
    let card_id = partner.card_id(json!({"notify_url": receiver.url}));
    running
        .play("o-1", "join", json!({"card_id": card_id}))
        .ok();
    let first = receiver.next();
    let seen = after_attempts(&running, &receiver.url, 1);
    assert_eq!(seen["next_attempt"], "2026-01-01T12:01:00.000+08:00");
    running.freeze("2026-01-01T12:01:00+08:00");
    assert_eq!(receiver.next().body, first.body);
    assert_eq!(
        after_attempts(&running, &receiver.url, 2)["state"],
        "DELIVERED"
    );
}
