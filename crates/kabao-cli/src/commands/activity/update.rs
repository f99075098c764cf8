//! `kabao activity update`, and the titles and period of any activity.

use clap::Args;
use kabao::{
    card_member::{Activity, ActivityChange, GetActivity, UpdateActivity},
    core::time::Time,
};
use serde::Deserialize;

use super::ActivityArgs;
use crate::{
    commands::{
        body::{JsonArgs, Part},
        missing::Missing,
        time,
    },
    output::{
        printer::{Format, Printer},
        shown,
    },
    problem::Problem,
    session::Session,
};

/// An activity, and what to change.
#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    activity: ActivityArgs,
    #[command(flatten)]
    period: PeriodArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// What can be changed later.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[group(conflicts_with = "json")]
pub(super) struct PeriodArgs {
    /// Main title, at most 128 characters.
    #[arg(long, value_name = "TEXT", help_heading = HEADING)]
    pub(super) title: Option<String>,
    /// Sub title, at most 128 characters.
    #[arg(long, value_name = "TEXT", help_heading = HEADING)]
    pub(super) sub_title: Option<String>,
    /// Beginning, RFC 3339 or a day in Chinese time.
    #[arg(long, value_name = "TIME", value_parser = time::begin, help_heading = HEADING)]
    pub(super) begin_time: Option<Time>,
    /// End, RFC 3339 or a day in Chinese time, which is part of it.
    #[arg(long, value_name = "TIME", value_parser = time::end, help_heading = HEADING)]
    pub(super) end_time: Option<Time>,
}

const HEADING: &str = "The activity";

impl Part for PeriodArgs {}

impl UpdateArgs {
    pub(super) async fn run(self, profile: Option<&str>, printer: &Printer) -> Result<(), Problem> {
        let ActivityArgs {
            activity_id,
            mut brand,
        } = self.activity;
        let mut period = self.period;
        if let Some(mut body) = self.json.read()? {
            brand.take_from(&mut body)?;
            period = body.take()?;
            body.end()?;
            period.clone().complete()?;
        } else if period.is_empty() {
            return Err(Problem::new("there is nothing to change").hint(
                "name what to change, for example --end-time 2027-01-31, or give --json FILE",
            ));
        }
        let outcome = Session::with_now(profile, printer, async |session| {
            let members = brand.members(session)?;
            let get = GetActivity {
                activity_id: activity_id.clone(),
            };
            let before = match (period.clone().complete(), printer.format) {
                (Err(_), _) => Some(members.send(&get).await?),
                // Only for the marks. Whatever is wrong, the change itself will tell.
                (Ok(_), Format::Table) => members.send(&get).await.ok(),
                (Ok(_), Format::Json | Format::Jsonl) => None,
            };
            let update = UpdateActivity {
                activity_id,
                change: period.over(before.as_ref()).complete()?,
            };
            Ok((before, members.send(&update).await?))
        });
        let ((before, after), now) = outcome.await?;
        shown::show_change(before.as_ref(), &after, None, now, printer)
    }
}

impl PeriodArgs {
    fn is_empty(&self) -> bool {
        let has_time = self.begin_time.is_some() || self.end_time.is_some();
        !has_time && self.title.is_none() && self.sub_title.is_none()
    }

    /// What is not given, from the activity as it is.
    fn over(self, stored: Option<&Activity>) -> Self {
        let Some(stored) = stored else {
            return self;
        };
        Self {
            title: self.title.or_else(|| Some(stored.title.clone())),
            sub_title: self.sub_title.or_else(|| Some(stored.sub_title.clone())),
            begin_time: self.begin_time.or_else(|| Some(stored.begin_time.clone())),
            end_time: self.end_time.or_else(|| Some(stored.end_time.clone())),
        }
    }

    /// All of it, which the API wants.
    fn complete(self) -> Result<ActivityChange, Problem> {
        let mut missing = Missing::default();
        let never = || Time::from("");
        let change = ActivityChange {
            title: missing.take(("title", "--title"), self.title),
            sub_title: missing.take(("sub_title", "--sub-title"), self.sub_title),
            begin_time: missing.take_or(("begin_time", "--begin-time"), self.begin_time, never()),
            end_time: missing.take_or(("end_time", "--end-time"), self.end_time, never()),
        };
        missing.end()?;
        Ok(change)
    }
}
