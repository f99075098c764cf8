use std::time::Duration;

use kabao_core::notification::EventKind;

use crate::switches::Switches;

/// How notifications are written and delivered. The defaults follow the
/// documentation.
#[derive(Debug, Clone)]
pub struct NotificationSettings {
    pub(crate) form: Form,
    pub(crate) https_only: bool,
    pub(crate) hosts: Vec<String>,
    pub(crate) roots: Vec<Vec<u8>>,
    card_waits: Vec<Duration>,
    other_waits: Vec<Duration>,
}

/// In which of its two forms a resource is written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Form {
    pub(crate) plain_values: bool,
    pub(crate) community_states: bool,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Of the card events: every 60 seconds, at most eleven times.
const CARD: [u64; 11] = [MINUTE; 11];

/// The general schedule of API v3, for the events that have none of their own.
const GENERAL: [u64; 15] = [
    15,
    15,
    30,
    3 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    30 * MINUTE,
    30 * MINUTE,
    HOUR,
    3 * HOUR,
    3 * HOUR,
    3 * HOUR,
    6 * HOUR,
    6 * HOUR,
];

impl Default for NotificationSettings {
    fn default() -> Self {
        Self {
            form: Form::default(),
            https_only: false,
            hosts: Vec::new(),
            roots: Vec::new(),
            card_waits: CARD.map(Duration::from_secs).to_vec(),
            other_waits: GENERAL.map(Duration::from_secs).to_vec(),
        }
    }
}

impl NotificationSettings {
    /// Sends phone numbers and answers in plain inside the encrypted resource,
    /// as some samples show them. Default: each encrypted once more for the
    /// receiver's certificate.
    #[must_use]
    pub fn plain_values(mut self, plain: bool) -> Self {
        self.form.plain_values = plain;
        self
    }

    /// Names the states of cards `NOT_EFFECTIVE`, `UNAVAILABLE` and `DELETE`.
    /// Default: as the API does, `UNACTIVATED` and `INVALID`.
    #[must_use]
    pub fn community_states(mut self, community: bool) -> Self {
        self.form.community_states = community;
        self
    }

    /// Takes no plain `http` address, as production. Default: on this machine
    /// it does.
    #[must_use]
    pub fn https_only(mut self, only: bool) -> Self {
        self.https_only = only;
        self
    }

    /// Delivers to this host too, a name or an address without a port. Default:
    /// to this machine alone. May be called again.
    #[must_use]
    pub fn deliver_to(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into().to_ascii_lowercase());
        self
    }

    /// Trusts this authority (PEM) for `https` addresses, beside the system's
    /// and the sandbox's own. May be called again.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.roots.push(pem.as_ref().to_vec());
        self
    }

    /// How long to wait before each retry of a card event. Default: 60 seconds,
    /// eleven times. Time runs by the sandbox's clock.
    #[must_use]
    pub fn card_event_retries(mut self, waits: impl IntoIterator<Item = Duration>) -> Self {
        self.card_waits = waits.into_iter().collect();
        self
    }

    /// The same for the other events. Default: the general schedule, from 15
    /// seconds to 6 hours, fifteen times.
    #[must_use]
    pub fn other_event_retries(mut self, waits: impl IntoIterator<Item = Duration>) -> Self {
        self.other_waits = waits.into_iter().collect();
        self
    }

    /// These, with what the switches turn on.
    pub(crate) fn switched(mut self, switches: &Switches) -> Self {
        self.form.plain_values |= switches.plain_notifications;
        self.form.community_states |= switches.community_states;
        self.https_only |= switches.https_only;
        let hosts = switches.notify_hosts.iter();
        hosts.fold(self, Self::deliver_to)
    }

    /// How long to wait after so many failed attempts; `None` to give up.
    pub(crate) fn wait_after(&self, event_type: &str, failed: u32) -> Option<Duration> {
        let waits = match EventKind::from_name(event_type) {
            Some(EventKind::UserCardCreate | EventKind::UserCardDelete) => &self.card_waits,
            _ => &self.other_waits,
        };
        let index = usize::try_from(failed.checked_sub(1)?).ok()?;
        waits.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(event_type: &str) -> Vec<u64> {
        let settings = NotificationSettings::default();
        (1..)
            .map_while(|failed| settings.wait_after(event_type, failed))
            .map(|wait| wait.as_secs())
            .collect()
    }

    #[test]
    fn the_documented_clocks_run_out() {
        assert_eq!(waits("BRAND_MEMBER_CARD_SP.USER_CARD.CREATE"), [60; 11]);
        assert_eq!(waits("BRAND_MEMBER_CARD.USER_CARD.DELETE"), [60; 11]);
        let general = waits("BRAND_MEMBER_CARD.SYNC_USER_POINT");
        assert_eq!(general[..6], [15, 15, 30, 180, 600, 1200]);
        assert_eq!(general.len(), 15);
        assert_eq!(general.iter().sum::<u64>(), 24 * HOUR + 4 * MINUTE);
        assert_eq!(waits("SECURITY_ECHO.SUCCESS"), general);
    }
}
