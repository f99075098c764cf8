use kabao_core::card_member::{
    Activity, ActivityChange, CreateActivity, GetActivity, ListActivities, NewActivity, Page,
    TerminateActivity, UpdateActivity,
};

use super::{Rows, resource};
use crate::error::Result;

resource! {
    /// Activities: coupons for those who join through the component.
    ///
    /// They are for service providers; called by a brand, each method is
    /// [`ErrorKind::Request`](crate::ErrorKind::Request) and nothing is sent.
    ///
    /// ```no_run
    /// use kabao::card_member::{ActivityChannel, NewActivity, ProductCouponStock};
    ///
    /// # async fn f(client: kabao::Client) -> kabao::Result<()> {
    /// let activities = client.card_member_for("1004").activities();
    /// let activity = activities
    ///     .create(NewActivity {
    ///         out_request_no: "1004-20260101-1".into(),
    ///         card_id: "pbLatjvWOibDc5-TBnbUk1pD12o0".into(),
    ///         activity_channel: ActivityChannel::MerchantAppComponent,
    ///         title: "入会享券".into(),
    ///         sub_title: "5张满减券".into(),
    ///         begin_time: "2030-01-20T00:00:00+08:00".into(),
    ///         end_time: "2030-01-29T00:00:00+08:00".into(),
    ///         apply_total: 1000,
    ///         product_coupon_stock_list: vec![ProductCouponStock::new("701138812971", "98065001")],
    ///     })
    ///     .await?;
    /// activities.terminate(activity.activity_id).await?;
    /// # Ok(()) }
    /// ```
    Activities
}

impl Activities {
    /// Creates an activity. `apply_total` has to lie below the smallest
    /// available stock of the batches.
    ///
    /// Repeated with the same `out_request_no` and content it gives the same
    /// activity again, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4016464918).
    /// 5 a second.
    ///
    /// # Errors
    /// 404 if there is no such template, 400 `INVALID_REQUEST` if it was
    /// invalidated, the end has passed, a batch may not be used, or the
    /// `out_request_no` was used with other content; else
    /// [as everywhere](super#errors).
    pub async fn create(&self, activity: NewActivity) -> Result<Activity> {
        self.0.send(&CreateActivity { activity }).await
    }

    /// Reads a page of the brand's activities, at most 20.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4016588039).
    /// 5 a second.
    ///
    /// # Errors
    /// [As everywhere](super#errors).
    pub async fn list(&self, list: &ListActivities) -> Result<Page<Activity>> {
        self.0.send(list).await
    }

    /// All of the brand's activities that [`list`](Self::list) gives, page by
    /// page.
    pub fn stream(&self, list: ListActivities) -> Rows<Activity> {
        Rows::new(self.0.clone(), list)
    }

    /// Reads one activity.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4016588015).
    /// 5 a second.
    ///
    /// # Errors
    /// 404 if there is none; else [as everywhere](super#errors).
    pub async fn get(&self, activity_id: impl Into<String>) -> Result<Activity> {
        let activity_id = activity_id.into();
        self.0.send(&GetActivity { activity_id }).await
    }

    /// Changes an activity's titles and period, all four of them.
    ///
    /// Setting values is repeatable, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4016588044).
    /// 5 a second.
    ///
    /// # Errors
    /// 404 if there is none, 400 `INVALID_REQUEST` if it has ended; else
    /// [as everywhere](super#errors).
    pub async fn update(
        &self,
        activity_id: impl Into<String>,
        change: ActivityChange,
    ) -> Result<Activity> {
        let activity_id = activity_id.into();
        let update = UpdateActivity {
            activity_id,
            change,
        };
        self.0.send(&update).await
    }

    /// Terminates an activity: the component no longer shows it, and goes on
    /// working.
    ///
    /// Once more it changes nothing, so it is retried.
    ///
    /// Documentation: [service provider](https://pay.weixin.qq.com/doc/v3/partner/4016588028).
    ///
    /// # Errors
    /// 404 if there is none, 400 `INVALID_REQUEST` if its end has passed; else
    /// [as everywhere](super#errors).
    pub async fn terminate(&self, activity_id: impl Into<String>) -> Result<Activity> {
        let activity_id = activity_id.into();
        self.0.send(&TerminateActivity { activity_id }).await
    }
}
