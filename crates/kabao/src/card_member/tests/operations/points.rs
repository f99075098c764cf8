//! Points, and news.

use kabao_core::{call::Method, card_member::*};
use serde_json::json;

use super::{
    super::samples::{CARD_ID, CODE, NUMBER, OPENID, key},
    Row, row,
};

fn allow() -> ConfirmPointExchange {
    let wish = json!({
        "record_id": "WfTb8hfabrPAiw", "exchange_coupon_template_id": "0Flpo7FqTQ",
        "brand_id": "1004", "card_id": CARD_ID, "openid": OPENID, "user_card_code": CODE,
        "deduct_points": 1000, "stock_id": "100232301",
    });
    ConfirmPointExchange::allow(&serde_json::from_value(wish).unwrap())
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        row! {
            sync_user_points, has_twin: true,
            operation: SyncUserPoints {
                key: key(),
                out_request_no: NUMBER.into(),
                point_balance: 1000,
            },
            method: |members| members.points().sync(&key(), NUMBER, 1000),
            chained: |hand| {
                let body = hand.body(json!({
                    "out_request_no": NUMBER, "card_id": CARD_ID, "openid": OPENID,
                    "user_card_code": CODE, "point_balance": 1000,
                }));
                let chain = hand.chain("user-points/sync").json(body);
                chain.repeatable(true).call(Method::Post)
            },
            answer: json!({
                "out_request_no": NUMBER, "brand_id": "1004", "card_id": CARD_ID,
                "openid": OPENID, "user_card_code": CODE, "point_balance": 1000,
            }),
        },
        row! {
            confirm_point_exchange_coupon, has_twin: true,
            operation: allow(),
            method: |members| members.points().confirm_exchange(allow()),
            chained: |hand| {
                let body = hand.body(json!({
                    "record_id": "WfTb8hfabrPAiw", "exchange_coupon_template_id": "0Flpo7FqTQ",
                    "card_id": CARD_ID, "openid": OPENID, "user_card_code": CODE,
                    "result": "POINT_EXCHANGE_COUPON_ALLOW",
                }));
                let chain = hand.chain("user-points/exchange-coupon/confirm").json(body);
                chain.repeatable(true).call(Method::Post)
            },
            answer: json!({
                "record_id": "WfTb8hfabrPAiw", "exchange_coupon_template_id": "0Flpo7FqTQ",
                "brand_id": "1004", "card_id": CARD_ID, "openid": OPENID,
                "user_card_code": CODE, "state": "POINT_EXCHANGE_COUPON_SUCCESS",
                "stock_id": "100232301", "coupon_code": "123446565767",
            }),
        },
        row! {
            create_user_feed, has_twin: true,
            operation: CreateUserFeed {
                key: key(),
                out_request_no: NUMBER.into(),
                cell: "15_1200_1".into(),
            },
            method: |members| members.feeds().create(&key(), NUMBER, "15_1200_1"),
            chained: |hand| {
                let body = hand.body(json!({
                    "card_id": CARD_ID, "user_card_code": CODE, "openid": OPENID,
                    "out_request_no": NUMBER, "cell": "15_1200_1",
                }));
                let chain = hand.chain("user-feeds").json(body);
                chain.repeatable(true).call(Method::Post)
            },
            answer: json!({
                "brand_id": "1004", "card_id": CARD_ID, "user_card_code": CODE,
                "out_request_no": NUMBER, "cell": "15_1200_1",
            }),
        },
    ]
}
