//! Notifications: written when something happens, delivered until the receiver
//! has taken them or the retry clock has run out.
//!
//! What happens writes an [`Occasion`] into the outbox in its own transaction;
//! the [`worker`] of any process that has the store open delivers it.

mod address;
mod compose;
mod post;
mod settings;
pub(crate) mod worker;

use tokio::sync::Notify;

pub use settings::NotificationSettings;

pub(crate) use address::Address;
pub(crate) use compose::{Occasion, for_people};

/// What the sandbox delivers with.
#[derive(Debug)]
pub(crate) struct Notifier {
    pub(crate) settings: NotificationSettings,
    poster: post::Poster,
    bell: Notify,
}

impl Notifier {
    /// `own_authority` is the certificate behind `--tls`, trusted as well.
    pub(crate) fn new(settings: NotificationSettings, own_authority: Option<&str>) -> Self {
        Self {
            poster: post::Poster::new(&settings, own_authority),
            settings,
            bell: Notify::new(),
        }
    }

    /// Says that something may be due: an entry is new, or the clock was moved.
    pub(crate) fn wake(&self) {
        self.bell.notify_one();
    }

    async fn woken(&self) {
        self.bell.notified().await;
    }
}
