//! The two callers of the member-card product, each at its own addresses, and
//! what a user does in WeChat.

use std::sync::atomic::{AtomicU64, Ordering};

use kabao_sandbox::{RateLimits, Switches, folder::DataFolder};
use serde_json::{Value, json};

use crate::support::{Answer, Running, Signer};

/// Somebody who manages members. Paths are given without what both have in
/// common, such as `cards`; every answer's signature is checked.
pub struct Caller<'a> {
    pub signer: Signer<'a>,
    running: &'a Running,
    /// Whom it acts for; a service provider says so, a brand does not.
    brand_id: Option<&'static str>,
}

impl Running {
    /// The service provider, for the sample's brand.
    pub fn partner(&self) -> Caller<'_> {
        Caller {
            signer: self.merchant(),
            running: self,
            brand_id: Some("1004"),
        }
    }

    /// The sample's brand itself.
    pub fn own_brand(&self) -> Caller<'_> {
        Caller {
            signer: self.brand(),
            running: self,
            brand_id: None,
        }
    }

    /// Either, for what both can do.
    pub fn callers(&self) -> [Caller<'_>; 2] {
        [self.partner(), self.own_brand()]
    }

    /// With one switch on, and without rate limits.
    pub fn switched(name: &str) -> Self {
        let mut switches = Switches::default();
        switches.set(name, None).unwrap();
        Self::with(|builder| builder.rate_limits(RateLimits::Off).switches(switches))
    }

    /// Stops the sandbox's clock at an instant.
    pub fn freeze(&self, now: &str) {
        let body = json!({"now": now, "frozen": true});
        self.control_ok("PUT", "/_sandbox/clock", Some(body));
    }

    /// Plays a user of the sample's brand.
    pub fn play(&self, openid: &str, what: &str, mut members: Value) -> Answer {
        members["brand_id"] = json!("1004");
        let path = format!("/_sandbox/users/{openid}/{what}");
        self.control("POST", &path, Some(members))
    }

    /// What the store keeps of a kind that no operation shows.
    pub fn kept(&self, kind: &str) -> Vec<Value> {
        let folder = DataFolder::create(self.folder.path()).unwrap();
        let db = rusqlite::Connection::open(folder.database()).unwrap();
        let mut statement = db
            .prepare("SELECT document FROM records WHERE kind = ?1")
            .unwrap();
        let documents = statement.query_map([kind], |row| row.get::<_, String>(0));
        let documents = documents.unwrap().map(|document| document.unwrap());
        documents
            .map(|document| serde_json::from_str(&document).unwrap())
            .collect()
    }

    /// How many notifications there are or were.
    pub fn notified(&self) -> usize {
        let list = self.control_ok("GET", "/_sandbox/notifications", None);
        list["data"].as_array().unwrap().len()
    }
}

impl<'a> Caller<'a> {
    /// The same service provider, for another brand.
    pub fn acting_for(mut self, brand_id: &'static str) -> Self {
        self.brand_id = Some(brand_id);
        self
    }

    pub fn is_partner(&self) -> bool {
        self.brand_id.is_some()
    }

    pub fn get(&self, tail: &str) -> Answer {
        self.send("GET", &self.target_with_brand(tail), "")
    }

    pub fn delete(&self, tail: &str) -> Answer {
        self.send("DELETE", &self.target_with_brand(tail), "")
    }

    pub fn post(&self, tail: &str, body: Value) -> Answer {
        self.send_body("POST", tail, body)
    }

    pub fn patch(&self, tail: &str, body: Value) -> Answer {
        self.send_body("PATCH", tail, body)
    }

    fn send_body(&self, method: &str, tail: &str, mut body: Value) -> Answer {
        if let (Some(brand_id), None) = (self.brand_id, body.get("brand_id")) {
            body["brand_id"] = json!(brand_id);
        }
        self.send(method, &self.target(tail), &body.to_string())
    }

    /// Nothing is added to the body.
    pub fn send(&self, method: &str, target: &str, body: &str) -> Answer {
        let answer = self.signer.send(method, target, body);
        self.running.verified(&answer);
        answer
    }

    pub fn target(&self, tail: &str) -> String {
        let root = match self.is_partner() {
            true => "/v3/brand/partner/card-member",
            false => "/brand/card-member",
        };
        format!("{root}/{tail}")
    }

    fn target_with_brand(&self, tail: &str) -> String {
        let target = self.target(tail);
        let joint = if tail.contains('?') { '&' } else { '?' };
        match self.brand_id {
            Some(brand_id) => format!("{target}{joint}brand_id={brand_id}"),
            None => target,
        }
    }

    /// A new template, from the usual form with these members.
    pub fn card(&self, members: Value) -> Value {
        self.post("cards", with(new_card(), members)).ok()
    }

    /// The id of a new template.
    pub fn card_id(&self, members: Value) -> String {
        text(&self.card(members)["card_id"])
    }

    /// A value sealed for WeChat Pay.
    pub fn seal(&self, value: &str) -> String {
        match self.is_partner() {
            true => self.running.seal(value),
            false => self.running.seal_as_brand(value),
        }
    }

    /// A user's card with its values opened.
    pub fn opened(&self, mut card: Value) -> Value {
        let open = |value: &mut Value| {
            if !value.is_null() {
                *value = json!(self.signer.open(value));
            }
        };
        if let Some(number) = card.get_mut("phone_number") {
            open(number);
        }
        let Some(form) = card.get_mut("user_information") else {
            return card;
        };
        for field in items(form, "common_field_list") {
            open(&mut field["value"]);
        }
        for field in items(form, "custom_field_list") {
            items(field, "user_chosen_values").for_each(open);
        }
        card
    }
}

fn items<'a>(of: &'a mut Value, name: &str) -> impl Iterator<Item = &'a mut Value> {
    let list = of.get_mut(name).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

/// A form of `create_card` that is right in everything.
pub fn new_card() -> Value {
    json!({
        "out_request_no": number(),
        "appid": "wxea9c30890f48d5ae",
        "card_type": "NORMAL",
        "card_title": "测试卡",
        "card_color": "#FFFF00",
        "card_picture_url": "https://wxpaylogo.qpic.cn/wxpaylogo/xxxxx/0",
        "code_mode": "SYSTEM_ALLOCATE",
        "code_type": "NONE_CODE",
        "benefits": "会员折扣、专属价",
        "notify_url": "http://127.0.0.1:9/notify",
        "valid_date_information": {"type": "PERMANENT"},
    })
}

/// A request number that was never used.
pub fn number() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    format!("1004-{}", COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// A form with some members in place of its own.
pub fn with(mut form: Value, members: Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        form[name] = value.clone();
    }
    form
}

/// A form without a member.
pub fn without(mut form: Value, name: &str) -> Value {
    form.as_object_mut().unwrap().shift_remove(name);
    form
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
