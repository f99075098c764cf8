//! Any JSON object as rows for people: a row for each member that has a value
//! of its own, under its wire name.

use serde_json::Value;

use super::{
    fields::Row,
    printer::{Format, Printer},
    table,
};
use crate::problem::Problem;

/// Shows an object in the chosen form.
pub(crate) fn show(value: &Value, printer: &Printer) -> Result<(), Problem> {
    match printer.format {
        Format::Table if value.is_null() => {
            printer.note("done");
            Ok(())
        }
        Format::Table => printer.data(table::render(&rows(value), printer.paint())),
        Format::Json | Format::Jsonl => printer.json(value),
    }
}

/// The members, depth first; those of objects below are named with dots.
pub(crate) fn rows(value: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    collect("", value, &mut rows);
    rows
}

fn collect(at: &str, value: &Value, rows: &mut Vec<Row>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = match at {
                    "" => name.clone(),
                    at => format!("{at}.{name}"),
                };
                collect(&path, member, rows);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (index, item) in items.iter().enumerate() {
                collect(&format!("{at}[{index}]"), item, rows);
            }
        }
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().map(text).collect();
            rows.push(row(at, texts.join(", ")));
        }
        Value::Null => {}
        one => rows.push(row(at, text(one))),
    }
}

fn row(name: &str, value: String) -> Row {
    Row::new(label(name), name, value)
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `valid_date_information.type` as `Type`.
fn label(path: &str) -> String {
    let name = path.rsplit('.').next().unwrap_or(path).replace('_', " ");
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        let rows = rows(&value);
        let shown: Vec<_> = rows
            .iter()
            .map(|row| (row.label.as_str(), row.name.as_str(), row.value.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                ("Card id", "card_id", "p"),
                ("Need pinned", "need_pinned", "true"),
                ("Type", "valid_date_information.type", "FIX_TERM"),
                (
                    "Available day after receive",
                    "valid_date_information.available_day_after_receive",
                    "30"
                ),
                ("Values", "values", "篮球, 足球"),
                ("Stock id", "stocks[0].stock_id", "1"),
                ("Stock id", "stocks[1].stock_id", "2"),
            ]
        );
    }
}
