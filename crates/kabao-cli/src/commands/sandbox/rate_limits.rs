//! `kabao sandbox rate-limits`: how often operations may be called.

use std::path::Path;

use clap::Subcommand;
use kabao_sandbox::{LimitTable, RateLimits};
use serde_json::{Value, json};

use super::seed;
use crate::{
    output::{
        printer::{Format, Printer},
        table::{self, Cell},
    },
    problem::Problem,
    steering::{Aim, Steering},
};

/// What to do with rate limits.
#[derive(Debug, Subcommand)]
pub(crate) enum RateLimitsCommand {
    /// Show what is kept to.
    Show,
    /// Keep to others from now on: all sandboxes on its store, and after a restart too.
    Set {
        /// documented, off, a TOML file (`sandbox serve --help` has a sample), or
        /// `started` for what each sandbox was started with.
        #[arg(value_name = "LIMITS")]
        limits: String,
    },
}

impl RateLimitsCommand {
    pub(crate) async fn run(self, aim: Aim<'_>, printer: &Printer) -> Result<(), Problem> {
        const PATH: &str = "rate-limits";
        let wanted = match self {
            Self::Show => None,
            Self::Set { limits } if limits == "started" => Some(Value::Null),
            Self::Set { limits } => Some(json!(read(&limits)?)),
        };
        let outcome = Steering::with(aim, printer, async |steering| {
            let control = &steering.control;
            match wanted {
                None => control.get(PATH).await,
                Some(limits) => control.put(PATH, &json!({ "limits": limits })).await,
            }
        });
        show(&outcome.await?, printer)
    }
}

/// `documented`, `off`, or a file.
pub(super) fn read(limits: &str) -> Result<RateLimits, Problem> {
    match limits {
        "documented" => Ok(RateLimits::Documented),
        "off" => Ok(RateLimits::Off),
        path => table(Path::new(path)).map(RateLimits::Table),
    }
}

fn table(path: &Path) -> Result<LimitTable, Problem> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Problem::unreadable("rate limits", path, &error).hint(
            "write documented, off, or the path of a TOML file; `rate-limits set` takes started, \
             too",
        )
    })?;
    let table = seed::toml(&text).and_then(|table| {
        let table = serde_json::from_value(table);
        table.map_err(|error| error.to_string())
    });
    table.map_err(|issue| {
        Problem::new(format!("{} cannot be used as rate limits", path.display())).because(issue)
    })
}

fn show(state: &Value, printer: &Printer) -> Result<(), Problem> {
    if printer.format != Format::Table {
        return printer.json(state);
    }
    printer.note(match state.get("set").and_then(Value::as_bool) {
        Some(true) => "these were set for all sandboxes on the store",
        _ => "these are what the sandbox was started with",
    });
    let per_second = state.get("per_second").and_then(Value::as_object);
    match per_second.filter(|rates| !rates.is_empty()) {
        None => {
            printer.note("there are no limits");
            Ok(())
        }
        Some(rates) => {
            const HEAD: &[&str] = &["Operation", "Merchant", "Brand"];
            let rate = |rates: &Value, kind: &str| -> Cell {
                let rate = rates.get(kind).map(Value::to_string);
                rate.unwrap_or_default().into()
            };
            let lines: Vec<Vec<Cell>> = rates
                .iter()
                .map(|(operation, rates)| {
                    let operation = Cell::from(&**operation);
                    vec![operation, rate(rates, "merchant"), rate(rates, "brand")]
                })
                .collect();
            printer.data(table::columns_of(HEAD, &lines, printer.paint()))
        }
    }
}

/// For the help of whatever takes a file.
pub(super) const SAMPLE: &str = "\
Rate limits in a file, calls a second:

  default = 20            # where nothing else is said; without it, as documented
  [operations]            # by the names that the journal gives them
  get_user_card = 100
  sync_user_points = { merchant = 5, brand = 10 }";
