//! `kabao sandbox notifications`: what was sent to brands, and how that went.

use clap::{Args, Subcommand};
use kabao::core::{query::encode_component, time::Time};
use serde_json::{Value, json};

use super::filled;
use crate::{
    commands::names,
    output::{
        members,
        printer::{Format, Printer},
        state,
        table::{self, Cell},
        time,
    },
    problem::Problem,
    steering::{Aim, Steering},
};

/// What to do with notifications.
#[derive(Debug, Subcommand)]
pub(crate) enum NotificationsCommand {
    /// List them, newest first.
    List(ListArgs),
    /// Show one, opened, with every attempt to deliver it.
    Show {
        /// The notification's id.
        #[arg(value_parser = filled)]
        id: String,
    },
    /// Send one again.
    Redeliver {
        /// The notification's id.
        #[arg(value_parser = filled)]
        id: String,
    },
}

/// Which notifications.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Show so many of the latest, at most 1000.
    #[arg(
        long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=1000),
    )]
    limit: u64,
    /// Only those in this state: PENDING, DELIVERED or FAILED.
    #[arg(long, value_name = "STATE", value_parser = names::of::<String>(STATES))]
    state: Option<String>,
    /// Only those of this event: its name, or the end of it such as
    /// USER_CARD.CREATE.
    #[arg(long, value_name = "EVENT")]
    event_type: Option<String>,
}

const STATES: &[&str] = &["PENDING", "DELIVERED", "FAILED"];

impl ListArgs {
    fn path(&self) -> String {
        let mut path = format!("notifications?limit={}", self.limit);
        for (name, value) in [("state", &self.state), ("event_type", &self.event_type)] {
            if let Some(value) = value {
                path.push_str(&format!("&{name}={}", encode_component(value)));
            }
        }
        path
    }

    /// What is said of an empty list.
    fn none(&self) -> &'static str {
        match self.state.is_some() || self.event_type.is_some() {
            true => "no such notification was sent",
            false => "no notification was sent",
        }
    }
}

impl NotificationsCommand {
    pub(crate) async fn run(self, aim: Aim<'_>, printer: &Printer) -> Result<(), Problem> {
        let (limit, none) = match &self {
            Self::List(list) => (Some(list.limit), list.none()),
            _ => (None, ""),
        };
        let outcome = Steering::with(aim, printer, async |steering| {
            let control = &steering.control;
            match self {
                Self::List(list) => control.get(&list.path()).await,
                Self::Show { id } => {
                    let id = encode_component(&id);
                    control.get(&format!("notifications/{id}")).await
                }
                Self::Redeliver { id } => {
                    let id = encode_component(&id);
                    let path = format!("notifications/{id}/redeliver");
                    control.post(&path, &json!({})).await
                }
            }
        });
        let value = outcome.await?;
        match (limit, value.get("data").and_then(Value::as_array)) {
            (Some(limit), Some(rows)) => {
                list(rows, none, printer)?;
                tell_more(&value, rows.len(), limit, printer);
                Ok(())
            }
            _ => members::show(&value, None, printer),
        }
    }
}

/// Tells that the list goes on. A sandbox that does not say so may have more if
/// the list is as long as it could be.
fn tell_more(value: &Value, count: usize, limit: u64, printer: &Printer) {
    let is_full = count as u64 >= limit;
    match value.get("more").and_then(Value::as_bool) {
        Some(false) => {}
        None if !is_full => {}
        Some(true) => printer.note(&format!("showing the latest {count}; --limit for more")),
        None => printer.note(&format!(
            "showing the latest {count}; there may be more, see --limit"
        )),
    }
}

fn list(rows: &[Value], none: &str, printer: &Printer) -> Result<(), Problem> {
    match printer.format {
        Format::Json => printer.json(&rows),
        Format::Jsonl => rows.iter().try_for_each(|row| printer.json(row)),
        Format::Table if rows.is_empty() => {
            printer.note(none);
            Ok(())
        }
        Format::Table => {
            const HEAD: &[&str] = &["Created", "Event", "State", "Attempts", "Id", "Last error"];
            let lines: Vec<_> = rows.iter().map(line).collect();
            printer.data(table::columns_of(HEAD, &lines, printer.paint()))
        }
    }
}

fn line(row: &Value) -> Vec<Cell> {
    let created = Time::from(text(row, "create_time"));
    let state = text(row, "state");
    vec![
        time::clock(&created).into(),
        text(row, "event_type").into(),
        Cell::from(&*state).tone(state::tone(&state)),
        text(row, "attempts").into(),
        text(row, "id").into(),
        last_error(row).into(),
    ]
}

/// Why it was not taken when it was sent last.
fn last_error(row: &Value) -> String {
    let attempts = row.get("attempts").and_then(Value::as_array);
    let last = attempts.and_then(|attempts| attempts.last());
    last.map_or_else(String::new, |attempt| text(attempt, "error"))
}

fn text(row: &Value, name: &str) -> String {
    match row.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items.len().to_string(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_error_is_of_the_last_attempt() {
        let mut row = json!({"id": "1", "attempts": []});
        assert_eq!(last_error(&row), "");
        let failed = json!({"time": "x", "error": "timed out"});
        row["attempts"] = json!([{"time": "x", "error": "refused"}, failed]);
        assert_eq!(last_error(&row), "timed out");
        let cells = line(&row);
        assert_eq!(cells.last(), Some(&Cell::from("timed out")));
        row["attempts"] = json!([failed, {"time": "x", "status": 200}]);
        assert_eq!(last_error(&row), "");
    }

    #[test]
    fn what_is_wanted_is_asked_for() {
        let list = ListArgs {
            limit: 5,
            state: Some("FAILED".into()),
            event_type: Some("A&B".into()),
        };
        assert_eq!(
            list.path(),
            "notifications?limit=5&state=FAILED&event_type=A%26B"
        );
    }
}
