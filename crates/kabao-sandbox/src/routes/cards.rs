//! Card templates: create, list, read, change, invalidate.

use kabao_core::{
    card_member::{Card, CardState, CardType},
    time::Time,
};
use serde_json::{Map, Value, json};

use super::{Context, Reply, form::parse, members::Place};
use crate::{
    app::failed,
    domain::{CardTemplate, card, card_form},
    notify::Address,
    random,
    refusal::Refusal,
    store::{CardTemplatesOf, Needs, Workspace},
};

/// Texts that a template must have, and how long they may be.
const REQUIRED: [(&str, usize); 9] = [
    ("appid", 32),
    ("card_type", 32),
    ("card_title", 10),
    ("card_color", 7),
    ("card_picture_url", 256),
    ("code_mode", 32),
    ("code_type", 32),
    ("benefits", 32),
    ("notify_url", 256),
];

/// Texts that a template may have.
const OPTIONAL: [(&str, usize); 3] = [
    ("init_level", 10),
    ("service_phone", 32),
    ("legal_agreement", 20_480),
];

/// Members that are not texts.
const OTHERS: [&str; 9] = [
    "code_jump_information",
    "need_pinned",
    "need_display_level",
    "valid_date_information",
    "member_information",
    "points_information",
    "balance_information",
    "purchase_information",
    "user_information",
];

/// What no change carries.
const FIXED: [&str; 4] = ["appid", "card_type", "code_mode", "code_type"];

/// `POST …/cards`.
pub(crate) async fn create(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let number = cx.members.out_request_no(128)?;
    if number.is_none() && !cx.app.switches.optional_out_request_no {
        return Err(Refusal::missing("out_request_no"));
    }
    let mut members = form(&cx, |_| true)?;
    for (name, _) in REQUIRED {
        if !members.contains_key(name) {
            return Err(Refusal::missing(name));
        }
    }
    for (name, _) in OPTIONAL {
        // An empty one is none.
        members.retain(|known, value| known != name || value != "");
    }
    members.insert("brand_id".into(), json!(brand_id));
    members.insert("card_id".into(), json!(""));
    members.insert("out_request_no".into(), json!(number));
    let asked = card_form::without_unknown(parse(members)?);
    card_form::check(&asked)?;
    let takes_any_type = cx.app.switches.other_card_types;
    let number = number.map(|number| cx.request_number("create_card", &number, &asked));
    let created_by_mchid = cx.mchid().map(ToOwned::to_owned);
    let card_id = random::card_id();
    let needs = Needs::of(&*brand_id);
    let needs = match &number {
        Some(number) => number.needed(needs),
        None => needs,
    };
    let card = cx.decide(needs, move |workspace, now| {
        if asked.card_type != CardType::Normal && !takes_any_type {
            let message = format!("暂不支持创建card_type为{}的会员卡", asked.card_type);
            return Err(Refusal::invalid_request(message));
        }
        let put = |workspace: &mut Workspace| {
            let card = Card {
                card_id: card_id.clone(),
                state: Some(CardState::Effective),
                create_time: Some(Time::at(now)),
                modify_time: Some(Time::at(now)),
                ..asked.clone()
            };
            workspace.put_card_template(CardTemplate {
                created_by_mchid: created_by_mchid.clone(),
                card: card.clone(),
            });
            Ok(card)
        };
        match &number {
            Some(number) => number.once(workspace, put),
            None => put(workspace),
        }
    });
    answer(&cx, &card.await?)
}

/// `GET …/cards`: newest first.
pub(crate) async fn list(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let state = cx.members.one_of("state", CardState::KNOWN)?;
    let window = cx.members.window_or_first()?;
    cx.authorise(&brand_id).await?;
    let state = state.map(CardState::from);
    let of = CardTemplatesOf { brand_id, state };
    let page = cx.app.store.card_templates(&of, window).await;
    let page = page.map_err(|error| failed(&error))?;
    let shown = page.rows.iter().map(|template| shown(&cx, &template.card));
    let data = shown.collect::<Result<Vec<_>, _>>()?;
    Ok(Reply::page(data, page.total, window))
}

/// `GET …/cards/{card_id}`.
pub(crate) async fn get(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let card_id = cx.members.text("card_id", 32)?;
    let needs = Needs::of(brand_id).card_template(&*card_id);
    let (found, _) = cx.load(needs).await?;
    answer(&cx, &card::known(&found, &card_id)?.card)
}

/// `PATCH …/cards/{card_id}`: members that are there replace.
pub(crate) async fn update(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let card_id = cx.members.text("card_id", 32)?;
    let members = form(&cx, |name| !FIXED.contains(&name))?;
    // Its shape is looked at before anything is looked up.
    merged(&blank()?, &members)?;
    let needs = Needs::of(brand_id).card_template(&*card_id);
    let card = cx.decide(needs, move |workspace, now| {
        let mut template = card::known(workspace, &card_id)?.clone();
        let changed = merged(&template.card, &members)?;
        template.change(changed, now)?;
        workspace.put_card_template(template.clone());
        Ok(template.card)
    });
    answer(&cx, &card.await?)
}

/// `POST …/cards/{card_id}/invalidate`, and `DELETE …/cards/{card_id}`, as it was
/// called before.
pub(crate) async fn invalidate(cx: Context<'_>) -> Result<Reply, Refusal> {
    let brand_id = cx.brand_id()?;
    let card_id = cx.members.text("card_id", 32)?;
    let needs = Needs::of(brand_id).card_template(&*card_id);
    let card = cx.decide(needs, move |workspace, now| {
        let mut template = card::known(workspace, &card_id)?.clone();
        template.invalidate(now);
        workspace.put_card_template(template.clone());
        Ok(template.card)
    });
    // Older pages have the whole object here too.
    written(&cx, &card.await?).map(|card| Reply::ok(&card))
}

/// The members of a template in the body, each text of a length that is taken.
fn form(cx: &Context<'_>, takes: impl Fn(&str) -> bool) -> Result<Map<String, Value>, Refusal> {
    let texts = REQUIRED.iter().chain(&OPTIONAL).map(|(name, _)| *name);
    let names: Vec<&str> = texts.chain(OTHERS).filter(|name| takes(name)).collect();
    let members = cx.members.form(&names);
    for (name, limit) in REQUIRED {
        text_of(&members, name, 1, limit)?;
    }
    for (name, limit) in OPTIONAL {
        text_of(&members, name, 0, limit)?;
    }
    if let Some(url) = members.get("notify_url").and_then(Value::as_str) {
        Address::parse(url, cx.app.notifier.settings.https_only)
            .map_err(|issue| Place::Body.blame("notify_url", url, issue.to_string()))?;
    }
    Ok(members)
}

fn text_of(
    members: &Map<String, Value>,
    name: &str,
    least: usize,
    most: usize,
) -> Result<(), Refusal> {
    let Some(value) = members.get(name) else {
        return Ok(());
    };
    let Some(text) = value.as_str() else {
        return Err(Place::Body.blame(name, &value.to_string(), "应为字符串"));
    };
    let length = text.chars().count();
    match (least..=most).contains(&length) {
        true => Ok(()),
        false => {
            let issue = format!("长度应为{least}至{most}个字符，实际{length}个");
            Err(Place::Body.blame(name, text, issue))
        }
    }
}

/// A template with some members replaced; an empty text clears one that may be
/// absent.
fn merged(card: &Card, members: &Map<String, Value>) -> Result<Card, Refusal> {
    let may_be_absent = |name: &str| OPTIONAL.iter().any(|(known, _)| *known == name);
    let mut whole = object(card)?;
    for (name, value) in members {
        match value == "" && may_be_absent(name) {
            true => whole.shift_remove(name),
            false => whole.insert(name.clone(), value.clone()),
        };
    }
    let card = card_form::without_unknown(parse(whole)?);
    card_form::check(&card)?;
    Ok(card)
}

/// A template that is well formed whatever is changed about it, for what a
/// change needs besides may be in the template already.
fn blank() -> Result<Card, Refusal> {
    let blank = json!({
        "card_id": "", "brand_id": "", "appid": "wx0", "card_type": "NORMAL", "card_title": "-",
        "card_color": "#000000", "card_picture_url": "-", "code_mode": "SYSTEM_ALLOCATE",
        "code_type": "NONE_CODE", "benefits": "-", "notify_url": "-", "init_level": "-",
        "valid_date_information": {"type": "PERMANENT"},
    });
    match blank {
        Value::Object(members) => parse(members),
        _ => Err(Refusal::system_error()),
    }
}

fn answer(cx: &Context<'_>, card: &Card) -> Result<Reply, Refusal> {
    shown(cx, card).map(|card| Reply::ok(&card))
}

/// A template as most answers have it.
fn shown(cx: &Context<'_>, card: &Card) -> Result<Map<String, Value>, Refusal> {
    let mut shown = written(cx, card)?;
    if cx.app.switches.bare_templates {
        for name in [
            "out_request_no",
            "member_information",
            "state",
            "create_time",
        ] {
            shown.shift_remove(name);
        }
    }
    Ok(shown)
}

fn written(cx: &Context<'_>, card: &Card) -> Result<Map<String, Value>, Refusal> {
    let mut written = object(card)?;
    if cx.app.switches.update_time {
        written.insert("update_time".into(), json!(card.modify_time));
    }
    Ok(written)
}

fn object(card: &Card) -> Result<Map<String, Value>, Refusal> {
    match serde_json::to_value(card) {
        Ok(Value::Object(members)) => Ok(members),
        _ => {
            tracing::error!("a template cannot be written");
            Err(Refusal::system_error())
        }
    }
}
