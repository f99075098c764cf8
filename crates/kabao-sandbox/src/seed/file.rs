//! A seed in words: read, and checked against what the sandbox can serve.

use std::collections::HashSet;

use jiff::Timestamp;
use kabao_core::{
    Sensitive, UserCardChange, UserCardKey,
    card_member::{
        Card, CardState, NewActivity, NewCard, ProductCouponStock, UserInformation,
        ValidDateInformation,
    },
    extra::Extra,
    field::FieldError,
    time::Time,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{Described, SeedError};
use crate::{
    domain::{
        Activity, CardTemplate, Stock, StoredState, UserCard, UserCardId, card_form, user_card,
    },
    keys::CallerKind,
    notify::Address,
    refusal::misfit,
    sample,
    store::Contents,
};

/// Reads a file. Times that it leaves out are `now`.
pub(super) fn read(value: &Value, now: Timestamp) -> Result<Described, SeedError> {
    member::<File>("", value)?.describe(now)
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct File {
    merchants: Vec<String>,
    brands: Vec<String>,
    grants: Vec<Grant>,
    /// Documented objects, which keep what they do not know; they are read apart.
    card_templates: Vec<Value>,
    user_cards: Vec<Held>,
    activities: Vec<Planned>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    mchid: String,
    brand_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    brand_id: String,
    card_id: String,
    user_card_code: String,
    openid: String,
    state: Option<String>,
    card_color: Option<String>,
    card_picture_url: Option<String>,
    level: Option<String>,
    phone_number: Option<Sensitive>,
    user_information: Option<UserInformation>,
    attach: Option<String>,
    pickup_time: Option<Time>,
    valid_date_information: Option<ValidDateInformation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Planned {
    brand_id: String,
    activity_id: String,
    card_id: String,
    out_request_no: Option<String>,
    activity_channel: String,
    title: String,
    sub_title: String,
    begin_time: Time,
    end_time: Time,
    apply_total: i64,
    apply_available: Option<i64>,
    product_coupon_stock_list: Vec<ProductCouponStock>,
    #[serde(default)]
    terminated: bool,
}

impl File {
    fn describe(self, now: Timestamp) -> Result<Described, SeedError> {
        let merchants = Callers::of(CallerKind::Merchant, sample::MCHID, &self.merchants)?;
        let brands = Callers::of(CallerKind::Brand, sample::BRAND_ID, &self.brands)?;
        let mut contents = Contents::default();
        for (at, Grant { mchid, brand_id }) in self.grants.into_iter().enumerate() {
            let at = format!("grants[{at}]");
            merchants.know(&format!("{at}.mchid"), &mchid)?;
            brands.know(&format!("{at}.brand_id"), &brand_id)?;
            let grant = (mchid, brand_id);
            if contents.grants.contains(&grant) {
                return Err(wrong(at, "it is there already"));
            }
            contents.grants.push(grant);
        }
        let mut templates = Known::default();
        for (at, value) in self.card_templates.iter().enumerate() {
            let at = format!("card_templates[{at}]");
            let template = template(&at, value, now)?;
            let card = &template.card;
            brands.know(&format!("{at}.brand_id"), &card.brand_id)?;
            if let Some(mchid) = &template.created_by_mchid {
                merchants.know(&format!("{at}.created_by_mchid"), mchid)?;
            }
            templates.add(&at, [&card.brand_id, &card.card_id])?;
            contents.card_templates.push(template);
        }
        let of = |at: &str, brand_id: &str, card_id: &str| {
            let mut all = contents.card_templates.iter();
            let found = all.find(|of| of.card.brand_id == brand_id && of.card.card_id == card_id);
            found.map(|template| &template.card).ok_or_else(|| {
                let issue = format!("brand {brand_id} has no template {card_id} in this file");
                wrong(format!("{at}.card_id"), issue)
            })
        };
        let (mut codes, mut holders) = (Known::default(), Known::default());
        for (at, held) in self.user_cards.into_iter().enumerate() {
            let at = format!("user_cards[{at}]");
            let template = of(&at, &held.brand_id, &held.card_id)?;
            let card = held.into_card(&at, template, now)?;
            let UserCardId {
                brand_id,
                card_id,
                user_card_code,
            } = &card.id;
            codes.add(&at, [brand_id, card_id, user_card_code])?;
            if card.is_live() {
                holders.add(&format!("{at}.openid"), [brand_id, card_id, &card.openid])?;
            }
            contents.user_cards.push(card);
        }
        let mut activities = Known::default();
        for (at, planned) in self.activities.into_iter().enumerate() {
            let at = format!("activities[{at}]");
            of(&at, &planned.brand_id, &planned.card_id)?;
            activities.add(&at, [&planned.brand_id, &planned.activity_id])?;
            contents.activities.push(planned.into_activity(&at, now)?);
        }
        Ok(Described {
            contents,
            merchants: self.merchants,
            brands: self.brands,
        })
    }
}

/// Who can call: the sample's own, and those that the file names.
struct Callers<'a> {
    kind: CallerKind,
    ids: HashSet<&'a str>,
}

impl<'a> Callers<'a> {
    fn of(kind: CallerKind, own: &'a str, more: &'a [String]) -> Result<Self, SeedError> {
        let mut ids = HashSet::from([own]);
        for (at, id) in more.iter().enumerate() {
            let member = || format!("{}s[{at}]", kind.name());
            CallerKind::check_number(id).map_err(|issue| wrong(member(), issue))?;
            if !ids.insert(id) {
                return Err(wrong(member(), format!("{id} is there already")));
            }
        }
        Ok(Self { kind, ids })
    }

    /// Whoever has no keys is told nothing and asks nothing.
    fn know(&self, at: &str, id: &str) -> Result<(), SeedError> {
        if self.ids.contains(id) {
            return Ok(());
        }
        let name = self.kind.name();
        let issue = format!("there is no {name} {id}; name it in `{name}s`");
        Err(wrong(at, issue))
    }
}

/// Names that may be there once.
#[derive(Default)]
struct Known(HashSet<Vec<String>>);

impl Known {
    fn add<const N: usize>(&mut self, at: &str, name: [&String; N]) -> Result<(), SeedError> {
        match self.0.insert(name.into_iter().cloned().collect()) {
            true => Ok(()),
            false => Err(wrong(at, "it is there already")),
        }
    }
}

/// What the operation that makes templates takes, with what it gives.
fn template(at: &str, value: &Value, now: Timestamp) -> Result<CardTemplate, SeedError> {
    let mut value = value.clone();
    let maker = value
        .as_object_mut()
        .and_then(|members| members.shift_remove("created_by_mchid"));
    let created_by_mchid = match maker {
        None => None,
        Some(maker) => member(&format!("{at}.created_by_mchid"), &maker)?,
    };
    let mut card: Card = member(at, &value)?;
    if let Some(unknown) = unknown(at, &value, &known(&card)) {
        return Err(wrong(unknown, NO_SUCH));
    }
    if let Some(state) = card.state.as_ref().filter(|state| !state.is_known()) {
        let issue = format!("`{state}` is not {}", CardState::KNOWN.join(" or "));
        return Err(wrong(format!("{at}.state"), issue));
    }
    for (name, time) in [
        ("create_time", &card.create_time),
        ("modify_time", &card.modify_time),
    ] {
        if time.as_ref().is_some_and(|time| time.instant().is_none()) {
            return Err(wrong(format!("{at}.{name}"), "it is not RFC 3339"));
        }
    }
    if let (None, Some(members)) = (&card.out_request_no, value.as_object_mut()) {
        // Whoever makes one has to number the request; here any number will do.
        members.insert("out_request_no".into(), json!("1"));
    }
    let checked = member::<NewCard>(at, &value)?.check();
    checked.map_err(|error| blamed(at, error))?;
    if Address::parse(&card.notify_url, false).is_err() {
        let issue = "a whole address with https:// (on this machine also http://), without user, \
                     query and fragment";
        return Err(wrong(format!("{at}.notify_url"), issue));
    }
    short(&format!("{at}.card_id"), &card.card_id)?;
    card.state.get_or_insert(CardState::Effective);
    card.create_time.get_or_insert_with(|| Time::at(now));
    card.modify_time.get_or_insert_with(|| Time::at(now));
    Ok(CardTemplate {
        card,
        created_by_mchid,
    })
}

/// A template with the members of its form alone.
fn known(card: &Card) -> Value {
    serde_json::to_value(card_form::without_unknown(card.clone())).unwrap_or_default()
}

/// The first member that was given and is not known.
fn unknown(at: &str, given: &Value, known: &Value) -> Option<String> {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => {
            let mut given = given.iter().filter(|(_, value)| !value.is_null());
            given.find_map(|(name, value)| {
                let at = format!("{at}.{name}");
                match known.get(name) {
                    Some(known) => unknown(&at, value, known),
                    None => Some(at),
                }
            })
        }
        (Value::Array(given), Value::Array(known)) => {
            let mut pairs = given.iter().zip(known).enumerate();
            pairs.find_map(|(place, (given, known))| {
                unknown(&format!("{at}[{place}]"), given, known)
            })
        }
        _ => None,
    }
}

impl Held {
    fn into_card(self, at: &str, template: &Card, now: Timestamp) -> Result<UserCard, SeedError> {
        let state = match &self.state {
            None => StoredState::Effective,
            Some(name) => StoredState::from_name(name).ok_or_else(|| {
                let issue = format!("`{name}` is not UNACTIVATED, EFFECTIVE or INVALID");
                wrong(format!("{at}.state"), issue)
            })?,
        };
        let key = UserCardKey::new(self.user_card_code, self.card_id, self.openid);
        key.check().map_err(|error| blamed(at, error))?;
        if let Some(validity) = &self.valid_date_information {
            nothing_else(&format!("{at}.valid_date_information"), &validity.extra)?;
        }
        let told = user_card::showable(UserCardChange {
            card_color: self.card_color,
            card_picture_url: self.card_picture_url,
            level: self.level,
            phone_number: self.phone_number,
            user_information: self.user_information,
            attach: self.attach,
            pickup_time: self.pickup_time,
            valid_date_information: self.valid_date_information,
        });
        let told = told.map_err(|error| blamed(at, error))?;
        let id = UserCardId {
            brand_id: self.brand_id,
            card_id: key.card_id,
            user_card_code: key.user_card_code,
        };
        let mut card = UserCard::from_template(template, id, &key.openid, state, now);
        card.adjust(told, now);
        Ok(card)
    }
}

impl Planned {
    fn into_activity(self, at: &str, now: Timestamp) -> Result<Activity, SeedError> {
        let named = format!("{at}.activity_id");
        short(&named, &self.activity_id)?;
        if !self.activity_id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong(named, "digits, as all activities have"));
        }
        for (place, stock) in self.product_coupon_stock_list.iter().enumerate() {
            let at = format!("{at}.product_coupon_stock_list[{place}]");
            nothing_else(&at, &stock.extra)?;
        }
        let asked = NewActivity {
            out_request_no: self
                .out_request_no
                .unwrap_or_else(|| self.activity_id.clone()),
            card_id: self.card_id,
            activity_channel: self.activity_channel.into(),
            title: self.title,
            sub_title: self.sub_title,
            begin_time: self.begin_time,
            end_time: self.end_time,
            apply_total: self.apply_total,
            product_coupon_stock_list: self.product_coupon_stock_list,
        };
        asked.check().map_err(|error| blamed(at, error))?;
        let left = self.apply_available.unwrap_or(asked.apply_total);
        if !(0..=asked.apply_total).contains(&left) {
            let issue = format!("{left} is not between 0 and apply_total");
            return Err(wrong(format!("{at}.apply_available"), issue));
        }
        let stocks = asked.product_coupon_stock_list.into_iter();
        let stocks = stocks.map(|stock| Stock {
            product_coupon_id: stock.product_coupon_id,
            stock_id: stock.stock_id,
        });
        Ok(Activity {
            brand_id: self.brand_id,
            activity_id: self.activity_id,
            card_id: asked.card_id,
            out_request_no: asked.out_request_no,
            activity_channel: asked.activity_channel.to_string(),
            title: asked.title,
            sub_title: asked.sub_title,
            begin_time: asked.begin_time,
            end_time: asked.end_time,
            apply_total: asked.apply_total,
            apply_available: left,
            product_coupon_stock_list: stocks.collect(),
            terminated: self.terminated,
            create_time: Time::at(now),
            modify_time: Time::at(now),
        })
    }
}

fn nothing_else(at: &str, extra: &Extra) -> Result<(), SeedError> {
    match extra.keys().next() {
        Some(name) => Err(wrong(format!("{at}.{name}"), NO_SUCH)),
        None => Ok(()),
    }
}

/// An id that requests can name.
fn short(at: &str, id: &str) -> Result<(), SeedError> {
    match id.chars().count() {
        1..=32 => Ok(()),
        length => Err(wrong(at, format!("1 to 32 characters, this has {length}"))),
    }
}

/// The member that a request would be refused for, with no value of it.
fn blamed(at: &str, error: FieldError) -> SeedError {
    let mut member = at.to_owned();
    for step in error.field.split('/').filter(|step| !step.is_empty()) {
        match step.bytes().all(|byte| byte.is_ascii_digit()) {
            true => member.push_str(&format!("[{step}]")),
            false => member.push_str(&format!(".{step}")),
        }
    }
    wrong(member, error.issue)
}

/// A value of that form; what does not fit is named from the root.
fn member<T: DeserializeOwned>(at: &str, value: &Value) -> Result<T, SeedError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let below = error.path().to_string();
        let member = match (at, &*below) {
            ("", ".") => "the file".to_owned(),
            (at, ".") => at.to_owned(),
            ("", below) => below.to_owned(),
            (at, below) => format!("{at}.{below}"),
        };
        let words = error.inner().to_string();
        // Names may be said, values may not.
        let is_of_names = words.starts_with("missing field") || words.starts_with("unknown field");
        let issue = if is_of_names {
            words
        } else {
            misfit(error.inner())
        };
        wrong(member, issue)
    })
}

fn wrong(member: impl Into<String>, issue: impl Into<String>) -> SeedError {
    SeedError {
        member: member.into(),
        issue: issue.into(),
    }
}

const NO_SUCH: &str = "there is no such member";
