//! Any JSON object as rows for people: a row for each member that has a value
//! of its own, under its wire name. A user's card in it is shown as everywhere.

use jiff::Timestamp;
use kabao::{card_member::UserCard, core::time::Time};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::{
    label,
    printer::{Format, Printer},
    row::Row,
    shown::Shown as _,
    table, time,
};
use crate::problem::Problem;

/// Shows an object in the chosen form; what is left of something only if the
/// present is known.
pub(crate) fn show(
    object: &impl Serialize,
    now: Option<Timestamp>,
    printer: &Printer,
) -> Result<(), Problem> {
    let value = match printer.format {
        Format::Table => serde_json::to_value(object),
        Format::Json | Format::Jsonl => return printer.json(object),
    };
    match value.map_err(|error| Problem::new("cannot write JSON").caused_by(&error))? {
        Value::Null => {
            printer.note("done");
            Ok(())
        }
        value => printer.data(table::render(&rows(&value, now), printer.paint())),
    }
}

/// The members, depth first; those of objects below are named with dots.
fn rows(value: &Value, now: Option<Timestamp>) -> Vec<Row> {
    let mut rows = Vec::new();
    collect("", value, now, &mut rows);
    rows
}

fn collect(at: &str, value: &Value, now: Option<Timestamp>, rows: &mut Vec<Row>) {
    match value {
        Value::Object(_) if at == "user_card" => match UserCard::deserialize(value) {
            Ok(card) => rows.extend(card.rows(now)),
            Err(_) => rows.push(Row::new(at, value.to_string())),
        },
        Value::Object(members) => {
            for (name, member) in members {
                let path = match at {
                    "" => name.clone(),
                    at => format!("{at}.{name}"),
                };
                collect(&path, member, now, rows);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (index, item) in items.iter().enumerate() {
                collect(&format!("{at}[{index}]"), item, now, rows);
            }
        }
        Value::Array(items) if items.is_empty() => rows.push(row(at, "(none)".into(), now)),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(text).collect();
            rows.push(row(at, texts.join(", "), now));
        }
        Value::Null => {}
        one => rows.push(row(at, text(one), now)),
    }
}

/// Instants and states are known by their names.
fn row(path: &str, text: String, now: Option<Timestamp>) -> Row {
    let name = last(path);
    let row = if name == "state" || name.ends_with("_state") {
        Row::state(path, &text)
    } else if name.ends_with("_time") {
        let time = Time::from(text);
        let now = now.filter(|_| name == "expire_time");
        let note = now.and_then(|now| time::left(None, &time, now));
        Row::new(path, time::clock(&time)).note(note)
    } else {
        Row::new(path, text)
    };
    row.label(label::of(name))
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `valid_date_information.type` as `type`.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::output::paint::Tone;

    #[test]
    fn every_value_has_a_row_under_its_wire_name() {
        let value = json!({
            "card_id": "p",
            "need_pinned": true,
            "nothing": null,
            "valid_date_information": {"type": "FIX_TERM", "available_day_after_receive": 30},
            "values": ["篮球", "足球"],
            "stocks": [{"stock_id": "1"}, {"stock_id": "2"}],
        });
        let rows = rows(&value, Some(Timestamp::UNIX_EPOCH));
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.label.as_str(), row.name.as_str(), row.value.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("Template", "card_id", "p"),
                ("Pinned", "need_pinned", "true"),
                ("Type", "valid_date_information.type", "FIX_TERM"),
                (
                    "Available day after receive",
                    "valid_date_information.available_day_after_receive",
                    "30"
                ),
                ("Values", "values", "篮球, 足球"),
                ("Batch", "stocks[0].stock_id", "1"),
                ("Batch", "stocks[1].stock_id", "2"),
            ]
        );
    }

    #[test]
    fn a_users_card_is_shown_as_everywhere() {
        let value = json!({
            "user_card": {
                "user_card_code": "1", "card_id": "p", "openid": "o", "brand_id": "1004",
                "card_type": "NORMAL", "valid_date_information": {"type": "PERMANENT"},
                "pickup_time": "2020-05-20T13:29:35.120+08:00", "user_card_state": "UNACTIVATED",
                "phone_number": "13800138000",
            },
            "gifts": [],
        });
        let rows = rows(&value, Some(Timestamp::UNIX_EPOCH));
        let find = |name: &str| rows.iter().find(|row| row.name == name).expect(name);
        assert_eq!(find("phone_number").value, "13800138000");
        assert_eq!(find("valid_date_information").value, "permanent");
        assert_eq!(find("gifts").value, "(none)");
        let other = super::rows(
            &json!({"user_card": {"code": 1}}),
            Some(Timestamp::UNIX_EPOCH),
        );
        assert_eq!(other[0].value, r#"{"code":1}"#);
    }

    #[test]
    fn instants_and_states_are_known_by_their_names() {
        let value = json!({
            "state": "POINT_EXCHANGE_COUPON_FAIL",
            "expire_time": "1970-01-01T09:00:00.000+08:00",
            "create_time": "soon",
        });
        let rows = rows(&value, Some(Timestamp::UNIX_EPOCH));
        assert_eq!(rows[0].tone, Tone::Bad);
        assert_eq!(rows[1].value, "1970-01-01 09:00:00");
        assert_eq!(rows[1].note.as_deref(), Some("1 hour left"));
        assert_eq!((&*rows[2].value, &rows[2].note), ("soon", &None));
    }
}
