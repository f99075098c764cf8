//! A user's card for people: every member as a row, and as a line of a list.

use jiff::Timestamp;
use kabao::{
    Sensitive,
    card_member::{CommonFieldName, UserCard, UserInformation},
};

use super::{
    card_face::Face,
    paint::{Paint, Tone},
    row::Row,
    shown::{Listed, Shown},
    state,
    table::Cell,
    time,
};

impl Shown for UserCard {
    fn rows(&self, now: Option<Timestamp>) -> Vec<Row> {
        let mut rows = vec![
            Row::new("user_card_code", &self.user_card_code).tone(Tone::Bold),
            Row::state("user_card_state", self.user_card_state.as_str()),
        ];
        let reason = self.invalid_reason.as_ref();
        rows.extend(Row::text("invalid_reason", reason));
        let invalidated = self.invalid_time.as_ref();
        rows.extend(Row::time("invalid_time", invalidated));
        rows.extend(Row::text("level", self.level.as_ref()));
        rows.extend(
            self.phone_number
                .as_ref()
                .map(|number| sensitive("phone_number", &[number])),
        );
        rows.extend(self.user_information.iter().flat_map(answers));
        let pickup = &self.pickup_time;
        rows.push(Row::validity(
            &self.valid_date_information,
            Some(pickup),
            now,
        ));
        rows.extend(Row::time("pickup_time", Some(pickup)));
        rows.extend(Row::text("card_color", self.card_color.as_ref()));
        let picture = self.card_picture_url.as_ref();
        rows.extend(Row::text("card_picture_url", picture));
        rows.extend(Row::text("attach", self.attach.as_ref()));
        rows.push(Row::new("brand_id", &self.brand_id));
        rows.push(Row::new("card_id", &self.card_id));
        rows.push(Row::new("openid", &self.openid));
        rows.push(Row::new("card_type", self.card_type.as_str()));
        let created = self.create_time.as_ref();
        rows.extend(Row::time("create_time", created));
        let changed = self.modify_time.as_ref();
        rows.extend(Row::time("modify_time", changed));
        rows.extend(Row::others(&self.extra));
        rows
    }

    fn wire(&self) -> impl serde::Serialize + '_ {
        self.reveal()
    }

    fn unopened_values(&self) -> usize {
        self.unopened()
    }
}

impl Listed for UserCard {
    const HEAD: &'static [&'static str] = &[
        "Card code",
        "State",
        "Level",
        "Phone number",
        "Until",
        "Template",
    ];

    fn cells(&self, _: Paint) -> Vec<Cell> {
        let phone_number = match &self.phone_number {
            Some(number) if number.is_opened() => number.expose(),
            Some(_) => "(not opened)",
            None => "",
        };
        let state = self.user_card_state.as_str();
        let end = time::end(&self.valid_date_information, Some(&self.pickup_time));
        vec![
            self.user_card_code.as_str().into(),
            Cell::from(state).tone(state::tone(state)),
            self.level.as_deref().unwrap_or_default().into(),
            phone_number.into(),
            end.as_str().into(),
            self.card_id.as_str().into(),
        ]
    }
}

/// The card as its user sees it. It does not carry its template's name.
pub(crate) fn face(card: &UserCard, title: Option<&str>) -> Face {
    Face {
        color: card.card_color.clone(),
        title: title.unwrap_or("Member card").to_owned(),
        brand_id: card.brand_id.clone(),
        level: card.level.clone().unwrap_or_default(),
        foot: in_fours(&card.user_card_code),
        state: card.user_card_state.to_string(),
        until: time::until(&card.valid_date_information, Some(&card.pickup_time)),
    }
}

/// `4785 1583 2665`, as embossed.
fn in_fours(code: &str) -> String {
    let characters: Vec<char> = code.chars().collect();
    let groups: Vec<String> = characters
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    groups.join(" ")
}

/// Form answers: a row for each question, under its own name.
fn answers(information: &UserInformation) -> Vec<Row> {
    let common = information.common_field_list.iter().flatten().map(|field| {
        let name = field.name.as_ref();
        let name = name.map_or("common_field_list", CommonFieldName::as_str);
        sensitive(name, &field.value.iter().collect::<Vec<_>>())
    });
    let custom = information.custom_field_list.iter().flatten().map(|field| {
        let question = field.name.as_deref().unwrap_or("Answer");
        let chosen: Vec<_> = field.user_chosen_values.iter().flatten().collect();
        sensitive("custom_field_list", &chosen).label(question)
    });
    common
        .chain(custom)
        .chain(Row::others(&information.extra))
        .collect()
}

fn sensitive(name: &str, values: &[&Sensitive]) -> Row {
    const UNOPENED: &str = "(could not be opened with this key)";
    let shown: Vec<&str> = values
        .iter()
        .map(|value| {
            if value.is_opened() {
                value.expose()
            } else {
                UNOPENED
            }
        })
        .collect();
    let all_opened = values.iter().all(|value| value.is_opened());
    let tone = if all_opened { Tone::Plain } else { Tone::Warn };
    Row::new(name, shown.join(", ")).tone(tone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> UserCard {
        let value = serde_json::json!({
            "user_card_code": "478515832665", "card_id": "pbLatj", "openid": "obLatj",
            "brand_id": "1004", "card_type": "NORMAL", "phone_number": "13800138000",
            "level": "钻石会员", "user_card_state": "EFFECTIVE",
            "valid_date_information": {"type": "PERMANENT"},
            "pickup_time": "2020-05-20T13:29:35.120+08:00",
            "user_information": {
                "common_field_list": [{"name": "USER_FORM_FLAG_SEX", "value": "男"}],
                "custom_field_list": [{"name": "喜欢的运动", "user_chosen_values": ["足球", "篮球"]}],
            },
            "points": 7,
        });
        serde_json::from_value(value).expect("a user card")
    }

    fn find<'r>(rows: &'r [Row], name: &str) -> &'r Row {
        rows.iter()
            .find(|row| row.name == name)
            .unwrap_or_else(|| panic!("no row {name}"))
    }

    #[test]
    fn every_member_has_a_row() {
        let rows = card().rows(Some(Timestamp::UNIX_EPOCH));
        assert_eq!(find(&rows, "phone_number").value, "13800138000");
        assert_eq!(find(&rows, "USER_FORM_FLAG_SEX").label, "Sex");
        let sports = find(&rows, "custom_field_list");
        assert_eq!(
            (&*sports.label, &*sports.value),
            ("喜欢的运动", "足球, 篮球")
        );
        assert_eq!(find(&rows, "points").value, "7");
        assert_eq!(find(&rows, "user_card_state").tone, Tone::Good);
    }

    #[test]
    fn a_value_that_did_not_open_says_so() {
        let mut card = card();
        let sealed = kabao::core::Sealed::from_wire("c2VhbGVk");
        card.phone_number = Some(Sensitive::unopened(sealed));
        let rows = card.rows(Some(Timestamp::UNIX_EPOCH));
        let phone = find(&rows, "phone_number");
        assert_eq!(phone.value, "(could not be opened with this key)");
        assert_eq!(phone.tone, Tone::Warn);
    }
}
