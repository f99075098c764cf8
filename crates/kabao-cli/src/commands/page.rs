//! `--offset`, `--limit`, `--all`: how much of a list.

use std::time::Duration;

use clap::Args;
use kabao::card_member::Page;
use tokio::time::{MissedTickBehavior, interval};

use crate::{output::printer::Printer, problem::Problem};

/// How much of a list.
#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// Pass over so many rows.
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = HEADING)]
    offset: u64,
    /// Show so many rows, 1 to 20.
    #[arg(
        long, value_name = "N", default_value_t = MOST, help_heading = HEADING,
        value_parser = clap::value_parser!(u64).range(1..=MOST),
    )]
    limit: u64,
    /// Show all rows, page by page, at most five pages a second.
    #[arg(long, help_heading = HEADING, conflicts_with = "limit")]
    all: bool,
}

const HEADING: &str = "How much of the list";
const MOST: u64 = Page::<()>::MAX_LIMIT;

/// What the API allows of a list.
const PAGES_PER_SECOND: u32 = 5;

impl PageArgs {
    /// Reads what was asked for; `page` gets one page by offset and limit. What
    /// is left is told.
    pub(crate) async fn read<T>(
        &self,
        printer: &Printer,
        page: impl AsyncFn(u64, u64) -> kabao::Result<Page<T>>,
    ) -> Result<Vec<T>, Problem> {
        let mut turn = interval(Duration::from_secs(1) / PAGES_PER_SECOND);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut rows = Vec::new();
        let mut offset = self.offset;
        loop {
            turn.tick().await;
            let page = page(offset, self.limit).await?;
            let count = page.data.len() as u64;
            offset += count;
            rows.extend(page.data);
            let is_over = count == 0 || offset >= page.total_count;
            if self.all && !is_over {
                continue;
            }
            if !is_over {
                printer.note(&format!(
                    "showing {} to {offset} of {}; --offset {offset} for the next, --all for all",
                    self.offset + 1,
                    page.total_count
                ));
            }
            return Ok(rows);
        }
    }
}
