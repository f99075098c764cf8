//! Coupons for joining, for people: every member as a row, and as a line of a
//! list.

use jiff::Timestamp;
use kabao::card_member::{Activity, ActivityState};

use super::{
    paint::{Paint, Tone},
    row::Row,
    shown::{Listed, Shown},
    state,
    table::Cell,
    time,
};

impl Shown for Activity {
    fn rows(&self, now: Option<Timestamp>) -> Vec<Row> {
        let state = self.activity_state.as_str();
        let mut rows = vec![
            Row::new("activity_id", &self.activity_id).tone(Tone::Bold),
            Row::state("activity_state", state),
            Row::new("title", &self.title),
            Row::new("sub_title", &self.sub_title),
            Row::new("begin_time", time::clock(&self.begin_time)),
            Row::new("end_time", time::clock(&self.end_time)).note(left(self, now)),
            Row::new("apply_total", self.apply_total.to_string()),
            Row::new("apply_available", self.apply_available.to_string()),
        ];
        let gifts: Vec<String> = self
            .product_coupon_stock_list
            .iter()
            .map(|stock| format!("{}:{}", stock.product_coupon_id, stock.stock_id))
            .collect();
        let gifts = gifts.join(", ");
        rows.push(Row::new("product_coupon_stock_list", gifts));
        let channel = self.activity_channel.as_str();
        rows.push(Row::new("activity_channel", channel));
        rows.push(Row::new("card_id", &self.card_id));
        rows.push(Row::new("brand_id", &self.brand_id));
        rows.push(Row::new("out_request_no", &self.out_request_no));
        rows.extend(Row::time("create_time", Some(&self.create_time)));
        rows.extend(Row::time("modify_time", Some(&self.modify_time)));
        rows.extend(Row::others(&self.extra));
        rows
    }

    fn wire(&self) -> impl serde::Serialize + '_ {
        self
    }
}

/// How long it goes on, or when it begins; nothing of one that was ended.
fn left(activity: &Activity, now: Option<Timestamp>) -> Option<String> {
    match activity.activity_state {
        ActivityState::Terminated => None,
        _ => time::left(Some(&activity.begin_time), &activity.end_time, now?),
    }
}

impl Listed for Activity {
    const HEAD: &'static [&'static str] = &[
        "Activity", "State", "Title", "Begins", "Ends", "Left", "Template",
    ];

    fn cells(&self, _: Paint) -> Vec<Cell> {
        let state = self.activity_state.as_str();
        vec![
            self.activity_id.as_str().into(),
            Cell::from(state).tone(state::tone(state)),
            self.title.as_str().into(),
            time::clock(&self.begin_time).into(),
            time::clock(&self.end_time).into(),
            format!("{}/{}", self.apply_available, self.apply_total).into(),
            self.card_id.as_str().into(),
        ]
    }
}
