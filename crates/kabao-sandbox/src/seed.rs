//! What a new sandbox holds, and one that is reset: the sample data, unless a
//! file says otherwise.

use std::collections::HashSet;

use jiff::Timestamp;
use kabao_core::{
    Sensitive,
    card_member::{Card, UserInformation, ValidDateInformation},
    time::Time,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    domain::{Activity, CardTemplate, Stock, StoredState, UserCard, UserCardId},
    refusal::misfit,
    routes::activities::CHANNELS,
    sample,
    store::{
        Contents, Everything,
        snapshot::{self, SnapshotError},
    },
    vault::Vault,
};

/// What a new sandbox begins with, and goes back to when it is reset.
#[derive(Debug, Clone)]
pub struct Seed(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Described(Box<Described>),
    Snapshot(Vec<u8>),
}

/// A seed in words. Keys are made at the first start.
#[derive(Debug, Clone, Default)]
pub(crate) struct Described {
    pub(crate) contents: Contents,
    /// Who may call, beside the sample merchant.
    pub(crate) merchants: Vec<String>,
    /// Who may call, beside the sample brand.
    pub(crate) brands: Vec<String>,
}

/// A seed that can be sown.
#[derive(Debug)]
pub(crate) enum Opened {
    Described(Box<Described>),
    Snapshot(Box<Everything>),
}

impl Opened {
    pub(crate) fn contents(&self) -> &Contents {
        match self {
            Self::Described(described) => &described.contents,
            Self::Snapshot(everything) => &everything.contents,
        }
    }
}

impl Default for Seed {
    /// The sample data.
    fn default() -> Self {
        Self(Kind::Described(Box::new(Described {
            contents: sample::contents(),
            ..Described::default()
        })))
    }
}

/// A file is no seed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{member}: {issue}")]
pub struct SeedError {
    /// Which member, such as `user_cards[0].openid`.
    pub member: String,
    /// What is wrong with it.
    pub issue: String,
}

impl Seed {
    /// Reads what a file says, in the names of the wire and in plaintext;
    /// `docs/service.md` has an example. Times that it leaves out are `now`.
    ///
    /// # Errors
    /// [`SeedError`] names the member.
    pub fn from_value(value: &Value, now: Timestamp) -> Result<Self, SeedError> {
        let file: File = member("", value)?;
        let described = Box::new(file.describe(now)?);
        Ok(Self(Kind::Described(described)))
    }

    /// Takes a snapshot, keys included. It is read when the sandbox starts, for
    /// that has the master key.
    #[must_use]
    pub fn from_snapshot(text: Vec<u8>) -> Self {
        Self(Kind::Snapshot(text))
    }

    pub(crate) fn open(&self, vault: &Vault) -> Result<Opened, SnapshotError> {
        Ok(match &self.0 {
            Kind::Described(described) => Opened::Described(described.clone()),
            Kind::Snapshot(text) => Opened::Snapshot(Box::new(snapshot::read(text, vault)?)),
        })
    }
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
    product_coupon_stock_list: Vec<Stock>,
    #[serde(default)]
    terminated: bool,
}

impl File {
    fn describe(self, now: Timestamp) -> Result<Described, SeedError> {
        for (list, ids) in [("merchants", &self.merchants), ("brands", &self.brands)] {
            let own = [sample::MCHID, sample::BRAND_ID];
            let mut seen = HashSet::new();
            for (at, id) in ids.iter().enumerate() {
                let member = || format!("{list}[{at}]");
                if !(1..=32).contains(&id.len()) || !id.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(wrong(member(), format!("`{id}` is not 1 to 32 digits")));
                }
                if !seen.insert(id) || own.contains(&id.as_str()) {
                    return Err(wrong(member(), format!("{id} is there already")));
                }
            }
        }
        let mut contents = Contents::default();
        for (at, Grant { mchid, brand_id }) in self.grants.into_iter().enumerate() {
            let grant = (mchid, brand_id);
            if contents.grants.contains(&grant) {
                return Err(wrong(format!("grants[{at}]"), "it is there already"));
            }
            contents.grants.push(grant);
        }
        let mut templates = Known::default();
        for (at, value) in self.card_templates.iter().enumerate() {
            let at = format!("card_templates[{at}]");
            let template = template(&at, value, now)?;
            let card = &template.card;
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

/// Names that may be there once.
#[derive(Default)]
struct Known(HashSet<Vec<String>>);

impl Known {
    fn add<const N: usize>(&mut self, at: &str, name: [&String; N]) -> Result<(), SeedError> {
        let name: Vec<String> = name.into_iter().cloned().collect();
        if let Some(empty) = name.iter().position(String::is_empty) {
            let issue = format!("part {} of its name is empty", empty + 1);
            return Err(wrong(at, issue));
        }
        match self.0.insert(name) {
            true => Ok(()),
            false => Err(wrong(at, "it is there already")),
        }
    }
}

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
    if let Some(unknown) = card.extra.keys().next() {
        return Err(wrong(
            format!("{at}.{unknown}"),
            "a template has no such member",
        ));
    }
    validity(at, &card.valid_date_information)?;
    card.create_time.get_or_insert_with(|| Time::at(now));
    card.modify_time.get_or_insert_with(|| Time::at(now));
    Ok(CardTemplate {
        card,
        created_by_mchid,
    })
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
        let id = UserCardId {
            brand_id: self.brand_id,
            card_id: self.card_id,
            user_card_code: self.user_card_code,
        };
        let given = UserCard::from_template(template, id, &self.openid, state, now);
        let validity_of = self.valid_date_information;
        let card = UserCard {
            card_color: self.card_color.or(given.card_color),
            card_picture_url: self.card_picture_url.or(given.card_picture_url),
            level: self.level.or(given.level),
            phone_number: self.phone_number,
            user_information: self.user_information,
            attach: self.attach,
            pickup_time: self.pickup_time.unwrap_or(given.pickup_time),
            valid_date_information: validity_of.unwrap_or(given.valid_date_information),
            ..given
        };
        validity(at, &card.valid_date_information)?;
        instant(&format!("{at}.pickup_time"), &card.pickup_time)?;
        Ok(card)
    }
}

impl Planned {
    fn into_activity(self, at: &str, now: Timestamp) -> Result<Activity, SeedError> {
        let begin = instant(&format!("{at}.begin_time"), &self.begin_time)?;
        let end = instant(&format!("{at}.end_time"), &self.end_time)?;
        if !CHANNELS.contains(&&*self.activity_channel) {
            let issue = format!("`{}` is none of {CHANNELS:?}", self.activity_channel);
            return Err(wrong(format!("{at}.activity_channel"), issue));
        }
        if end <= begin {
            return Err(wrong(
                format!("{at}.end_time"),
                "it is not after begin_time",
            ));
        }
        let left = self.apply_available.unwrap_or(self.apply_total);
        if !(0..=self.apply_total).contains(&left) {
            let issue = format!("{left} is not between 0 and apply_total");
            return Err(wrong(format!("{at}.apply_available"), issue));
        }
        Ok(Activity {
            out_request_no: self
                .out_request_no
                .unwrap_or_else(|| self.activity_id.clone()),
            brand_id: self.brand_id,
            activity_id: self.activity_id,
            card_id: self.card_id,
            activity_channel: self.activity_channel,
            title: self.title,
            sub_title: self.sub_title,
            begin_time: self.begin_time,
            end_time: self.end_time,
            apply_total: self.apply_total,
            apply_available: left,
            product_coupon_stock_list: self.product_coupon_stock_list,
            terminated: self.terminated,
            create_time: Time::at(now),
            modify_time: Time::at(now),
        })
    }
}

fn validity(at: &str, validity: &ValidDateInformation) -> Result<(), SeedError> {
    let checked = validity.check("/valid_date_information");
    checked.map_err(|error| {
        wrong(
            format!("{at}{}", error.field.replace('/', ".")),
            error.issue,
        )
    })
}

fn instant(at: &str, time: &Time) -> Result<Timestamp, SeedError> {
    time.instant().ok_or_else(|| {
        let issue = format!("`{}` is not RFC 3339", time.as_str());
        wrong(at, issue)
    })
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
