//! Feeds that do not come from an order.

use serde_json::{Value, json};

use super::{Context, Reply, members::Place};
use crate::{domain::feed, random, refusal::Refusal, store::Needs};

/// `POST …/user-feeds`.
pub(crate) async fn create(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let key = cx.key()?;
    let out_request_no = cx.members.out_request_no(64)?;
    let out_request_no = out_request_no.ok_or_else(|| Refusal::missing("out_request_no"))?;
    let cell = cell(&cx)?;
    let content = (&key.card_id, &key.user_card_code, &key.openid, &cell);
    let number = cx.request_number("create_user_feed", &out_request_no, &content);
    let id = random::record_id();
    let mut answer = json!({
        "brand_id": brand_id,
        "card_id": key.card_id,
        "user_card_code": key.user_card_code,
        "out_request_no": out_request_no,
        "cell": cell,
    });
    if cx.app.switches.feed_cell_message {
        answer["openid"] = json!(key.openid);
        answer["cell_message"] = json!(cell);
    }
    let needs = Needs::of(brand_id).user_card(&*key.card_id, &*key.user_card_code);
    let done = cx.decide(number.needed(needs), move |workspace, now| {
        number.once(workspace, |workspace| {
            feed::put(workspace, &key, &id, &cell, now)
        })
    });
    done.await?;
    Ok(Reply::ok(&answer))
}

/// `cell`, which older pages call `cell_message`. Of its parts nothing is asked.
fn cell(cx: &Context<'_>) -> Result<String, Refusal> {
    let (name, value) = cx.members.either("cell", "cell_message")?;
    match value {
        Value::String(_) => cx.members.text(name, feed::CELL),
        other => Err(Place::Body.blame(name, &other.to_string(), "应为字符串")),
    }
}
