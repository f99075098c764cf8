//! The members of a user card as rows for people.

use jiff::Timestamp;
use kabao::{
    Sensitive,
    card_member::{CommonFieldName, UserCard, UserCardState, UserInformation},
    core::time::Time,
};

use super::{paint::Tone, time};

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// For people.
    pub(crate) label: String,
    /// On the wire.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: String,
    /// How the value is meant.
    pub(crate) tone: Tone,
    /// A remark below the value.
    pub(crate) note: Option<String>,
    /// What stood there before, if that was something else.
    pub(crate) before: Option<String>,
}

impl Row {
    pub(super) fn new(
        label: impl Into<String>,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        Self {
            label: label.into(),
            name: name.into(),
            value: value.into(),
            tone: Tone::Plain,
            note: None,
            before: None,
        }
    }

    fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    fn is_same_member(&self, other: &Self) -> bool {
        self.name == other.name && self.label == other.label
    }
}

/// Every member that the card has, in the order of the documentation.
pub(crate) fn rows(card: &UserCard, now: Timestamp) -> Vec<Row> {
    let mut rows = vec![
        Row::new("Card code", "user_card_code", &card.user_card_code).tone(Tone::Bold),
        Row::new("State", "user_card_state", card.user_card_state.as_str())
            .tone(state_tone(&card.user_card_state)),
    ];
    let text = |label, name, value: &Option<String>| {
        value.as_deref().map(|value| Row::new(label, name, value))
    };
    let instant = |label, name, time: &Option<Time>| {
        time.as_ref()
            .map(|time| Row::new(label, name, time::clock(time)))
    };
    rows.extend(text("Reason", "invalid_reason", &card.invalid_reason));
    rows.extend(instant("Invalidated", "invalid_time", &card.invalid_time));
    rows.extend(text("Level", "level", &card.level));
    rows.extend(
        card.phone_number
            .as_ref()
            .map(|number| sensitive("Phone number", "phone_number", &[number])),
    );
    rows.extend(card.user_information.iter().flat_map(answers));
    let (validity, note) = time::validity(&card.valid_date_information, &card.pickup_time, now);
    rows.push(Row {
        note,
        ..Row::new("Validity", "valid_date_information", validity)
    });
    let pickup = time::clock(&card.pickup_time);
    rows.push(Row::new("Picked up", "pickup_time", pickup));
    rows.extend(text("Colour", "card_color", &card.card_color));
    rows.extend(text("Picture", "card_picture_url", &card.card_picture_url));
    rows.extend(text("Attach", "attach", &card.attach));
    rows.push(Row::new("Brand", "brand_id", &card.brand_id));
    rows.push(Row::new("Template", "card_id", &card.card_id));
    rows.push(Row::new("User", "openid", &card.openid));
    rows.push(Row::new("Type", "card_type", card.card_type.as_str()));
    rows.extend(instant("Created", "create_time", &card.create_time));
    rows.extend(instant("Changed", "modify_time", &card.modify_time));
    rows.extend(others(&card.extra));
    rows
}

/// Notes in `after` what every member was in `before`; members that are gone
/// follow at the end.
pub(crate) fn mark_changes(before: &[Row], after: &mut Vec<Row>) {
    const NOTHING: &str = "(none)";
    for row in after.iter_mut() {
        let old = before.iter().find(|old| old.is_same_member(row));
        let old = old.map_or(NOTHING, |old| &old.value);
        if old != row.value {
            row.before = Some(old.to_owned());
        }
    }
    for old in before {
        if !after.iter().any(|row| row.is_same_member(old)) {
            after.push(Row {
                before: Some(old.value.clone()),
                ..Row::new(&old.label, &old.name, NOTHING).tone(Tone::Dim)
            });
        }
    }
}

fn state_tone(state: &UserCardState) -> Tone {
    match state {
        UserCardState::Effective => Tone::Good,
        UserCardState::Unactivated | UserCardState::Expired => Tone::Warn,
        UserCardState::Invalid => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// Form answers: a row for each question, under its own name.
fn answers(information: &UserInformation) -> Vec<Row> {
    let common = information.common_field_list.iter().flatten().map(|field| {
        let name = field.name.as_ref();
        let label = name.map_or("Answer", question);
        let wire = name.map_or("common_field_list", CommonFieldName::as_str);
        sensitive(label, wire, &field.value.iter().collect::<Vec<_>>())
    });
    let custom = information.custom_field_list.iter().flatten().map(|field| {
        let label = field.name.as_deref().unwrap_or("Answer");
        let chosen: Vec<_> = field.user_chosen_values.iter().flatten().collect();
        sensitive(label, "custom_field_list", &chosen)
    });
    common
        .chain(custom)
        .chain(others(&information.extra))
        .collect()
}

fn question(name: &CommonFieldName) -> &str {
    match name {
        CommonFieldName::Sex => "Sex",
        CommonFieldName::Name => "Name",
        CommonFieldName::Birthday => "Birthday",
        CommonFieldName::Address => "Address",
        CommonFieldName::Email => "E-mail",
        CommonFieldName::City => "City",
        other => other.as_str(),
    }
}

fn sensitive(label: &str, name: &str, values: &[&Sensitive]) -> Row {
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
    Row::new(label, name, shown.join(", ")).tone(tone)
}

/// Members that this version does not know, as JSON.
fn others(
    extra: &serde_json::Map<String, serde_json::Value>,
) -> impl Iterator<Item = Row> + use<'_> {
    extra
        .iter()
        .map(|(name, value)| Row::new("Other", name, value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(change: impl FnOnce(&mut serde_json::Value)) -> UserCard {
        let mut value = serde_json::json!({
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
        change(&mut value);
        serde_json::from_value(value).expect("a user card")
    }

    fn find<'r>(rows: &'r [Row], name: &str) -> &'r Row {
        rows.iter()
            .find(|row| row.name == name)
            .unwrap_or_else(|| panic!("no row {name}"))
    }

    #[test]
    fn every_member_has_a_row() {
        let rows = rows(&card(|_| ()), Timestamp::UNIX_EPOCH);
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
        let mut card = card(|_| ());
        let sealed = kabao::core::Sealed::from_wire("c2VhbGVk");
        card.phone_number = Some(Sensitive::unopened(sealed));
        let rows = rows(&card, Timestamp::UNIX_EPOCH);
        let phone = find(&rows, "phone_number");
        assert_eq!(phone.value, "(could not be opened with this key)");
        assert_eq!(phone.tone, Tone::Warn);
    }

    #[test]
    fn changes_are_marked_with_what_was() {
        let before = rows(&card(|_| ()), Timestamp::UNIX_EPOCH);
        let changed = card(|value| {
            value["level"] = "金卡".into();
            value["attach"] = "new".into();
            value["points"].take();
            value.as_object_mut().expect("object").remove("points");
        });
        let mut after = rows(&changed, Timestamp::UNIX_EPOCH);
        mark_changes(&before, &mut after);
        assert_eq!(find(&after, "level").before.as_deref(), Some("钻石会员"));
        assert_eq!(find(&after, "attach").before.as_deref(), Some("(none)"));
        let gone = find(&after, "points");
        assert_eq!(
            (gone.before.as_deref(), &*gone.value),
            (Some("7"), "(none)")
        );
        let marked = after.iter().filter(|row| row.before.is_some()).count();
        assert_eq!(marked, 3);
    }
}
