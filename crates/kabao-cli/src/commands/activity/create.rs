//! `kabao activity create`.

use clap::Args;
use kabao::{
    card_member::{ActivityChannel, CreateActivity, NewActivity, ProductCouponStock},
    core::time::Time,
};
use serde::Deserialize;

use super::update::PeriodArgs;
use crate::{
    commands::{
        body::{self, Body, JsonArgs, Part},
        ids::{BrandArgs, HEADING},
        missing::Missing,
        names,
        request_no::RequestNoArgs,
    },
    output::{printer::Printer, shown},
    problem::Problem,
    session::Session,
};

/// An activity to be created.
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    brand: BrandArgs,
    /// The card template [env: KABAO_CARD_ID, default: the profile's].
    #[arg(long, value_name = "ID", help_heading = HEADING)]
    card_id: Option<String>,
    #[command(flatten)]
    number: RequestNoArgs,
    #[command(flatten)]
    period: PeriodArgs,
    #[command(flatten, next_help_heading = "The activity")]
    gift: GiftArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// What new members are given.
#[derive(Debug, Default, Args, Deserialize)]
#[group(conflicts_with = "json")]
struct GiftArgs {
    /// How many members can be given something; below the smallest available
    /// stock of the batches.
    #[arg(long, value_name = "N")]
    apply_total: Option<i64>,
    /// A batch that new members are given: product coupon and batch
    /// (product_coupon_stock_list). Repeatable.
    #[arg(long = "stock", value_name = "COUPON:BATCH", value_parser = stock)]
    product_coupon_stock_list: Option<Vec<ProductCouponStock>>,
    /// Where it shows. [default: MECHANT_APP_COMPONENT, as the wire spells it]
    #[arg(
        long, value_name = "CHANNEL",
        value_parser = names::of::<ActivityChannel>(ActivityChannel::KNOWN),
    )]
    activity_channel: Option<ActivityChannel>,
}

impl Part for GiftArgs {
    fn unknown(&self) -> Option<String> {
        let mut stocks = self.product_coupon_stock_list.iter().flatten().enumerate();
        stocks.find_map(|(index, stock)| {
            body::first(&format!("/product_coupon_stock_list/{index}"), &stock.extra)
        })
    }
}

impl CreateArgs {
    pub(super) async fn run(
        mut self,
        profile: Option<&str>,
        printer: &Printer,
    ) -> Result<(), Problem> {
        match self.json.read()? {
            Some(body) => self.take_from(body)?,
            None => {
                let channel = &mut self.gift.activity_channel;
                channel.get_or_insert(ActivityChannel::MerchantAppComponent);
            }
        }
        let number = self.number.number();
        let activity = new_activity(number.to_string(), self.period, self.gift)?;
        let created = Session::with_now(profile, printer, async |session| {
            let create = CreateActivity {
                activity: NewActivity {
                    card_id: session.card_id(self.card_id)?,
                    ..activity
                },
            };
            let members = self.brand.members(session)?;
            number.send(&create, &members, printer).await
        });
        let (activity, now) = created.await?;
        shown::show(&activity, None, now, printer)
    }

    fn take_from(&mut self, mut body: Body) -> Result<(), Problem> {
        self.brand.take_from(&mut body)?;
        body.take_id("card_id", &mut self.card_id)?;
        self.number.take_from(&mut body)?;
        self.period = body.take()?;
        self.gift = body.take()?;
        body.end()
    }
}

/// The activity, of which the template is not known yet.
fn new_activity(
    out_request_no: String,
    period: PeriodArgs,
    gift: GiftArgs,
) -> Result<NewActivity, Problem> {
    let mut missing = Missing::default();
    let never = || Time::from("");
    let activity = NewActivity {
        out_request_no,
        card_id: String::new(),
        activity_channel: missing.take_or(
            ("activity_channel", "--activity-channel"),
            gift.activity_channel,
            ActivityChannel::MerchantAppComponent,
        ),
        title: missing.take(("title", "--title"), period.title),
        sub_title: missing.take(("sub_title", "--sub-title"), period.sub_title),
        begin_time: missing.take_or(("begin_time", "--begin-time"), period.begin_time, never()),
        end_time: missing.take_or(("end_time", "--end-time"), period.end_time, never()),
        apply_total: missing.take(("apply_total", "--apply-total"), gift.apply_total),
        product_coupon_stock_list: missing.take(
            ("product_coupon_stock_list", "--stock"),
            gift.product_coupon_stock_list,
        ),
    };
    missing.end()?;
    Ok(activity)
}

fn stock(text: &str) -> Result<ProductCouponStock, String> {
    match text.split_once(':') {
        Some((coupon, batch)) if !coupon.is_empty() && !batch.is_empty() => {
            Ok(ProductCouponStock::new(coupon, batch))
        }
        _ => Err("write COUPON:BATCH, such as 200000001:100232301".into()),
    }
}
