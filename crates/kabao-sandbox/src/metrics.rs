//! What a sandbox does, counted, for Prometheus.
//!
//! Every label is one of a few that are known beforehand, so that neither a
//! stranger nor a test can make the number of series grow, and none tells of a
//! caller or a person. Counting a request takes a look-up each by labels that
//! need no memory.

use std::sync::LazyLock;

use jiff::Timestamp;
use kabao_core::notification::EventKind;
use prometheus_client::{
    encoding::{EncodeLabelSet, prometheus_text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::{Registry, Unit},
};

use crate::{
    faults::Noted,
    journal::Entry,
    keys::CallerKind,
    store::{Store, StoreError, Then},
};

/// How [`Metrics::text`] is to be read.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A request costs about a third of a millisecond, for its signature; what takes
/// seconds waits for a store.
const SECONDS: [f64; 14] = [
    0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
];

/// The codes of the documentation, and what the sandbox adds. A fault may answer
/// with any other.
const CODES: [&str; 10] = [
    "FREQUENCY_LIMITED",
    "INVALID_REQUEST",
    "NOT_FOUND",
    "NO_AUTH",
    "PARAM_ERROR",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_NOT_EXISTS",
    "SERVICE_UNAVAILABLE",
    "SIGN_ERROR",
    "SYSTEM_ERROR",
];

const NONE: &str = "none";
const OTHER: &str = "other";

/// Of the whole process, as the log is: where a failure is logged, nobody knows
/// which sandbox it was.
static STORE_ERRORS: LazyLock<Family<Failed, Counter>> = LazyLock::new(Family::default);

/// Counts a failure of a store.
pub(crate) fn store_failed(error: &StoreError) {
    let kind = match error {
        StoreError::Unavailable { .. } => "unavailable",
        _ => "failed",
    };
    STORE_ERRORS.get_or_create(&Failed { kind }).inc();
}

/// Everything that one sandbox counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// Requests of the API that are being answered.
    pub(crate) in_flight: Gauge,
    /// Connections that are open.
    pub(crate) connections: Gauge,
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Of, Histogram, fn() -> Histogram>,
    bad_signatures: Family<Step, Counter>,
    rate_limited: Family<Of, Counter>,
    turned_away: Family<Why, Counter>,
    faults: Family<Befallen, Counter>,
    attempts: Family<Attempted, Counter>,
    /// Not there while the store does not say.
    owed: Family<Unlabelled, Gauge>,
    store_up: Gauge,
}

type Unlabelled = [(&'static str, &'static str); 0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    operation: &'static str,
    caller: &'static str,
    /// Nothing if nothing was answered.
    status: Option<u16>,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Step {
    step: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Why {
    why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Befallen {
    kind: &'static str,
    on: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempted {
    event: String,
    outcome: &'static str,
}

impl Metrics {
    /// All at nothing, of a sandbox that starts now.
    pub(crate) fn new(now: Timestamp) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(SECONDS);
        let mut metrics = Self {
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            registry: Registry::with_prefix("kabao_sandbox"),
            requests: Family::default(),
            durations: Family::new_with_constructor(histogram),
            bad_signatures: Family::default(),
            rate_limited: Family::default(),
            turned_away: Family::default(),
            faults: Family::default(),
            attempts: Family::default(),
            owed: Family::default(),
            store_up: Gauge::default(),
        };
        metrics.register(now);
        metrics
    }

    /// Counts a request that was answered.
    pub(crate) fn answered(&self, entry: &Entry) {
        let operation = entry.operation.unwrap_or(NONE);
        let kind = entry.caller.as_ref().map(|of| CallerKind::of(of.scheme));
        let code = entry.refusal.as_ref().map_or(NONE, |refusal| {
            let known = CODES.iter().find(|code| **code == refusal.code);
            known.copied().unwrap_or(OTHER)
        });
        let answered = Answered {
            operation,
            caller: kind.map_or(NONE, CallerKind::name),
            status: entry.status,
            code,
        };
        self.requests.get_or_create(&answered).inc();
        let took = entry.began.elapsed().as_secs_f64();
        self.durations
            .get_or_create(&Of { operation })
            .observe(took);
        if let Some(verdict) = &entry.verdict {
            let step = Step { step: verdict.step };
            self.bad_signatures.get_or_create(&step).inc();
        }
        if entry.rate.is_some_and(|rate| rate.is_over) {
            self.rate_limited.get_or_create(&Of { operation }).inc();
        }
        self.befallen("answer", &entry.faults);
    }

    /// Counts a request, or a connection, of which nothing was looked at.
    pub(crate) fn turned_away(&self, why: &'static str) {
        self.turned_away.get_or_create(&Why { why }).inc();
    }

    /// Counts an attempt to deliver a notification.
    pub(crate) fn attempted(&self, event_type: &str, then: Then) {
        let kind = EventKind::from_name(event_type);
        let attempted = Attempted {
            event: kind.map_or_else(|| OTHER.to_owned(), |kind| kind.to_string()),
            outcome: match then {
                Then::Delivered => "delivered",
                Then::Again(_) => "again",
                Then::GiveUp => "given_up",
            },
        };
        self.attempts.get_or_create(&attempted).inc();
    }

    /// Counts faults that befell an answer or a notification.
    pub(crate) fn befallen(&self, on: &'static str, faults: &[Noted]) {
        for Noted { kind, .. } in faults {
            self.faults.get_or_create(&Befallen { kind, on }).inc();
        }
    }

    /// Everything, in Prometheus' text format. What the store knows is asked for
    /// now; what it does not say is left out.
    pub(crate) async fn text(&self, store: &dyn Store) -> Result<String, std::fmt::Error> {
        match store.pending().await {
            Ok(pending) => {
                let owed = i64::try_from(pending).unwrap_or(i64::MAX);
                self.owed.get_or_create(&[]).set(owed);
                self.store_up.set(1);
            }
            Err(error) => {
                let _ = crate::app::failed(&error);
                self.owed.clear();
                self.store_up.set(0);
            }
        }
        let mut text = String::new();
        prometheus_text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn register(&mut self, now: Timestamp) {
        let registry = &mut self.registry;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "What runs", Info::new(version));
        let started = Gauge::<i64>::default();
        started.set(now.as_second());
        registry.register_with_unit(
            "start_time",
            "When it started, since 1970",
            Unit::Seconds,
            started,
        );
        registry.register(
            "requests",
            "Requests of the API, by operation, kind of the caller, status and code",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "request_duration",
            "Time to answer; what a fault lets an answer wait is not in it",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register(
            "signature_failures",
            "Requests that were refused for their signature, by the step that failed",
            self.bad_signatures.clone(),
        );
        registry.register(
            "rate_limited",
            "Requests that came too often",
            self.rate_limited.clone(),
        );
        registry.register(
            "turned_away",
            "Requests and connections that were out of bounds, by what was",
            self.turned_away.clone(),
        );
        registry.register(
            "faults",
            "Ordered faults that befell an answer or a notification",
            self.faults.clone(),
        );
        registry.register(
            "notification_attempts",
            "Attempts to deliver a notification, by event and by what followed",
            self.attempts.clone(),
        );
        registry.register(
            "notifications_owed",
            "Notifications that will be tried, or tried again, by any sandbox on this store",
            self.owed.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests of the API that are being answered",
            self.in_flight.clone(),
        );
        registry.register(
            "connections",
            "Connections that are open",
            self.connections.clone(),
        );
        registry.register(
            "store_errors",
            "Failures of the store: it was unavailable, or it failed",
            STORE_ERRORS.clone(),
        );
        registry.register(
            "store_up",
            "Whether the store answered just now",
            self.store_up.clone(),
        );
    }
}

/// Counts something while it lives.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Counted {
    pub(crate) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
