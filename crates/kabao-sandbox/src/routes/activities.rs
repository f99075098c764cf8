//! Coupon-for-joining activities: create, list, read, change, terminate.

use jiff::Timestamp;
use kabao_core::time::Time;
use serde_json::{Value, json};

use super::{Context, Reply, form::parse, members::Place};
use crate::{
    app::failed,
    domain::{
        Activity, ActivityStage, Stock,
        activity::{self, ActivityChange},
        card,
    },
    random,
    refusal::Refusal,
    store::{ActivitiesOf, Needs},
};

/// The only channel; the misspelling is on the wire.
const CHANNELS: [&str; 1] = ["MECHANT_APP_COMPONENT"];

/// `POST …/membership-activities`.
pub(crate) async fn create(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let out_request_no = cx.members.out_request_no(128)?;
    let out_request_no = out_request_no.ok_or_else(|| Refusal::missing("out_request_no"))?;
    let card_id = cx.members.text("card_id", 32)?;
    let channel = cx.members.one_of("activity_channel", &CHANNELS)?;
    let channel = channel.ok_or_else(|| Refusal::missing("activity_channel"))?;
    let change = change(&cx)?;
    let apply_total = cx.members.integer("apply_total", 1..=i64::MAX)?;
    let stocks = stocks(&cx)?;
    let asked = Activity {
        brand_id: brand_id.clone(),
        activity_id: String::new(),
        card_id: card_id.clone(),
        out_request_no: out_request_no.clone(),
        activity_channel: channel.to_owned(),
        title: change.title,
        sub_title: change.sub_title,
        begin_time: change.begin_time,
        end_time: change.end_time,
        apply_total,
        apply_available: apply_total,
        product_coupon_stock_list: stocks,
        terminated: false,
        create_time: Time::from(""),
        modify_time: Time::from(""),
    };
    let number = cx.request_number("create_membership_activity", &out_request_no, &asked);
    let activity_id = random::activity_id();
    let needs = number.needed(Needs::of(brand_id).card_template(&*card_id));
    let answer = cx.decide(needs, move |workspace, now| {
        number.once(workspace, |workspace| {
            card::in_force(workspace, &card_id)?;
            let activity = Activity {
                activity_id: activity_id.clone(),
                create_time: Time::at(now),
                modify_time: Time::at(now),
                ..asked.clone()
            };
            activity.check_period(now)?;
            workspace.put_activity(activity.clone());
            wire(&activity, now)
        })
    });
    Ok(Reply::ok(&answer.await?))
}

/// `GET …/membership-activities`: newest first.
pub(crate) async fn list(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let card_id = cx.members.optional_text("card_id", 32)?;
    let names = ActivityStage::ALL.map(ActivityStage::as_str);
    let stage = cx.members.one_of("activity_state", &names)?;
    let window = cx.members.window()?;
    let now = cx.authorise(&brand_id).await?;
    let mut stages = ActivityStage::ALL.into_iter();
    let of = ActivitiesOf {
        brand_id,
        card_id,
        stage: stages.find(|known| Some(known.as_str()) == stage),
        now,
    };
    let page = cx.app.store.activities(&of, window).await;
    let page = page.map_err(|error| failed(&error))?;
    let data = page.rows.iter().map(|activity| wire(activity, now));
    let data = data.collect::<Result<Vec<_>, _>>()?;
    Ok(Reply::page(data, page.total, window))
}

/// `GET …/membership-activities/{activity_id}`.
pub(crate) async fn get(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let activity_id = cx.members.text("activity_id", 32)?;
    let needs = Needs::of(brand_id).activity(&*activity_id);
    let (found, now) = cx.load(needs).await?;
    wire(activity::known(&found, &activity_id)?, now).map(|activity| Reply::ok(&activity))
}

/// `PATCH …/membership-activities/{activity_id}`: all of it at once.
pub(crate) async fn update(cx: Context<'_>) -> Result<Reply, Refusal> {
    let change = change(&cx)?;
    decide(&cx, move |activity, now| {
        activity.change(change.clone(), now)
    })
    .await
}

/// `POST …/membership-activities/{activity_id}/terminate`.
pub(crate) async fn terminate(cx: Context<'_>) -> Result<Reply, Refusal> {
    decide(&cx, Activity::terminate).await
}

async fn decide(
    cx: &Context<'_>,
    rule: impl Fn(&mut Activity, Timestamp) -> Result<(), Refusal> + Send + Sync + 'static,
) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let activity_id = cx.members.text("activity_id", 32)?;
    let needs = Needs::of(brand_id).activity(&*activity_id);
    let answer = cx.decide(needs, move |workspace, now| {
        let mut activity = activity::known(workspace, &activity_id)?.clone();
        rule(&mut activity, now)?;
        workspace.put_activity(activity.clone());
        wire(&activity, now)
    });
    Ok(Reply::ok(&answer.await?))
}

fn change(cx: &Context<'_>) -> Result<ActivityChange, Refusal> {
    let change = ActivityChange {
        title: cx.members.text("title", 128)?,
        sub_title: cx.members.text("sub_title", 128)?,
        begin_time: cx.members.time("begin_time")?,
        end_time: cx.members.time("end_time")?,
    };
    match change.begin_time.instant() < change.end_time.instant() {
        true => Ok(change),
        false => {
            let end = change.end_time.as_str();
            Err(Place::Body.blame("end_time", end, "应晚于begin_time"))
        }
    }
}

fn stocks(cx: &Context<'_>) -> Result<Vec<Stock>, Refusal> {
    const NAME: &str = "product_coupon_stock_list";
    #[derive(serde::Deserialize)]
    struct Form {
        product_coupon_stock_list: Vec<Stock>,
    }
    let form: Form = parse(cx.members.form(&[NAME]))?;
    let stocks = form.product_coupon_stock_list;
    if stocks.is_empty() {
        return Err(Place::Body.blame(NAME, "[]", "至少一个商品券批次"));
    }
    for (index, stock) in stocks.iter().enumerate() {
        for (name, id) in [
            ("product_coupon_id", &stock.product_coupon_id),
            ("stock_id", &stock.stock_id),
        ] {
            if id.is_empty() {
                return Err(Refusal::missing(&format!("{NAME}/{index}/{name}")));
            }
        }
    }
    Ok(stocks)
}

/// The documented object.
fn wire(activity: &Activity, now: Timestamp) -> Result<Value, Refusal> {
    let mut wire = serde_json::to_value(activity).map_err(|error| {
        tracing::error!(%error, "an activity cannot be written");
        Refusal::system_error()
    })?;
    if let Some(members) = wire.as_object_mut() {
        members.shift_remove("terminated");
        members.insert(
            "activity_state".into(),
            json!(activity.stage_at(now).as_str()),
        );
    }
    Ok(wire)
}
