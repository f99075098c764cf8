//! `kabao sandbox notifications`: what was sent to brands, and how that went.

use clap::Subcommand;
use kabao::core::{query::encode_component, time::Time};
use serde_json::{Value, json};

use crate::{
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
    List,
    /// Show one, opened, with every attempt to deliver it.
    Show {
        /// The notification's id.
        id: String,
    },
    /// Send one again.
    Redeliver {
        /// The notification's id.
        id: String,
    },
}

impl NotificationsCommand {
    pub(crate) async fn run(self, aim: Aim<'_>, printer: &Printer) -> Result<(), Problem> {
        let is_list = matches!(self, Self::List);
        let outcome = Steering::with(aim, printer, async |steering| {
            let control = &steering.control;
            match self {
                Self::List => control.get("notifications").await,
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
        match value.get("data").and_then(Value::as_array) {
            Some(rows) if is_list => list(rows, printer),
            _ => members::show(&value, None, printer),
        }
    }
}

fn list(rows: &[Value], printer: &Printer) -> Result<(), Problem> {
    match printer.format {
        Format::Json => printer.json(&rows),
        Format::Jsonl => rows.iter().try_for_each(|row| printer.json(row)),
        Format::Table if rows.is_empty() => {
            printer.note("no notification was sent");
            Ok(())
        }
        Format::Table => {
            const HEAD: &[&str] = &["Created", "Event", "State", "Attempts", "Id"];
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
    ]
}

fn text(row: &Value, name: &str) -> String {
    match row.get(name) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items.len().to_string(),
        Some(other) => other.to_string(),
    }
}
