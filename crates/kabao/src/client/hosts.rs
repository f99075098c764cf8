use std::sync::atomic::{AtomicI64, Ordering};

use kabao_core::target::BaseUrl;

/// After a turn to the backup host, how long to begin there: a main host that
/// does not answer costs every call a connection timeout.
const STAY_SECONDS: i64 = 60;

/// The main host, and perhaps one to turn to when the network to it fails.
#[derive(Debug)]
pub(crate) struct Hosts {
    main: BaseUrl,
    backup: Option<BaseUrl>,
    backup_first_until: AtomicI64,
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    Main,
    Backup,
}

impl Hosts {
    pub(crate) fn new(main: BaseUrl, backup: Option<BaseUrl>) -> Self {
        Self {
            main,
            backup,
            backup_first_until: AtomicI64::new(i64::MIN),
        }
    }

    pub(crate) fn base(&self, host: Host) -> &BaseUrl {
        match (host, &self.backup) {
            (Host::Backup, Some(backup)) => backup,
            _ => &self.main,
        }
    }

    /// Where to begin.
    pub(crate) fn first(&self, now: i64) -> Host {
        if self.backup.is_some() && now < self.backup_first_until.load(Ordering::Relaxed) {
            Host::Backup
        } else {
            Host::Main
        }
    }

    /// Turns away from a host that the network does not reach: this call, and
    /// for a while those to come. To the other one, if there is one.
    pub(crate) fn turn_from(&self, failed: Host, now: i64) -> Option<Host> {
        self.backup.as_ref()?;
        let (other, until) = match failed {
            Host::Main => (Host::Backup, now.saturating_add(STAY_SECONDS)),
            Host::Backup => (Host::Main, i64::MIN),
        };
        self.backup_first_until.store(until, Ordering::Relaxed);
        Some(other)
    }
}
