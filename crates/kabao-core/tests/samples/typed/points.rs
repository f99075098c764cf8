//! Points and feeds.

use kabao_core::card_member::{
    ConfirmPointExchange, CreateUserFeed, ExchangeResult, SyncUserPoints,
};

use super::{Named, OUT_REQUEST_NO, key, named};

pub(crate) fn requests() -> Vec<Named> {
    let feed = CreateUserFeed {
        key: key(),
        out_request_no: OUT_REQUEST_NO.into(),
        cell: "15_1200_1".into(),
    };
    let sync = SyncUserPoints {
        key: key(),
        out_request_no: OUT_REQUEST_NO.into(),
        point_balance: 1000,
    };
    let confirm = ConfirmPointExchange {
        key: key(),
        record_id: "WfTb8hfabrPAiw".into(),
        exchange_coupon_template_id: "0Flpo7FqTQ".into(),
        result: ExchangeResult::Allow,
        reject_reason: None,
    };
    vec![
        named("create_user_feed", feed),
        named("sync_user_points", sync),
        named("confirm_point_exchange_coupon", confirm),
    ]
}
