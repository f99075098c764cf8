use std::fmt;

use kabao_core::{
    keyring::KeyId,
    notification::{Event, Notification},
    time::Time,
};

/// A notification that is genuine, opened and typed.
///
/// Answer within five seconds, with [`Ack`](super::Ack); do what takes longer
/// afterwards. The same notification may come several times, even at once: look
/// up the state of the business under a lock first, and answer success for what
/// is done already.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// What happened.
    pub event: Event,
    /// Names the notification; the same on every redelivery.
    pub id: String,
    /// When the event came to be.
    pub create_time: Time,
    /// Such as `BRAND_MEMBER_CARD_SP.USER_CARD.CREATE`.
    pub event_type: String,
    /// For people.
    pub summary: String,
    /// Names this delivery to WeChat Pay's support.
    pub request_id: Option<String>,
    /// The WeChat Pay key that signed it.
    pub signed_with: KeyId,
    /// Whether this notification was received before, under another signature:
    /// WeChat Pay redelivers what was not acknowledged in time. It says nothing
    /// about whether that time the work was done.
    pub seen_before: bool,
}

impl Delivery {
    pub(super) fn new(
        notification: Notification,
        event: Event,
        signed_with: KeyId,
        request_id: Option<&str>,
    ) -> Self {
        Self {
            event,
            id: notification.id,
            create_time: Time::from(notification.create_time),
            event_type: notification.event_type,
            summary: notification.summary,
            request_id: request_id.map(ToOwned::to_owned),
            signed_with,
            seen_before: false,
        }
    }
}

impl fmt::Display for Delivery {
    /// For a log line: what and which, nothing personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.event_type, self.id)
    }
}
