//! A card template for people: every member as a row, and as a line of a list.

use jiff::Timestamp;
use kabao::card_member::{
    Card, CardState, CardUserInformation, CustomQuestion, PurchaseInformation,
};

use super::{
    card_face::Face,
    color, label,
    paint::{Paint, Tone},
    row::Row,
    shown::{Listed, Shown},
    state,
    table::Cell,
    time,
};

impl Shown for Card {
    fn rows(&self, now: Option<Timestamp>) -> Vec<Row> {
        let mut rows = vec![Row::new("card_id", &self.card_id).tone(Tone::Bold)];
        let state = self.state.as_ref().map(CardState::as_str);
        rows.extend(state.map(|state| Row::state("state", state)));
        rows.push(Row::new("card_title", &self.card_title));
        rows.push(Row::new("benefits", &self.benefits));
        rows.push(Row::validity(&self.valid_date_information, None, now));
        let level = self.need_display_level;
        rows.extend(Row::yes_or_no("need_display_level", level));
        let level = self.init_level.as_ref();
        rows.extend(Row::text("init_level", level));
        rows.extend(Row::yes_or_no("need_pinned", self.need_pinned));
        rows.extend(self.user_information.iter().flat_map(questions));
        rows.push(Row::new("code_mode", self.code_mode.as_str()));
        rows.push(Row::new("code_type", self.code_type.as_str()));
        for (name, page) in [
            ("code_jump_information", &self.code_jump_information),
            ("member_information", &self.member_information),
            ("points_information", &self.points_information),
            ("balance_information", &self.balance_information),
        ] {
            rows.extend(Row::page(name, page.as_ref()));
        }
        rows.extend(self.purchase_information.as_ref().map(purchase));
        let phone = self.service_phone.as_ref();
        rows.extend(Row::text("service_phone", phone));
        let agreement = self.legal_agreement.as_ref();
        rows.extend(Row::text("legal_agreement", agreement));
        rows.push(Row::new("card_color", &self.card_color));
        rows.push(Row::new("card_picture_url", &self.card_picture_url));
        rows.push(Row::new("notify_url", &self.notify_url));
        rows.push(Row::new("brand_id", &self.brand_id));
        rows.push(Row::new("appid", &self.appid));
        rows.push(Row::new("card_type", self.card_type.as_str()));
        let number = self.out_request_no.as_ref();
        rows.extend(Row::text("out_request_no", number));
        rows.extend(Row::time("create_time", self.create_time.as_ref()));
        rows.extend(Row::time("modify_time", self.modify_time.as_ref()));
        rows.extend(Row::others(&self.extra));
        rows
    }

    fn wire(&self) -> impl serde::Serialize + '_ {
        self
    }
}

impl Listed for Card {
    const HEAD: &'static [&'static str] =
        &["Template", "State", "Title", "Colour", "Serves", "Created"];

    fn cells(&self, paint: Paint) -> Vec<Cell> {
        let color = color::ground(Some(&self.card_color), paint);
        let state = self.state.as_ref().map_or("", CardState::as_str);
        let created = self.create_time.as_ref().map(time::clock);
        vec![
            self.card_id.as_str().into(),
            Cell::from(state).tone(state::tone(state)),
            self.card_title.as_str().into(),
            Cell::from(&*self.card_color).style(color),
            time::until(&self.valid_date_information, None).into(),
            created.unwrap_or_default().into(),
        ]
    }
}

/// What a card of the template looks like on the day it is taken.
pub(crate) fn face(card: &Card) -> Face {
    Face {
        color: Some(card.card_color.clone()),
        title: card.card_title.clone(),
        brand_id: card.brand_id.clone(),
        level: card.init_level.clone().unwrap_or_default(),
        foot: card.benefits.clone(),
        state: card
            .state
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        until: time::until(&card.valid_date_information, None),
    }
}

/// What joining asks.
fn questions(form: &CardUserInformation) -> Vec<Row> {
    let common = form.common_field_list.as_ref().map(|names| {
        let names = names.iter().map(|name| label::of(name.as_str()));
        let names: Vec<String> = names.collect();
        let names = match names.is_empty() {
            true => "(nothing)".to_owned(),
            false => names.join(", "),
        };
        Row::new("common_field_list", names)
    });
    let custom = form.custom_field_list.iter().flatten().map(custom);
    common
        .into_iter()
        .chain(custom)
        .chain(Row::others(&form.extra))
        .collect()
}

/// `喜欢的运动 (CHECK_BOX): 篮球, 足球`.
fn custom(question: &CustomQuestion) -> Row {
    let name = question.name.as_deref().unwrap_or_default();
    let kind = question.kind.as_ref();
    let kind = kind.map_or_else(String::new, |kind| format!(" ({kind})"));
    let choices = question.values.as_deref().unwrap_or_default().join(", ");
    Row::new("custom_field_list", format!("{name}{kind}: {choices}"))
}

fn purchase(purchase: &PurchaseInformation) -> Row {
    let price = purchase.price.map(|fen| format!("{fen} fen"));
    let parts = [&price, &purchase.jump_appid, &purchase.jump_path];
    let text: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    Row::new("purchase_information", text.join(" "))
}
