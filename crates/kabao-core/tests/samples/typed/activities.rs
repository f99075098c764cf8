//! Coupons for joining.

use kabao_core::card_member::{
    ActivityChange, ActivityChannel, ActivityState, CreateActivity, GetActivity, ListActivities,
    NewActivity, ProductCouponStock, TerminateActivity, UpdateActivity,
};

use super::{CARD_ID, Named, OUT_REQUEST_NO, named};

pub(crate) fn requests() -> Vec<Named> {
    let activity_id = || "371067".to_owned();
    let activity = NewActivity {
        out_request_no: OUT_REQUEST_NO.into(),
        card_id: CARD_ID.into(),
        activity_channel: ActivityChannel::MerchantAppComponent,
        title: "入会享券".into(),
        sub_title: "5张满减券".into(),
        begin_time: "2030-01-20T13:29:35.120+08:00".into(),
        end_time: "2030-01-29T13:29:35.120+08:00".into(),
        apply_total: 1000,
        product_coupon_stock_list: vec![ProductCouponStock::new(
            "701138812971763025610907319729",
            "98065001",
        )],
    };
    let change = ActivityChange {
        title: "入会享券".into(),
        sub_title: "5张满减券".into(),
        begin_time: "2030-01-20T13:29:35.120+08:00".into(),
        end_time: "2030-01-31T13:29:35.120+08:00".into(),
    };
    let create = CreateActivity { activity };
    let list = ListActivities {
        card_id: Some(CARD_ID.into()),
        activity_state: Some(ActivityState::Effective),
        ..ListActivities::new()
    };
    let get = GetActivity {
        activity_id: activity_id(),
    };
    let update = UpdateActivity {
        activity_id: activity_id(),
        change,
    };
    let terminate = TerminateActivity {
        activity_id: activity_id(),
    };
    vec![
        named("create_membership_activity", create),
        named("list_membership_activities", list),
        named("get_membership_activity", get),
        named("update_membership_activity", update),
        named("terminate_membership_activity", terminate),
    ]
}
