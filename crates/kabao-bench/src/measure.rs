//! CPU time, medians and the lines that are printed.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};

/// CPU time of this process, all threads.
pub(crate) fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(time.tv_nsec).unwrap_or_default();
    Duration::from_secs(seconds) + Duration::from_nanos(nanos)
}

/// Microseconds per one of `count`.
pub(crate) fn micros_each(total: Duration, count: usize) -> f64 {
    total.as_secs_f64() * 1e6 / f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX))
}

/// The middle one.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Of values in order, the one that `share` of them do not exceed.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = (last as f64 * share).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

/// How long calls took, in microseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies(Vec<f64>);

impl Latencies {
    pub(crate) fn of(mut micros: Vec<f64>) -> Self {
        micros.sort_by(f64::total_cmp);
        Self(micros)
    }

    /// Together with others.
    pub(crate) fn and(self, other: &Self) -> Self {
        Self::of([self.0, other.0.clone()].concat())
    }

    pub(crate) fn p50(&self) -> f64 {
        quantile(&self.0, 0.5)
    }

    pub(crate) fn p99(&self) -> f64 {
        quantile(&self.0, 0.99)
    }

    pub(crate) fn p999(&self) -> f64 {
        quantile(&self.0, 0.999)
    }

    pub(crate) fn longest(&self) -> f64 {
        quantile(&self.0, 1.0)
    }
}

/// One round of a measurement: what it cost and what it cannot go below.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) value: f64,
    pub(crate) bound: f64,
    /// Whether a higher value is better (calls per second) or a lower one
    /// (microseconds per call).
    pub(crate) higher_is_better: bool,
}

impl Round {
    fn ratio(self) -> f64 {
        if self.higher_is_better {
            self.value / self.bound
        } else {
            self.bound / self.value
        }
    }
}

/// Prints one line: the medians of the rounds, the ratio taken round by round.
#[expect(clippy::print_stdout, reason = "this is the program's output")]
pub(crate) fn report(name: &str, unit: &str, rounds: &[Round], parts: &[(&str, f64)]) {
    let tidy = |number: f64| json!((number * 1000.0).round() / 1000.0);
    let mut line = Map::new();
    line.insert("name".into(), json!(name));
    line.insert(
        "value".into(),
        tidy(median(rounds.iter().map(|round| round.value))),
    );
    line.insert("unit".into(), json!(unit));
    line.insert(
        "bound".into(),
        tidy(median(rounds.iter().map(|round| round.bound))),
    );
    line.insert(
        "ratio".into(),
        tidy(median(rounds.iter().map(|round| round.ratio()))),
    );
    for (part, value) in parts {
        line.insert((*part).into(), tidy(*value));
    }
    println!("{}", Value::Object(line));
}
