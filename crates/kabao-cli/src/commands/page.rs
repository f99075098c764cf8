//! `--offset`, `--limit`, `--all`: how much of a list.

use std::time::Duration;

use clap::Args;
use kabao::card_member::{CardMember, Listing, Page, Rows};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    output::shown::{List, Listed},
    problem::{Problem, Status},
};

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
    /// Show all rows, page by page, at most five pages a second. With jsonl each
    /// page is written as it comes.
    #[arg(long, help_heading = HEADING, conflicts_with = "limit")]
    all: bool,
}

const HEADING: &str = "How much of the list";
const MOST: u64 = Page::<()>::MAX_LIMIT;

/// What the API allows of a list.
const PAGES_PER_SECOND: u32 = 5;

impl PageArgs {
    /// Shows what was asked for of a list: a page of it, and what is left is
    /// told; or its rows to the end.
    pub(crate) async fn show<L>(
        &self,
        mut list: L,
        members: &CardMember,
        rows: impl FnOnce(L) -> Rows<L::Row>,
        shown: List<'_, L::Row>,
    ) -> Result<(), Problem>
    where
        L: Listing<Row: Listed>,
    {
        *list.offset_mut() = self.offset;
        match self.all {
            true => self.show_all(rows(list), shown).await,
            false => self.show_page(members.send(&list).await?, shown),
        }
    }

    /// How long the page is.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    fn show_page<T: Listed>(&self, page: Page<T>, mut shown: List<'_, T>) -> Result<(), Problem> {
        let end = self.offset + page.data.len() as u64;
        if end > self.offset && end < page.total_count {
            shown.printer().note(&format!(
                "showing {} to {end} of {}; --offset {end} for the next, --all for all",
                self.offset + 1,
                page.total_count
            ));
        }
        for row in page.data {
            shown.push(row)?;
        }
        shown.end()
    }

    /// What was read is shown, whatever comes of the rest.
    async fn show_all<T: Listed>(
        &self,
        mut rows: Rows<T>,
        mut shown: List<'_, T>,
    ) -> Result<(), Problem> {
        let mut turn = interval(Duration::from_secs(1) / PAGES_PER_SECOND);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut count = 0;
        loop {
            // The next row takes another page.
            if count % self.limit == 0 {
                turn.tick().await;
            }
            match rows.next().await {
                Some(Ok(row)) => shown.push(row)?,
                None => return shown.end(),
                Some(Err(error)) if count == 0 => return Err(error.into()),
                Some(Err(error)) => {
                    let next = self.offset + count;
                    shown.printer().warn(&format!(
                        "the list goes on, but could not be read further; --offset {next} --all \
                         for the rest"
                    ));
                    shown.end()?;
                    return Err(Problem {
                        status: Status::Refused,
                        ..error.into()
                    });
                }
            }
            count += 1;
        }
    }
}
