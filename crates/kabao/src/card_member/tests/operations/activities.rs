use kabao_core::{call::Method, card_member::*};
use serde_json::json;

use super::{
    super::samples::{CARD_ID, NUMBER, activity, page_of},
    Row, row,
};

fn new_activity() -> NewActivity {
    NewActivity {
        out_request_no: NUMBER.into(),
        card_id: CARD_ID.into(),
        activity_channel: ActivityChannel::MerchantAppComponent,
        title: "入会享券".into(),
        sub_title: "5张满减券".into(),
        begin_time: "2030-01-20T13:29:35.120+08:00".into(),
        end_time: "2030-01-29T13:29:35.120+08:00".into(),
        apply_total: 1000,
        product_coupon_stock_list: vec![ProductCouponStock::new("701138812971", "98065001")],
    }
}

fn change() -> ActivityChange {
    ActivityChange {
        title: "入会享券".into(),
        sub_title: "5张满减券".into(),
        begin_time: "2030-01-20T13:29:35.120+08:00".into(),
        end_time: "2030-01-31T13:29:35.120+08:00".into(),
    }
}

fn running() -> ListActivities {
    ListActivities::new()
        .card_id(CARD_ID)
        .activity_state(ActivityState::Effective)
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        row! {
            create_membership_activity, has_twin: false,
            operation: CreateActivity { activity: new_activity() },
            method: |members| members.activities().create(new_activity()),
            chained: |hand| {
                let body = json!({
                    "out_request_no": NUMBER, "card_id": CARD_ID,
                    "activity_channel": "MECHANT_APP_COMPONENT", "title": "入会享券",
                    "sub_title": "5张满减券", "begin_time": "2030-01-20T13:29:35.120+08:00",
                    "end_time": "2030-01-29T13:29:35.120+08:00", "apply_total": 1000,
                    "product_coupon_stock_list": [
                        {"product_coupon_id": "701138812971", "stock_id": "98065001"},
                    ],
                });
                let chain = hand.chain("membership-activities").json(hand.body(body));
                chain.repeatable(true).call(Method::Post)
            },
            answer: activity(),
        },
        row! {
            list_membership_activities, has_twin: false,
            operation: running(),
            method: |members| members.activities().list(&running()),
            chained: |hand| {
                let query = [
                    ("card_id", CARD_ID),
                    ("activity_state", "MEMBERSHIP_ACTIVITY_EFFECTIVE"),
                    ("offset", "0"),
                    ("limit", "20"),
                ];
                let chain = hand.chain("membership-activities").query(hand.brand());
                chain.query(query).call(Method::Get)
            },
            answer: page_of(activity()),
        },
        row! {
            get_membership_activity, has_twin: false,
            operation: GetActivity { activity_id: "371067".into() },
            method: |members| members.activities().get("371067"),
            chained: |hand| {
                let chain = hand.chain("membership-activities/{activity_id}");
                let chain = chain.param("activity_id", "371067");
                chain.query(hand.brand()).call(Method::Get)
            },
            answer: activity(),
        },
        row! {
            update_membership_activity, has_twin: false,
            operation: UpdateActivity { activity_id: "371067".into(), change: change() },
            method: |members| members.activities().update("371067", change()),
            chained: |hand| {
                let body = json!({
                    "title": "入会享券", "sub_title": "5张满减券",
                    "begin_time": "2030-01-20T13:29:35.120+08:00",
                    "end_time": "2030-01-31T13:29:35.120+08:00",
                });
                let chain = hand.chain("membership-activities/{activity_id}");
                let chain = chain.param("activity_id", "371067").json(hand.body(body));
                chain.repeatable(true).call(Method::Patch)
            },
            answer: activity(),
        },
        row! {
            terminate_membership_activity, has_twin: false,
            operation: TerminateActivity { activity_id: "371067".into() },
            method: |members| members.activities().terminate("371067"),
            chained: |hand| {
                let chain = hand.chain("membership-activities/{activity_id}/terminate");
                let chain = chain.param("activity_id", "371067").json(hand.body(json!({})));
                chain.repeatable(true).call(Method::Post)
            },
            answer: activity(),
        },
    ]
}
